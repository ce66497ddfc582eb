// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The views of a ledger that ten validators wrote, two of them liars.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct ViewTests {
    private func run(_ arguments: String...) throws -> CommandResult { try run(arguments) }

    private func run(_ arguments: [String]) throws -> CommandResult {
        var arguments = arguments
        // The ledger stands after the words of the command.
        let words = ["show", "chart"].contains(arguments.first ?? "") ? 2 : 1
        arguments.insert(try Journey.shared.get().home, at: words)
        return try Command.run(arguments)
    }

    /// How many requests the ledger took: of those that name a spent nullifier, those that came
    /// while it was not spent yet.
    private func requestCount() throws -> Int {
        let count = try run("log", "--kind", "requestSubmitted", "--json").lines.count
        #expect((64...76).contains(count))
        return count
    }

    @Test func `requests lists every request that is in the log`() throws {
        let submitted = try run("log", "--kind", "requestSubmitted", "--json").objects()
        let rows = try run("requests", "--json").objects()
        let count = try requestCount()
        #expect(rows.count == count)
        #expect(
            rows.map { $0["entry"] as? Int } == submitted.map { $0["entry"] as? Int })
        for row in rows {
            #expect(row["outcome"] as? String != "open")
            for name in ["request_id", "batch", "time", "amount", "approvals", "closed"] {
                #expect(row[name] != nil, "\(name)")
            }
        }
        let approved = try run("requests", "--outcome", "approved", "--json").objects()
        #expect(approved.count == 64)
        #expect(approved.allSatisfy { $0["settlement"] as? String == "settled" })
        // Two of the ten lie: of eight that are right one could have failed.
        for row in approved {
            let closing = try #require(row["closing_approvals"] as? Int)
            #expect(row["approvals"] as? Int == 7 && row["margin"] as? Int == 0)
            #expect(closing == 8 && row["spare"] as? Int == 1)
        }
        // One request says the same of itself, to machines and to people.
        for row in [approved.first, rows.first { $0["outcome"] as? String == "rejected" }] {
            let row = try #require(row)
            let id = try #require(row["request_id"] as? String)
            let shown = try run("show", "request", "--json", id).object()
            for name in ["closing_approvals", "spare", "margin"] {
                #expect(shown[name] as? Int == row[name] as? Int, "\(name)")
            }
        }
        let id = try #require(approved.first?["request_id"] as? String)
        let close = "8 approvals against the 7 that approve; 1 of those who approved could have"
        #expect(try run("show", "request", id).output.contains(close))
        let last = try run("requests", "--limit", "3")
        #expect(last.lines.count == 5)
        #expect(last.lines.last?.contains("the newest 3 of \(count)") == true)
        #expect(try run("requests", "--limit", "0").lines.count == count + 1)
        let none = try run("requests", "--outcome", "open")
        #expect(none.status == 0)
        #expect(none.output == "No request passes these filters.\n")
        #expect(try run("requests", "--outcome", "open", "--json").output.isEmpty)
        #expect(try run("requests", "--to", "1980-01-01", "--json").output.isEmpty)
        #expect(try run("requests", "--from", "2999-01-01").status == 0)
    }

    @Test func `validators names the liars, in all and by round`() throws {
        let rows = try run("validators", "--json").objects()
        #expect(rows.count == 10)
        let count = try requestCount()
        for row in rows {
            let number = row["validator"] as? Int ?? -1
            #expect(row["name"] as? String == "validator-\(number + 1)")
            let isLiar = [8, 9].contains(row["validator"] as? Int ?? -1)
            #expect((row["contradicted"] as? Int ?? 0 > 0) == isLiar, "\(row)")
            #expect(row["asked"] as? Int == count)
            let parts = ["approved", "rejected", "abstained", "missed", "cut_short"]
            #expect(parts.reduce(0) { $0 + (row[$1] as? Int ?? 0) } == count)
        }
        let rounds = try run("validators", "--by-round", "--json").objects()
        #expect(rounds.count == count)
        for round in rounds {
            #expect((round["answers"] as? [Any])?.count == 10)
        }
        let people = try run("validators", "--by-round", "--limit", "70")
        // The names, the heading, and two lines that explain the letters.
        #expect(people.lines.count == 74)
        #expect(people.output.contains(" a a a a a a a a R R\n"))
        #expect(try run("validators").lines.count == 11)
    }

    @Test func `leaders counts what was led and predicts it from the weights`() throws {
        let object = try run("leaders", "--json", "--history", "0").object()
        for (kind, count) in [("requests", try requestCount()), ("batches", nil)] {
            let part = try #require(object[kind] as? [String: Any])
            let shares = try #require(part["shares"] as? [String: Any])
            let validators = try #require(shares["validators"] as? [[String: Any]])
            let history = try #require(part["history"] as? [[String: Any]])
            if let count { #expect(shares["count"] as? Int == count) }
            func sum(_ name: String) -> Double {
                validators.reduce(0) { $0 + (($1[name] as? NSNumber)?.doubleValue ?? 0) }
            }
            #expect(Int(sum("led")) == shares["count"] as? Int)
            #expect(
                history.count
                    == (shares["count"] as? Int ?? 0) + (shares["passed_over"] as? Int ?? 0))
            for name in ["share", "weight_share", "predicted_share"] {
                // Tallies count in units of 2^-32.
                #expect(abs(sum(name) - 1) < 1e-8, "\(name)")
            }
        }
        #expect(try run("leaders").output.contains("deviation"))
    }

    @Test func `show leader ranks again, and the leader stands where it should`() throws {
        let opened = try run("log", "--kind", "batchOpened", "--json").objects()
        for line in opened.suffix(3) {
            let fields = try #require(line["fields"] as? [String: Any])
            let height = try #require(fields["height"] as? Int)
            let object = try run("show", "leader", "\(height)", "--json").object()
            #expect(object["leader"] as? Int == fields["proposer"] as? Int)
            let ranking = try #require(object["ranking"] as? [[String: Any]])
            let round = fields["round"] as? Int ?? 0
            #expect(ranking[round]["validator"] as? Int == fields["proposer"] as? Int)
        }
        let next = try run("show", "leader", "--json").object()
        #expect(next["batch"] as? Int == opened.count + 1)
        #expect(next["is_next"] as? Bool == true)
        let request = try #require(try run("requests", "--json").objects().last)
        let id = try #require(request["request_id"] as? String)
        let led = try run("show", "leader", id, "--json").object()
        #expect(led["leader"] as? Int == request["leader"] as? Int)
        #expect(try run("show", "leader", "\(opened.count + 2)").status == 2)
    }

    @Test func `show takes unique first digits, and lists what several may mean`() throws {
        let validator = try #require(try run("validators", "--json").objects().first)
        let key = try #require(validator["key"] as? String)
        let shown = try run("show", "validator", String(key.prefix(12)), "--json").object()
        #expect((shown["summary"] as? [String: Any])?["validator"] as? Int == 0)
        let named = try run("show", "validator", "validator-1", "--json").output
        let numbered = try run("show", "validator", "0", "--json").output
        #expect(named == numbered)
        #expect(try run("show", "validator", "100000").status == 2)
        let reputation = try run("show", "reputation", "8", "--limit", "0", "--json").object()
        let changes = try #require(reputation["changes"] as? [[String: Any]])
        #expect(changes.last?["after"] as? Int == reputation["reputation"] as? Int)
        // A liar: what it voted and what was decided stand beside the cause.
        let wrong = changes.filter { $0["cause"] as? String == "incorrect" }
        #expect(!wrong.isEmpty)
        for change in wrong {
            let (answer, outcome) = (change["answer"] as? String, change["outcome"] as? String)
            #expect(answer == (outcome == "approved" ? "reject" : "approve"))
            #expect((change["about_id"] as? String)?.count == 64)
        }
        let submitted = try run("log", "--kind", "requestSubmitted", "--json").objects()
        let approved = try run("requests", "--outcome", "approved", "--json").objects().last
        let entry = try #require(approved?["entry"] as? Int)
        let request = submitted.first { $0["entry"] as? Int == entry }
        let fields = try #require(request?["fields"] as? [String: Any])
        let nullifier = try #require((fields["nullifiers"] as? [String])?.first)
        let object = try run("show", "nullifier", String(nullifier.prefix(14)), "--json").object()
        #expect(object["nullifier"] as? String == nullifier)
        #expect(object["condition"] as? String == "spent")
        let decimal = try #require(object["decimal"] as? String)
        let again = try run("show", "nullifier", decimal, "--json").object()
        #expect(again["nullifier"] as? String == nullifier)
        // Some digit begins more than one of seventy names.
        let several = (0..<16).map { String($0, radix: 16) }.compactMap { digit in
            try? run("show", "nullifier", digit)
        }.first { $0.errors.contains("several start with") }
        #expect(several?.status == 2)
        #expect(several?.errors.contains("give more digits") == true)
        let job = try run("show", "job", "1")
        #expect(job.status == 2)
        #expect(job.errors.contains("there are no jobs yet"))
    }

    @Test func `show batch counts what the batch holds`() throws {
        let last = try run("show", "batch", "--json").object()
        let height = try #require(last["batch"] as? Int)
        let middle = try run("show", "batch", "\(height / 2)", "--json").object()
        let from = try #require(middle["entry"] as? Int)
        let to = try #require(middle["sealed"] as? Int)
        let entries = try run(
            "log", "--kind", "voteCast", "--kind", "votesCast", "--from", "\(from)",
            "--to", "\(to)", "--json"
        ).objects()
        let votes = entries.reduce(0) { sum, line in
            let fields = line["fields"] as? [String: Any]
            let listed = fields?["votes"] as? [[String: Any]]
            return sum + (listed?.count { $0["shown"] != nil } ?? 1)
        }
        #expect(middle["votes"] as? Int == votes)
        let missing = try run("show", "batch", "\(height + 1)")
        #expect(missing.status == 2)
        #expect(missing.errors.contains("from 0 to \(height)"))
    }

    @Test func `log filters by kind, request, validator, time and place`() throws {
        let kinds = try run(
            "log", "--kind", "outcomeDecided", "--kind", "roundClosed", "--json"
        ).objects()
        #expect(kinds.count == 2 * (try requestCount()))
        let request = try #require(try run("requests", "--json").objects().first)
        let id = try #require(request["request_id"] as? String)
        let entry = try #require(request["entry"] as? Int)
        let about = try run("log", "--request", String(id.prefix(12)), "--json").objects()
        #expect(about.first?["entry"] as? Int == entry)
        for line in about.dropFirst() {
            let fields = try #require(line["fields"] as? [String: Any])
            let listed = (fields["votes"] as? [[String: Any]] ?? []).contains { vote in
                (vote["shown"] as? [String: Any])?["request"] as? Int == entry
            }
            #expect(
                listed || (fields["request"] ?? fields["about"]) as? Int == entry, "\(line)")
        }
        let shown = try run("show", "request", "\(entry)", "--json").object()
        let due =
            2 + ((shown["votes"] as? [Any])?.count ?? 0) + ((shown["events"] as? [Any])?.count ?? 0)
            + ((shown["refused"] as? [Any])?.count ?? 0)
        // The request and its decision are no events of the history.
        #expect(about.count == due)
        let votes = try run(
            "log", "--validator", "3", "--kind", "voteCast", "--kind", "votesCast", "--json"
        ).objects()
        #expect(!votes.isEmpty)
        for line in votes {
            #expect((line["fields"] as? [String: Any])?["validator"] as? Int == 3)
        }
        let all = try run("log", "--json").lines
        #expect(try run("log", "--last", "7", "--json").lines == Array(all.suffix(7)))
        #expect(try run("log", "--from", "1980-01-01", "--json").lines.count == all.count)
        #expect(try run("log", "--from", "2999-01-01", "--json").output.isEmpty)
        #expect(try run("log", "--to", "1980-01-01").output.contains("No entry passes"))
        let opened = try run("log", "--kind", "batchOpened", "--json").objects()
        let times = opened.compactMap { ($0["fields"] as? [String: Any])?["time"] as? Int }
        #expect(times == times.sorted())
        #expect(try run("log", "--request", "zz").status == 2)
        #expect(try run("log", "--validator", "99999999").status == 2)
    }

    @Test func `the last of a log are the last of those that pass`() throws {
        let all = try run("log", "--kind", "outcomeDecided", "--json").lines
        #expect(all.count > 20)
        let few = try run("log", "--kind", "outcomeDecided", "--last", "5", "--json").lines
        #expect(few == all.suffix(5))
        #expect(
            try run("log", "--kind", "outcomeDecided", "--last", "99999", "--json").lines == all)
        #expect(
            try run("log", "--last", "3", "--json").lines == run("log", "--json").lines.suffix(3))
        #expect(try run("log", "--last", "0", "--json").lines.isEmpty)
        // Votes stand alone or in lists, as the machine's load had it.
        let votes = ["--kind", "voteCast", "--kind", "votesCast", "--json"]
        let bounded = try run(["log", "--to", "300", "--last", "2"] + votes)
        let before = try run(["log", "--to", "300"] + votes).lines
        #expect(bounded.lines == before.suffix(2) && bounded.lines.count == 2)
        let mine = try run(["log", "--validator", "validator-2"] + votes).lines
        let newest = try run(["log", "--validator", "validator-2", "--last", "4"] + votes)
        #expect(newest.lines == mine.suffix(4) && newest.lines.count == 4)
    }

    @Test func `one who mistypes a name is told the nearest`() throws {
        for words in [
            ["show", "validator", "validatr-3"], ["show", "reputation", "valdator-3"],
            ["log", "--validator", "validator3"], ["chart", "reputation", "validator_3"],
        ] {
            let place = words[0] == "log" ? 1 : 2
            let home = try Journey.shared.get().home
            let result = try Command.run(words[..<place] + [home] + words[place...])
            #expect(result.status == 2)
            #expect(result.errors.contains("; did you mean validator-3? recount validators"))
        }
        let home = try Journey.shared.get().home
        let why = try Command.run("why", "circuit:withdrw", home)
        #expect(why.status == 2, "\(why.output)")
        let who = try Command.run("why", "validatr-3", home)
        #expect(who.errors.contains("did you mean validator-3?"), "\(who.errors)")
        let far = try Command.run("show", "validator", home, "nobody")
        #expect(!far.errors.contains("did you mean"), "\(far.errors)")
    }

    @Test func `charts are drawn as text and as SVG`() throws {
        for words in [["reputation"], ["leaders"], ["reputation", "--by", "entry"]] {
            var command = ["chart", words[0], try Journey.shared.get().home] + words.dropFirst()
            command += ["--columns", "80"]
            let ascii = try Command.run(command + ["--ascii"])
            #expect(ascii.status == 0, "\(ascii.errors)")
            #expect(ascii.output.allSatisfy { $0.isASCII })
            #expect(ascii.lines.allSatisfy { $0.count <= 80 })
            #expect(ascii.output.contains(words[0] == "leaders" ? "(%)" : "reputation (points)"))
            let svg = try Command.run(command.dropLast(2) + ["--svg", "-"])
            #expect(svg.output.hasPrefix("<?xml"))
            #expect(svg.output.contains("</svg>"))
            #expect(try Command.run(command + ["--json"]).object().isEmpty == false)
        }
        let folder = try TemporaryFolder()
        let file = folder.path + "/chart.svg"
        #expect(try run("chart", "reputation", "--svg", file).status == 0)
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(try run("chart", "reputation", "--svg", folder.path + "/no/chart.svg").status == 2)
        // No digits: some key may begin with them.
        #expect(try run("chart", "reputation", "validator-77").status == 2)
        let two = try run("chart", "reputation", "0", "9", "--json").object()
        #expect((two["validators"] as? [Any])?.count == 2)
    }
}

/// What is said where there is nothing, and what shells ask.
struct EmptyViewTests {
    @Test(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
    func `an empty ledger has nothing to show, and says so`() throws {
        let folder = try TemporaryFolder()
        let network = folder.path + "/net"
        let home = network + "/validator-1"
        let made = try Command.run(
            "init", network, "--config", samplesFolder + "/recount.toml", "--key-file",
            folder.path + "/key")
        #expect(made.status == 0, "\(made.errors)")
        for words in [
            ["requests"], ["leaders"], ["chart", "leaders"], ["validators", "--by-round"],
        ] {
            let split = words[0] == "chart" ? 2 : 1
            let command = Array(words.prefix(split)) + [home] + words.dropFirst(split)
            let result = try Command.run(command)
            #expect(result.status == 0, "\(command) \(result.errors)")
            #expect(result.output.hasSuffix(" yet.\n"), "\(command) \(result.output)")
        }
        #expect(try Command.run("requests", home, "--json").output.isEmpty)
        #expect(try Command.run("show", "request", home, "1").status == 2)
        #expect(try Command.run("show", "reputation", home, "99").status == 2)
    }

    @Test func `completions know commands, directories, kinds and outcomes`() throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try Command.run("--generate-completion-script", shell)
            #expect(script.status == 0)
            for word in ["validators", "outcomeDecided", "timedOut", "reputation"] {
                #expect(script.output.contains(word), "\(shell) \(word)")
            }
        }
    }
}

/// A log that is followed while a node writes it.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct FollowTests {
    @Test(.timeLimit(.minutes(30)))
    func `follow shows what a node writes, once each and in order`() throws {
        let folder = try TemporaryFolder()
        let network = folder.path + "/net"
        let home = network + "/validator-1"
        let key = folder.path + "/key"
        let made = try Command.run(
            "init", network, "--config", samplesFolder + "/recount.toml", "--key-file", key)
        #expect(made.status == 0, "\(made.errors)")
        let requests = try String(
            contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8
        ).split(separator: "\n")
        func write(_ lines: some Sequence<Substring>) throws {
            let file = try folder.write(lines.joined(separator: "\n").utf8, "some.jsonl")
            let run = try Command.run("run", network, "--requests", file, "--key-file", key)
            #expect(run.status == 0, "\(run.errors)")
        }
        try write(requests[..<8])
        let output = folder.path + "/followed"
        try Data().write(to: URL(fileURLWithPath: output))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["log", home, "--follow", "--json"]
        process.standardOutput = try FileHandle(
            forWritingTo: URL(fileURLWithPath: output))
        try process.run()
        defer {
            // A thread of the tests may have lent the process a mask that blocks softer signals.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        // Two runs: the log is closed, reopened and written by another process each time.
        try write(requests[8..<16])
        try write(requests[16..<24])
        let all = try Command.run("log", home, "--json")
        var followed = ""
        for _ in 0..<1_200 where followed != all.output {
            Thread.sleep(forTimeInterval: 0.1)
            followed = try String(contentsOfFile: output, encoding: .utf8)
        }
        #expect(followed == all.output)
        #expect(process.isRunning)
    }

    @Test func `follow ends at the entry that --to names`() throws {
        let home = try Journey.shared.get().home
        let some = try Command.run("log", home, "--follow", "--from", "3", "--to", "9")
        #expect(some.status == 0)
        #expect(some.lines.count == 7)
    }
}
