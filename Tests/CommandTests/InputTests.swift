// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Files of other programs, the disk and standard input, as a person meets them.
@Suite struct InputTests {
    /// Runs a command of the shell, in which `$recount` is the program.
    private func shell(_ command: String) throws -> CommandResult {
        try Command.execute(
            "/bin/sh", ["-c", "recount=\"$1\"; shift; \(command)", "sh", Command.path])
    }

    @Test(
        "a folder, an absent file and a closed input are told in plain words",
        arguments: [
            ["config", "check"], ["checkpoint", "show"], ["certificate", "show"],
            ["evidence", "verify"], ["job", "run"],
            ["prove", "check", "--root", String(repeating: "0", count: 64)],
        ])
    func disk(command: [String]) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write([], ".hidden")
        try FileManager.default.createDirectory(
            atPath: folder.path + "/inner/deeper", withIntermediateDirectories: true)
        let isList = command == ["evidence", "verify"]
        for (path, words) in [
            (folder.path + "/inner", "folder"), (folder.path + "/absent", "does not exist"),
        ] {
            let result = try Command.run(command + [path])
            let said = result.errors + (isList ? result.output : "")
            #expect(result.status == 2, "\(command) \(path)")
            #expect(said.contains(words), "\(command) \(path): \(said)")
            for word in ["NSCocoa", "NSPOSIX", "The operation", "errno"] {
                #expect(!said.contains(word), "\(command) \(path): \(said)")
            }
        }
        let words = command.map { "'\($0)'" }.joined(separator: " ")
        let closed = try shell("\"$recount\" \(words) - <&-")
        #expect(closed.status == 2)
        #expect((closed.errors + closed.output).contains("standard input is closed"))
        let silent = try shell("\"$recount\" \(words) '\(folder.path)/absent' 2>&- >&-")
        #expect(silent.status == 2, "a closed standard error is no trap")
    }

    @Test("an argument that is not UTF-8 is told, and not another file read")
    func arguments() throws {
        let result = try shell("\"$recount\" config check \"$(printf '/tmp/\\377.toml')\"")
        #expect(result.status == 2)
        #expect(result.errors.contains("is not UTF-8"), "\(result.errors)")
    }

    @Test("what init refuses of a configuration, its check refuses with the same words")
    func configuration() throws {
        let folder = try TemporaryFolder()
        let key = samplesFolder + "/withdraw_verification_key.json"
        func text(_ key: String, _ inputs: String, api: String = "127.0.0.1:0") -> String {
            """
            [api]
            listen = "\(api)"
            [[circuits]]
            name = "withdraw"
            verifying_key = "\(key)"
            public_inputs = [\(inputs)]
            """
        }
        let bound = "\"root\", \"nullifier\", \"amount\", \"recipient\""
        let plonk = try folder.write(Array("{\"protocol\": \"plonk\"}".utf8), "plonk.json")
        for (toml, words) in [
            (text("absent.json", bound), "absent.json does not exist"),
            (text(folder.path, bound), "is a folder"), (text(plonk, bound), "PLONK"),
            (text(key, "\"root\""), "each needs a binding"),
            (text(key, "\"root\", \"nullifier\", \"amount\", \"free\""), "must bind root"),
            (text(key, bound, api: "127.0.0.1:65534"), "api.listen"),
            ("[[submitters]]\nname = \"submitters\"", "submitters.name"),
            ("a = [", "line 1, column 6"),
        ] {
            let file = try folder.write(Array(toml.utf8), "recount.toml")
            let checked = try Command.run("config", "check", file)
            #expect(checked.status == 1, "\(words)")
            #expect(checked.errors.contains(words), "\(checked.errors)")
            let made = try Command.run("init", folder.path + "/net", "--config", file)
            #expect(made.status == 2 && made.errors == checked.errors, "\(made.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/net"))
            // A fault of the configuration is told of it, also where a key is the cause.
            if !words.contains("api") {
                #expect(checked.errors.hasPrefix("recount: \(file): "), "\(checked.errors)")
            }
            let json = try Command.run("config", "check", file, "--json").object()
            #expect(json["is_usable"] as? Bool == false && json["problem"] is String)
        }
        let piped = try shell("printf 'snapshots.entries = 0x10' | \"$recount\" config check -")
        #expect(piped.status == 0, "\(piped.errors)")
    }

    @Test(
        "an identity is told offline, and is the one that the request gets",
        .enabled(if: samplesAreThere, "no samples"))
    func requestID() throws {
        let one = try OneValidator()
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").prefix(3).joined(separator: "\n")
        let file = try one.folder.write(Array(lines.utf8), "requests.jsonl")
        let told = try Command.run("request", "id", file, "--ledger", one.home)
        #expect(told.status == 0 && told.lines.count == 3, "\(told.errors)")
        let submitted = try Command.run(
            "submit", one.home, "--request", file, "--json", "--key-file", one.key)
        #expect(
            try submitted.objects().map { $0["request_id"] as? String }
                == told.lines.map(String.init))
        let piped = try shell(
            "\"$recount\" request id - --ledger '\(one.home)' --json < '\(file)'")
        #expect(
            try piped.objects().map { $0["request_id"] as? String } == told.lines.map(String.init))
        let other = try Command.run(
            "request", "id", file, "--ledger", one.home, "--submitter",
            String(repeating: "0", count: 64))
        #expect(other.status == 0 && other.lines.first != told.lines.first)
        let nobody = try Command.run(
            "request", "id", file, "--ledger", one.home, "--submitter", "nobody")
        #expect(nobody.status == 2 && nobody.errors.contains("no submitter is called nobody"))
    }

    @Test(
        "a file of requests is taken whole or not at all, and an empty one is told",
        .enabled(if: samplesAreThere, "no samples"))
    func requests() throws {
        let one = try OneValidator()
        let network = one.folder.path + "/net"
        let line = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n")[0]
        let broken = try one.folder.write(
            Array("\(line)\n{\"amount\": 1, \"amount\": 2}\n".utf8), "broken.jsonl")
        let run = try Command.run("run", network, "--requests", broken, "--key-file", one.key)
        #expect(run.status == 2 && run.output.isEmpty)
        #expect(run.errors.contains("broken.jsonl, line 2: "), "\(run.errors)")
        #expect(run.errors.contains("column 15: the name \"amount\" stands twice"))
        let empty = try one.folder.write(Array("\n\n".utf8), "empty.jsonl")
        let nothing = try Command.run(
            "submit", one.home, "--request", empty, "--key-file", one.key)
        #expect(nothing.status == 2 && nothing.errors.contains("empty.jsonl is empty"))
        let ran = try Command.run("run", network, "--requests", empty, "--key-file", one.key)
        #expect(ran.status == 0 && ran.errors.contains("empty.jsonl is empty"), "\(ran.errors)")
        // The first request of the broken file was not taken either.
        #expect(ran.output.contains("0 accepted"), "\(ran.output)")
    }
}
