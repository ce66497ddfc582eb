// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Every view shows what validators, submitters and circuits are called, and takes it too.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct PartyNameTests {
    private func run(_ words: [String], _ rest: [String] = []) throws -> CommandResult {
        try Command.run(words + [try Journey.shared.get().home] + rest)
    }

    /// The name of the validator of a number, as the samples' configuration gives it.
    private func name(_ number: Any?) -> String? {
        (number as? Int).map { "validator-\($0 + 1)" }
    }

    @Test(arguments: [
        ["requests"], ["leaders"], ["validators"], ["validators", "--by-round"],
        ["show", "leader"], ["show", "batch"], ["chart", "leaders", "--columns", "100"],
        ["chart", "reputation"], ["log", "--kind", "voteCast", "--kind", "votesCast"],
        ["log", "--kind", "roundOpened"], ["log", "--kind", "batchOpened"], ["audit"],
    ]) func `people see names`(_ words: [String]) throws {
        let place = words.first == "show" || words.first == "chart" ? 2 : 1
        let shown = try run(Array(words[..<place]), Array(words[place...]))
        #expect(shown.status == 0, "\(shown.errors)")
        #expect(shown.output.contains(/validator-[0-9]/), "\(shown.output.prefix(2000))")
    }

    @Test func `requests and rounds name leader, submitter and voters`() throws {
        let rows = try run(["requests"], ["--json"]).objects()
        #expect(!rows.isEmpty)
        for row in rows {
            #expect(row["leader_name"] as? String == name(row["leader"]))
            #expect(row["submitter_name"] as? String == "submitter")
        }
        let entry = try #require(rows.first?["entry"] as? Int)
        let text = try run(["show", "request"], ["\(entry)"])
        let leader = try #require(rows.first?["leader"] as? Int)
        #expect(text.output.contains("leader     validator \(leader), validator-\(leader + 1)\n"))
        #expect(text.output.contains("submitter  0, submitter, key"))
        for number in 1...10 { #expect(text.output.contains("validator-\(number) ")) }
        let object = try run(["show", "request"], ["\(entry)", "--json"]).object()
        #expect(object["leader_name"] as? String == name(leader))
        for list in ["pinned", "votes"] {
            for row in try #require(object[list] as? [[String: Any]]) {
                #expect(row["name"] as? String == name(row["validator"]), "\(list)")
            }
        }
        for event in try #require(object["events"] as? [[String: Any]]) {
            let fields = try #require(event["fields"] as? [String: Any])
            guard let validator = fields["validator"] else { continue }
            #expect(fields["validator_name"] as? String == name(validator))
        }
    }

    @Test func `the history of leaders names them`() throws {
        let leaders = try run(["leaders"], ["--json"]).object()
        for kind in ["requests", "batches"] {
            let part = try #require(leaders[kind] as? [String: Any])
            for led in try #require(part["history"] as? [[String: Any]]) {
                #expect(led["leader_name"] as? String == name(led["leader"]), "\(kind)")
            }
        }
    }

    @Test func `entries name parties for machines, in lists too`() throws {
        for line in try run(["log"], ["--json"]).objects() {
            let fields = try #require(line["fields"] as? [String: Any])
            for key in ["validator", "leader", "proposer"] {
                guard let number = fields[key] as? Int else { continue }
                #expect(fields["\(key)_name"] as? String == name(number), "\(line)")
            }
            for side in fields["sides"] as? [[String: Any]] ?? [] {
                let numbers = side["validators"] as? [Int] ?? []
                let names = side["validator_names"] as? [String] ?? []
                #expect(names == numbers.compactMap(name))
            }
        }
        let opened = try run(["show", "entry"], ["2", "--json"]).object()
        let fields = try #require(opened["fields"] as? [String: Any])
        #expect(fields["proposer_name"] as? String == name(fields["proposer"]))
        #expect(try run(["show", "entry"], ["2"]).output.contains("(validator-"))
    }

    @Test func `the audit names liars`() throws {
        let lies = try #require(
            try run(["audit"], ["--json"]).object()["contradictions"] as? [[String: Any]])
        #expect(!lies.isEmpty)
        for lie in lies { #expect(lie["name"] as? String == name(lie["validator"])) }
    }

    @Test func `names are taken where numbers are`() throws {
        for (words, rest) in [
            (["log"], ["--last", "200", "--json", "--validator"]), (["show", "validator"], []),
            (["show", "reputation"], []), (["chart", "reputation"], []),
        ] {
            let named = try run(words, rest + ["validator-3"])
            #expect(named.status == 0, "\(named.errors)")
            #expect(named.output == (try run(words, rest + ["2"]).output), "\(words)")
        }
    }

    @Test func `columns and lines of drawings are named`() throws {
        let rounds = try run(["validators"], ["--by-round", "--limit", "3"])
        let heading = try #require(rounds.lines.first)
        #expect(heading.hasPrefix("  validators: 0 validator-1, 1 validator-2,"))
        let chart = try run(["chart", "reputation"], ["0", "8", "--ascii"])
        #expect(chart.output.contains("0 validator-1, 1 = 8 validator-9"))
        let drawn = try run(["chart", "reputation"], ["--svg", "-"])
        #expect(drawn.output.contains(">8 validator-9</text>"))
    }

    @Test func `a certificate names those whom its first entry names`() throws {
        let folder = try TemporaryFolder()
        let request = try run(["requests"], ["--outcome", "approved", "--json"]).objects().last
        let id = try #require(request?["request_id"] as? String)
        let file = folder.path + "/decision.rcct"
        let made = try Command.run(
            "prove", "request", try Journey.shared.get().home, id, "--out", file)
        #expect(made.status == 0, "\(made.errors)")
        let shown = try Command.run("certificate", "show", file)
        #expect(shown.output.contains("pinned     0 (validator-1) "))
        // One stands alone or in a list.
        let vote = /votes?Cast .(request=[0-9]+ )?validator=[0-9] .validator-[0-9]/
        #expect(shown.output.contains(vote))
    }
}
