// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Small modules, assembled by hand from the text beside them.
enum SmallModule: String, CaseIterable {
    /// Version 2: logs the length of its input and returns it as it is.
    ///
    ///     (import "env" "log" (func $log (param i32))) (memory (export "memory") 1)
    ///     (func (export "allocate") (param i32) (result i32) i32.const 1024)
    ///     (func (export "execute") (param i32 i32) (result i64)
    ///       (call $log (local.get 1))
    ///       (i64.or (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))
    ///         (i64.extend_i32_u (local.get 0))))
    case echo = """
        0061736d0100000001100360017f0060017f017f60027f7f017e020b0103656e76036c6f6700000303020102\
        0503010001071f03066d656d6f7279020008616c6c6f636174650001076578656375746500020a180205004180\
        080b1000200110002001ad4220862000ad840b
        """
    /// Version 1: `unreachable`.
    case trap = """
        0061736d0100000001070160027f7f017f03020100050301000107140206\
        6d656d6f727902000765786563757465\
        00000a05010300000b
        """
    /// Version 1: `(loop br 0)`.
    case loop = """
        0061736d0100000001070160027f7f017f03020100050301000107140206\
        6d656d6f727902000765786563757465\
        00000a0a01080003400c000b000b
        """
    /// Version 1, with an import `env.clock`.
    case clock = """
        0061736d01000000010a0260000060027f7f017f020d0103656e7605636c6f636b000003020101050301000107\
        1402066d656d6f72790200076578656375746500010a0601040041000b
        """

    /// Its binary form.
    var bytes: [UInt8] {
        let digits = Array(rawValue.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { place in
            UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }
}

/// Whether the program has its engine: a sample module does not end for the lack of it.
let engineIsThere: Bool = {
    do {
        let module = samplesFolder + "/modules/reverse.wasm"
        return try !Command.run("job", "run", module).output.contains("noEngine")
    } catch {
        return true
    }
}()

/// A new local network, with a folder for modules and inputs beside it.
struct JobHome {
    let folder: TemporaryFolder
    let network: String
    /// The home of the first validator.
    let home: String
    let key: String

    /// - Parameter heavy: Whether the last three validators have nearly all of the stake.
    init(heavy: Bool = false) throws {
        folder = try TemporaryFolder()
        network = folder.path + "/net"
        home = network + "/validator-1"
        key = folder.path + "/unlock.key"
        var config = samplesFolder + "/recount.toml"
        if heavy {
            var text = try String(contentsOfFile: config, encoding: .utf8)
            for (number, stake) in [(8, 1500), (9, 1000), (10, 1000)] {
                text = text.replacingOccurrences(
                    of: "name = \"validator-\(number)\"\nstake = \(stake)",
                    with: "name = \"validator-\(number)\"\nstake = 1000000")
            }
            text = text.replacingOccurrences(
                of: "verifying_key = \"", with: "verifying_key = \"\(samplesFolder)/")
            config = try folder.write(Array(text.utf8), "heavy.toml")
        }
        let made = try Command.run(
            "init", network, "--config", config, "--key-file", key)
        #expect(made.status == 0, "\(made.errors)")
    }

    func write(_ module: SmallModule) throws -> String {
        try folder.write(module.bytes, "\(module).wasm")
    }

    func submit(_ arguments: String...) throws -> CommandResult {
        try Command.run(["job", "submit", home] + arguments + ["--key-file", key])
    }

    /// Submits a job and returns its identity.
    func submitted(_ module: SmallModule, _ arguments: String...) throws -> String {
        let result = try Command.run(
            ["job", "submit", home, try write(module), "--key-file", key, "--json", "--unjudged"]
                + arguments)
        #expect(result.status == 0, "\(result.errors)")
        return try #require(try result.object()["job_id"] as? String)
    }

    func job(_ arguments: String...) throws -> CommandResult {
        var arguments = arguments
        arguments.insert(home, at: 1)
        return try Command.run(["job"] + arguments)
    }

    func run(_ arguments: String...) throws -> CommandResult {
        try Command.run(
            ["run", network, "--requests", "/dev/null", "--key-file", key, "--json"] + arguments)
    }

    var spooled: [String] {
        get throws {
            let folder = home + "/jobs"
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        }
    }
}

/// Jobs are submitted, and wait where no node takes them.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct JobSubmitTests {
    @Test func `a submitted job waits, and is listed and shown`() throws {
        let home = try JobHome()
        #expect(try home.job("list").output == "There are no jobs yet.\n")
        #expect(try home.job("list", "--json").output.isEmpty)
        let input = try home.folder.write(Array("hello".utf8), "input")
        let module = try home.write(.echo)
        let result = try home.submit(
            module, "--input", input, "--fuel", "5000", "--memory", "1MiB", "--timeout", "2.5",
            "--submitter", "submitter", "--json")
        #expect(result.status == 0, "\(result.errors)")
        let submitted = try result.object()
        #expect(submitted["fuel"] as? Int == 5000)
        #expect(submitted["memory_bytes"] as? Int == 1 << 20)
        #expect(submitted["milliseconds"] as? Int == 2500)
        #expect(submitted["input_bytes"] as? Int == 5)
        #expect(
            submitted["input"] as? String
                == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        let id = try #require(submitted["job_id"] as? String)
        #expect(try home.spooled == ["\(id).message"])
        for name in ["module", "input"] {
            let hash = try #require(submitted[name] as? String)
            let blob = home.home + "/ledger/blobs/" + hash
            #expect(FileManager.default.fileExists(atPath: blob))
        }
        let row = try #require(try home.job("list", "--json").objects().first)
        #expect(row["decision"] as? String == "waiting")
        #expect(row["entry"] == nil)
        for name in ["job_id", "module", "input", "fuel", "memory_bytes", "milliseconds"] {
            #expect("\(row[name] ?? 0)" == "\(submitted[name] ?? 1)", "\(name)")
        }
        for words in [["job", "show"], ["show", "job"]] {
            let shown = try Command.run(words + [home.home, String(id.prefix(9)), "--json"])
            #expect(try shown.object()["job_id"] as? String == id)
            #expect(try Command.run(words + [home.home, id]).output.contains("Waiting"))
        }
        #expect(try home.job("list", "--decision", "waiting").output.contains("waiting"))
        let none = try home.job("list", "--decision", "open")
        #expect(none.output == "No job passes these filters.\n")
        let early = try home.job("result", id)
        #expect(early.status == 2 && early.errors.contains("waits for a node"))
        #expect(early.output.isEmpty)
    }

    @Test func `what cannot be submitted is told, and leaves nothing behind`() throws {
        let home = try JobHome()
        let module = try home.write(.echo)
        let large = try home.folder.write(Data(count: (4 << 20) + 1), "large.wasm")
        let input = try home.folder.write(Data(count: (16 << 20) + 1), "large")
        let empty = try home.folder.write([], "empty.wasm")
        let text = try home.folder.write(Array("no".utf8), "text.wasm")
        let cases: [([String], String)] = [
            ([home.folder.path + "/absent.wasm"], "absent.wasm cannot be read"),
            ([home.folder.path], "cannot be read"), ([empty], "empty"),
            ([try home.write(.clock)], "cannot run as a job: it imports"),
            ([text], "cannot run as a job: the module is not WebAssembly from byte 0 on"),
            ([large], "at most 4 MiB"), ([module, "--input", input], "at most 16 MiB"),
            ([module, "--input", home.folder.path + "/absent"], "absent cannot be read"),
            ([module, "--submitter", "nobody"], "nobody"), ([module, "--fuel", "0"], "--fuel"),
            ([module, "--memory", "0"], "--memory"), ([module, "--memory", "5GiB"], "--memory"),
            ([module, "--memory", "1.5GiB"], "--memory"),
            ([module, "--memory", "99999999999999GiB"], "--memory"),
            ([module, "--timeout", "0"], "--timeout"), ([module, "--timeout", "-1"], "--timeout"),
            ([module, "--timeout", "100000"], "--timeout"),
        ]
        for (arguments, words) in cases {
            let result = try Command.run(
                ["job", "submit", home.home] + arguments + ["--key-file", home.key])
            #expect(result.status == 2, "\(arguments)")
            #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
            #expect(result.output.isEmpty)
        }
        #expect(try home.spooled.isEmpty)
        let blobs = home.home + "/ledger/blobs"
        #expect(try FileManager.default.contentsOfDirectory(atPath: blobs).isEmpty)
        let folder = try TemporaryFolder()
        let nowhere = try Command.run("job", "submit", folder.path, module)
        #expect(nowhere.status == 2 && nowhere.errors.contains(folder.path))
    }

    @Test func `a job is named by unique first digits`() throws {
        let home = try JobHome()
        // Seventeen names cannot all begin with different digits.
        var ids: [String] = []
        while ids.count < 17, Set(ids.map(\.first)).count == ids.count {
            ids.append(try home.submitted(.echo, "--fuel", "\(ids.count + 1)"))
        }
        let last = try #require(ids.last)
        for command in ["show", "result"] {
            let several = try home.job(command, String(last.prefix(1)))
            #expect(several.status == 2)
            #expect(several.errors.contains("give more digits"), "\(several.errors)")
            #expect(several.errors.contains(last.prefix(16)))
        }
        #expect(try home.job("show", last, "--json").object()["job_id"] as? String == last)
        let unknown = try home.job("show", String(repeating: "0", count: 60))
        #expect(unknown.status == 2 && unknown.errors.contains("recount job list"))
        #expect(try home.job("show", "no-id").status == 2)
        #expect(try home.job("result", "77").status == 2)
        #expect(
            try home.job("list", "--json").objects().compactMap { $0["job_id"] as? String } == ids)
        #expect(try home.job("list", "--limit", "1", "--json").lines.count == 1)
        let shown = try home.job("list", "--limit", "1").output
        #expect(shown.contains("the newest 1 of \(ids.count) jobs"))
    }

    @Test func `a damaged file of a job is told of and passed over`() throws {
        let home = try JobHome()
        let id = try home.submitted(.echo)
        try Data("x".utf8).write(to: URL(fileURLWithPath: home.home + "/jobs/none.message"))
        let result = try home.job("list", "--json")
        #expect(result.status == 0)
        #expect(try result.objects().compactMap { $0["job_id"] as? String } == [id])
        #expect(result.errors.contains("none.message"))
    }
}

/// The commands explain themselves.
struct JobHelpTests {
    private static let commands = ["submit", "list", "show", "result", "run"]

    @Test(arguments: [[]] + commands.map { [$0] })
    func `help teaches the command`(_ command: [String]) throws {
        let result = try Command.run(["job"] + command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("USAGE: recount job"))
        #expect(result.output.contains("\n  recount job"), "an example is missing")
        for line in result.lines where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
        #expect(try Command.run(["job"] + command + ["--no-such-option"]).status == 2)
    }

    @Test func `where there is no ledger the answer is 2 and says what to name`() throws {
        let folder = try TemporaryFolder()
        for command in [["list"], ["show"], ["result"]] {
            let id = command == ["list"] ? [] : ["1"]
            let result = try Command.run(["job"] + command + [folder.path] + id)
            #expect(result.status == 2, "\(command)")
            #expect(result.errors.contains("recount init"), "\(result.errors)")
        }
        #expect(try Command.run("job", "list", folder.path, "--decision", "lost").status == 2)
    }
}
