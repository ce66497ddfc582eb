// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Every command explains itself, and bad usage is told from a "no".
struct HelpTests {
    /// Those that only hold others.
    private static let groups = [
        "show", "proof", "ledger", "chart", "checkpoint", "export", "request", "projections",
    ].map { [$0] }

    /// Every command that is shown, as its words, with what its help says below the first line.
    private static let commands: [(words: [String], discussion: String)] = {
        guard let help = try? Command.run("--experimental-dump-help"),
            let root = try? JSONValue(parsing: help.output).members["command"]
        else { return [] }
        return listed(root, [])
    }()

    private static func listed(
        _ command: JSONValue, _ words: [String]
    ) -> [(words: [String], discussion: String)] {
        let subcommands = command.members["subcommands"]?.elements ?? []
        let shown = subcommands.filter { $0.members["shouldDisplay"] != .bool(false) }
        return [(words, command.members["discussion"]?.text ?? "")]
            + shown.flatMap { sub in
                let name = sub.members["commandName"]?.text ?? ""
                return name == "help" ? [] : listed(sub, words + [name])
            }
    }

    @Test func `every command is looked at`() {
        #expect(Self.commands.count > 95)
    }

    /// Where a line is as wide as a terminal its last word falls on a line of its own.
    @Test(arguments: commands)
    func `lines that belong together leave a column free`(_ words: [String], _ discussion: String) {
        let lines = discussion.split(separator: "\n", omittingEmptySubsequences: false)
        for (place, line) in lines.enumerated() where line.count > 79 {
            let isAlone = [place - 1, place + 1].allSatisfy {
                !lines.indices.contains($0) || lines[$0].isEmpty
            }
            #expect(isAlone && !line.hasPrefix(" "), "\(words): \(line)")
        }
    }

    @Test(arguments: commands)
    func `help teaches the command`(_ command: [String], _: String) throws {
        let result = try Command.run(command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("OVERVIEW: "))
        #expect(result.output.contains("USAGE: "))
        #expect(result.errors.isEmpty)
        for line in result.lines where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
        if !Self.groups.contains(command) {
            #expect(result.output.contains("  recount "), "an example is missing")
        }
    }

    @Test(arguments: commands)
    func `an unknown option gives 2`(_ command: [String], _: String) throws {
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
