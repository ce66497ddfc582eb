// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A module is tried without any ledger.
@Suite(.enabled(if: engineIsThere, "no engine: see Tools/setup"))
struct JobRunTests {
    private func run(_ module: SmallModule, _ arguments: String...) throws -> CommandResult {
        let folder = try TemporaryFolder()
        return try Command.run(
            ["job", "run", try folder.write(module.bytes, "module.wasm")] + arguments)
    }

    @Test func `a success gives its output, its fuel and its log`() throws {
        let folder = try TemporaryFolder()
        let input = try folder.write(Array("hello".utf8), "input")
        let result = try run(.echo, "--input", input, "--json")
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object()
        #expect(object["status"] as? String == "success")
        #expect(object["status_code"] as? Int == 0)
        #expect(object["reason"] == nil)
        #expect(object["output_bytes"] as? Int == 5)
        #expect(
            object["output"] as? String
                == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        #expect(object["log"] as? [String] == ["5"])
        #expect(object["log_dropped"] as? Int == 0)
        #expect(object["fuel"] as? Int ?? 0 > 0)
        #expect(object["engine"] as? String == "wasmtime")
        #expect(object["engine_version"] is String)
        #expect(object["milliseconds"] is NSNumber)
        let out = folder.path + "/out"
        let people = try run(.echo, "--input", input, "--out", out)
        #expect(people.output.contains("hello"))
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "hello")
        #expect(try run(.echo, "--input", input, "--out", "-").output == "hello")
        let empty = try run(.echo, "--json").object()
        #expect(empty["output_bytes"] as? Int == 0, "an empty output is a success")
        #expect(try run(.echo, "--json", "--out", "-").status == 2)
        #expect(try run(.echo, "--out", folder.path).status == 2)
    }

    @Test func `a failure gives 1 with its reason, and writes nothing`() throws {
        let folder = try TemporaryFolder()
        let out = folder.path + "/out"
        let cases: [(SmallModule, [String], String, String?)] = [
            (.trap, [], "trap", "unreachable"),
            (.loop, ["--fuel", "10000"], "fuelExhausted", nil),
            (.clock, [], "invalidModule", "unknownImport"),
            (.echo, ["--memory", "64"], "memoryLimit", nil),
        ]
        for (module, limits, status, reason) in cases {
            let file = try folder.write(module.bytes, "module.wasm")
            let command = ["job", "run", file, "--out", out] + limits
            let result = try Command.run(command + ["--json"])
            #expect(result.status == 1, "\(module) \(result.errors)")
            let object = try result.object()
            #expect(object["status"] as? String == status)
            #expect(object["reason"] as? String == reason)
            #expect(object["output"] == nil)
            let words = reason.map { "\(status) (\($0))" } ?? status
            #expect(try Command.run(command).output.hasPrefix(words + "\n"))
            let binary = try Command.run(["job", "run", file, "--out", "-"] + limits)
            #expect(binary.status == 1 && binary.output.isEmpty)
            #expect(binary.errors.contains(words))
        }
        #expect(!FileManager.default.fileExists(atPath: out))
        let text = try folder.write(Array("no module".utf8), "text.wasm")
        let malformed = try Command.run("job", "run", text, "--json")
        #expect(malformed.status == 1)
        #expect(try malformed.object()["reason"] as? String == "malformed")
        #expect(try Command.run("job", "run", folder.path + "/absent").status == 2)
    }

    @Test func `the sample modules give what their sources say`() throws {
        let folder = try TemporaryFolder()
        let input = try folder.write(Array("one two\nthree\n".utf8), "input")
        let number = try folder.write(Array("100".utf8), "number")
        let hash = "6481b98de00b3b8c0eccd56b3877aa72d7cbb9c2b97142fa35f7177f9456926d"
        let cases = [
            ("reverse", input, "\neerht\nowt eno"), ("checksum", input, hash),
            ("primes", number, "25"), ("words", input, "2 3 14"), ("version1", input, "ONE TWO"),
        ]
        for (name, input, start) in cases {
            let result = try Command.run(
                "job", "run", samplesFolder + "/modules/\(name).wasm", "--input", input, "--out",
                "-")
            #expect(result.status == 0, "\(name): \(result.errors)")
            #expect(result.output.hasPrefix(start), "\(name): \(result.output.prefix(80))")
        }
    }

    @Test func `what the clock stops has no result`() throws {
        let result = try run(
            .loop, "--fuel", "1000000000000", "--timeout", "0.2", "--json")
        #expect(result.status == 2)
        #expect(try result.object()["reason"] as? String == "timeGuard")
    }
}

/// Jobs from their submission to their results, by the validators of a home.
@Suite(.enabled(if: engineIsThere && samplesAreThere, "no engine or no samples"))
struct JobJourneyTests {
    /// One home that has decided jobs of all kinds.
    private struct Decided {
        let home: JobHome
        let echo: String
        let empty: String
        let trap: String
        let clock: String
        let run: CommandResult

        init() throws {
            home = try JobHome()
            let input = try home.folder.write(Array("hello".utf8), "input")
            echo = try home.submitted(.echo, "--input", input)
            empty = try home.submitted(.echo)
            trap = try home.submitted(.trap)
            clock = try home.submitted(.clock)
            run = try home.run()
        }

        static let shared = Result { try Decided() }
    }

    @Test func `validators run what was submitted, and agree`() throws {
        let made = try Decided.shared.get()
        #expect(made.run.status == 0, "\(made.run.errors)")
        #expect(try made.home.spooled.isEmpty)
        let rows = try made.home.job("list", "--json").objects()
        // Whoever proposes puts them in an order of its own.
        let ids = rows.compactMap { $0["job_id"] as? String }
        #expect(ids.sorted() == [made.echo, made.empty, made.trap, made.clock].sorted())
        for row in rows {
            #expect(row["decision"] as? String == "agreed", "\(row)")
            let reports = try #require(row["reports"] as? [[String: Any]])
            #expect(reports.count == 3)
            #expect(row["submitter_name"] as? String == "submitter")
            for report in reports {
                let number = report["validator"] as? Int ?? -1
                #expect(report["name"] as? String == "validator-\(number + 1)")
                #expect(report["status"] as? String == row["status"] as? String)
                #expect(report["reason"] as? String == row["reason"] as? String)
                #expect(report["output"] as? String == row["output"] as? String)
                #expect(report["fuel"] as? Int == row["fuel_used"] as? Int)
            }
            for name in ["entry", "batch", "time", "submitter", "assigned", "deadline", "decided"] {
                #expect(row[name] is Int, "\(name)")
            }
        }
        let trap = try #require(rows.first { $0["job_id"] as? String == made.trap })
        #expect(trap["status"] as? String == "trap")
        #expect(trap["reason"] as? String == "unreachable")
        let clock = try #require(rows.first { $0["job_id"] as? String == made.clock })
        #expect(clock["reason"] as? String == "unknownImport")
        let agreed = try made.home.job("list", "--decision", "agreed")
        #expect(agreed.lines.count == 5)
        #expect(agreed.output.contains("invalidModule (unknownImport)"))
        #expect(try made.home.job("list", "--decision", "open", "--json").output.isEmpty)
        #expect(try made.home.job("list", "--limit", "2").output.contains("newest 2 of 4 jobs"))
    }

    @Test func `a job is shown alike by both commands`() throws {
        let made = try Decided.shared.get()
        let shown = try made.home.job("show", String(made.trap.prefix(12)))
        #expect(shown.output.contains("submitter  0, submitter\n"))
        #expect(shown.output.contains("trap (unreachable)"))
        #expect(shown.output.contains("Decided: agreed"))
        let other = try Command.run("show", "job", made.home.home, made.trap)
        #expect(other.output == shown.output)
        let row = try made.home.job("show", made.echo, "--json").object()
        let entry = try #require(row["entry"] as? Int)
        #expect(
            try made.home.job("show", "\(entry)", "--json").object()["job_id"] as? String
                == made.echo)
    }

    @Test func `the result is what was agreed on, to the byte`() throws {
        let made = try Decided.shared.get()
        let out = made.home.folder.path + "/result"
        let result = try made.home.job("result", made.echo, "--out", out)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "hello")
        #expect(try made.home.job("result", made.echo).output == "hello")
        #expect(try made.home.job("result", made.echo, "--out", "-").output == "hello")
        let told = try made.home.job("result", made.echo, "--json").object()
        #expect(told["base64"] as? String == "aGVsbG8=" && told["text"] as? String == "hello")
        #expect(told["output_bytes"] as? Int == 5 && told["output"] is String)
        #expect((told["job_id"] as? String)?.hasPrefix(made.echo) == true)
        let filed = try made.home.job("result", made.echo, "--json", "--out", out, "--force")
            .object()
        #expect(filed["path"] as? String == out && filed["base64"] == nil)
        #expect(try made.home.job("result", made.echo, "--json", "--out", "-").status == 2)
        let empty = try made.home.job("result", made.empty, "--out", out, "--force")
        #expect(empty.status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: out)).isEmpty)
        for (id, words) in [
            (made.trap, "trap (unreachable)"), (made.clock, "invalidModule (unknownImport)"),
        ] {
            let none = try made.home.job("result", id, "--out", out, "--force")
            #expect(none.status == 1)
            #expect(none.errors.contains(words), "\(none.errors)")
            #expect(none.output.isEmpty)
        }
        #expect(try made.home.job("result", made.echo, "--out", "/no/such/folder/x").status == 2)
    }

    @Test func `an output that is damaged or gone is told, and nothing is written`() throws {
        let made = try Decided.shared.get()
        let copy = try TemporaryFolder()
        let ledger = copy.path + "/ledger"
        try FileManager.default.copyItem(atPath: made.home.home + "/ledger", toPath: ledger)
        let row = try made.home.job("show", made.echo, "--json").object()
        let blob = ledger + "/blobs/" + (try #require(row["output"] as? String))
        let out = copy.path + "/result"
        #expect(try Command.run("job", "result", ledger, made.echo).output == "hello")
        try Data("jello".utf8).write(to: URL(fileURLWithPath: blob))
        let damaged = try Command.run("job", "result", ledger, made.echo, "--out", out)
        #expect(damaged.status == 2 && damaged.errors.contains("damaged"))
        try FileManager.default.removeItem(atPath: blob)
        let missing = try Command.run("job", "result", ledger, made.echo, "--out", out)
        #expect(missing.status == 2 && missing.errors.contains("is not in"))
        #expect(missing.errors.contains("recount recover"))
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test func `a job that nobody can run or reports in time has no result`() throws {
        // Of the three with the stake, which are away, each job draws two or all: 97 in 100 do.
        let late = try JobHome(heavy: true)
        for text in ["one", "two", "three", "four"] {
            let input = try late.folder.write(Array(text.utf8), text)
            _ = try late.submitted(.echo, "--input", input, "--timeout", "5")
        }
        let run = try late.run("--offline", "3")
        #expect(run.status == 0, "\(run.errors)")
        let rows = try late.job("list", "--decision", "timedOut", "--json").objects()
        let timedOut = try #require(rows.first?["job_id"] as? String)
        let result = try late.job("result", timedOut)
        #expect(result.status == 1 && result.errors.contains("in time"), "\(result.errors)")
    }

    @Test func `running jobs again finds nothing where all were honest`() throws {
        let made = try Decided.shared.get()
        let result = try Command.run("audit", made.home.home, "--recompute", "--strict", "--json")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        let report = try result.object()
        #expect((report["checks"] as? [String: String])?["recomputation"] == "passed")
        let counts = try #require(report["counts"] as? [String: Any])
        #expect(counts["recomputed"] as? Int == 4)
        #expect(counts["results"] as? Int == 12)
    }

    @Test func `a dishonest pair wins the vote, and running the job again names both`() throws {
        let home = try JobHome()
        for text in ["one", "two", "three"] {
            let input = try home.folder.write(Array(text.utf8), text)
            _ = try home.submitted(.echo, "--input", input)
        }
        #expect(try home.run("--malicious", "9").status == 0)
        let rows = try home.job("list", "--json").objects()
        #expect(rows.count { $0["decision"] as? String == "agreed" } == 3)
        #expect(try Command.run("audit", home.home, "--quiet").status == 0)
        let result = try Command.run("audit", home.home, "--recompute", "--json")
        #expect(result.status == 1, "\(result.errors)")
        let report = try result.object()
        let findings = try #require(report["findings"] as? [[String: Any]])
        #expect(
            findings.map { $0["kind"] as? String }
                == Array(repeating: "agreedFalseResult", count: 3))
        let named = try #require(report["result_contradictions"] as? [[String: Any]])
        let liars = rows.flatMap { row in
            (row["reports"] as? [[String: Any]] ?? []).compactMap { $0["validator"] as? Int }
        }.filter { $0 > 0 }
        #expect(named.compactMap { $0["validator"] as? Int }.sorted() == liars.sorted())
        let people = try Command.run("audit", home.home, "--recompute")
        #expect(people.output.hasPrefix("The ledger is wrong."))
    }

    @Test(.timeLimit(.minutes(30))) func `a node that runs takes what is submitted`() throws {
        let home = try JobHome()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["run", home.network, "--key-file", home.key]
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer {
            // A thread of the tests may have lent the process a mask that blocks softer signals.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        for round in 0..<2 {
            let file = try home.folder.write(Array("round \(round)".utf8), "input")
            let id = try home.submitted(.echo, "--input", file)
            var result = try home.job("result", id)
            for _ in 0..<1_200 where result.status == 2 {
                Thread.sleep(forTimeInterval: 0.1)
                result = try home.job("result", id)
            }
            #expect(result.output == "round \(round)", "\(result.errors)")
        }
        #expect(process.isRunning)
    }
}
