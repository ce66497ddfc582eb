// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Every command explains itself, and bad usage is told from a "no".
struct HelpTests {
    private static let commands = [
        [], ["init"], ["keygen"], ["genesis"], ["genesis", "accept"], ["run"], ["audit"],
        ["diff"], ["why"], ["bisect"], ["culprits"], ["evidence"], ["evidence", "verify"],
        ["answer"], ["whatif"], ["disagreements"], ["report"], ["schema"], ["case"],
        ["case", "list"],
        ["case", "show"], ["case", "verify"], ["case", "export"], ["case", "release"],
        ["case", "derive"],
        ["replay"], ["log"], ["show"], ["show", "request"],
        ["show", "entry"], ["proof"], ["proof", "verify"], ["ledger"], ["ledger", "info"],
        ["config"], ["config", "keys"], ["config", "check"],
        ["show", "validator"], ["show", "leader"], ["show", "nullifier"], ["show", "reputation"],
        ["show", "job"], ["show", "batch"], ["requests"], ["validators"], ["leaders"],
        ["chart"], ["chart", "reputation"], ["chart", "leaders"],
        ["submit"], ["govern"], ["govern", "propose"], ["govern", "sign"], ["govern", "show"],
        ["govern", "submit"], ["bridge"], ["bridge", "show"], ["bridge", "rebuild"],
        ["bridge", "confirm"], ["bridge", "run"], ["prove", "entry"], ["prove", "request"],
        ["job", "list"], ["job", "result"], ["checkpoint", "show"], ["checkpoint", "verify"],
        ["recover"], ["doctor"], ["drill"], ["backup"], ["backup", "make"], ["backup", "list"],
        ["checkpoint", "sign"],
        ["checkpoint", "cosign"], ["job", "submit"],
    ]

    @Test(arguments: commands)
    func `help teaches the command`(_ command: [String]) throws {
        let result = try Command.run(command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("OVERVIEW: "))
        #expect(result.output.contains("USAGE: "))
        #expect(result.errors.isEmpty)
        for line in result.lines where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
        if !["show", "proof", "ledger", "chart"].contains(command.last ?? "") {
            #expect(result.output.contains("  recount "), "an example is missing")
        }
    }

    @Test(arguments: commands)
    func `an unknown option gives 2`(_ command: [String]) throws {
        let result = try Command.run(command + ["--no-such-option"])
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("Usage: recount"))
    }

    @Test func `missing arguments and unknown commands give 2`() throws {
        #expect(try Command.run("audit").status == 2)
        #expect(try Command.run("no-such-command").status == 2)
        #expect(try Command.run("log", "home", "--kind", "nothing").status == 2)
        #expect(try Command.run("log", "home", "--from", "9", "--to", "8").status == 2)
        #expect(try Command.run("log", "home", "--from", "9", "--last", "8").status == 2)
        #expect(try Command.run("requests", "home", "--outcome", "lost").status == 2)
        #expect(try Command.run("requests", "home", "--from", "yesterday").status == 2)
        #expect(try Command.run("validators", "home", "--limit", "9").status == 2)
        #expect(try Command.run("chart", "leaders", "home", "--columns", "8").status == 2)
    }

    @Test func `where there is no ledger the answer is 2 and says what to name`() throws {
        let folder = try TemporaryFolder()
        for command in [
            ["audit"], ["replay"], ["log"], ["ledger", "info"], ["show", "request"],
            ["show", "entry"], ["show", "validator"], ["show", "leader"], ["show", "nullifier"],
            ["show", "reputation"], ["show", "job"], ["show", "batch"], ["requests"],
            ["validators"], ["leaders"], ["chart", "reputation"], ["chart", "leaders"],
        ] {
            var arguments = command + [folder.path]
            if command.first == "show" { arguments.append("1") }
            let result = try Command.run(arguments)
            #expect(result.status == 2, "\(command)")
            #expect(result.errors.contains(folder.path), "\(result.errors)")
            #expect(result.errors.contains("recount init"), "\(result.errors)")
        }
    }

    @Test func `every configuration key is listed`() throws {
        let result = try Command.run("config", "--json")
        #expect(result.status == 0)
        let names = try result.objects().compactMap { $0["name"] as? String }
        #expect(names.contains("consensus.threshold"))
        #expect(names.contains("network.max_connections"))
        for object in try result.objects() {
            for key in ["name", "type", "default", "meaning"] {
                #expect(object[key] is String, "\(object)")
            }
        }
    }

    @Test func `a configuration is checked`() throws {
        let folder = try TemporaryFolder()
        let good = try folder.write(Array("[consensus]\nthreshold = 7\n".utf8), "good.toml")
        #expect(try Command.run("config", "check", good).status == 0)
        let bad = try folder.write(Array("[consensus]\nthreshold = 6\n".utf8), "bad.toml")
        let result = try Command.run("config", "check", bad)
        #expect(result.status == 1)
        #expect(result.errors.contains("7"), "the smallest safe threshold is named")
        #expect(try Command.run("config", "check", folder.path + "/absent.toml").status == 2)
    }
}
