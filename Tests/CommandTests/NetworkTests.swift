// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A local network as its operators and clients use it.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct NetworkTests {
    @Test func `every ledger of a run is audited, and they are one`() throws {
        let journey = try Journey.shared.get()
        let result = try Command.run("audit", journey.network, "--json")
        #expect(result.status == 0, "\(result.errors)")
        let report = try result.object()
        #expect(report["is_one"] as? Bool == true && report["is_right"] as? Bool == true)
        let ledgers = try #require(report["ledgers"] as? [[String: Any]])
        #expect(ledgers.compactMap { $0["validator"] as? Int } == Array(0..<10))
        let text = try Command.run("audit", journey.network)
        #expect(text.output.hasPrefix("The 10 ledgers are one."))
        // A view takes the network too, and says whose ledger it shows.
        let log = try Command.run("log", journey.network, "--to", "1", "--json")
        #expect(log.lines.count == 2 && log.errors.contains("validator-1"))
        for number in 1...10 {
            let home = "\(journey.network)/validator-\(number)"
            #expect(try Command.run("ledger", "check", home, "--checksums").status == 0)
        }
    }

    @Test(.timeLimit(.minutes(30))) func `clients hand in to any node and follow it`() throws {
        let small = try SmallNetwork()
        let file = try small.samples(2)
        // Nobody runs: it waits, and the next run takes it.
        let early = try Command.run(
            "submit", small.home(2), "--request", file, "--key-file", small.key, "--json")
        #expect(early.status == 0, "\(early.errors)")
        let ids = try early.objects().compactMap { $0["request_id"] as? String }
        #expect(ids.count == 2)
        #expect(try small.run().status == 0)
        for id in ids {
            let row = try Command.run("show", "request", small.home(3), id, "--json").object()
            #expect((row["result"] as? [String: Any])?["outcome"] != nil)
        }
        let later = try small.samples(1, from: 2)
        let followed = try small.whileRunning {
            try Command.run(
                "submit", small.home(4), "--request", later, "--key-file", small.key, "--wait",
                "--json")
        }
        let outcome = try #require(try followed.objects().first?["outcome"] as? String)
        #expect(followed.status == (outcome == "approved" ? 0 : 1), "\(followed.output)")
        #expect(try small.audit().status == 0)
    }

    @Test func `nothing is handed in where one line is no request`() throws {
        let small = try SmallNetwork()
        let file = try small.folder.write(
            try Data(contentsOf: URL(fileURLWithPath: try small.samples(1))) + Data("{}\n".utf8),
            "bad.jsonl")
        let result = try Command.run(
            "submit", small.network, "--request", file, "--key-file", small.key)
        #expect(result.status == 2)
        #expect(result.errors.contains("bad.jsonl, line 2"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: small.home(1) + "/jobs").isEmpty)
        let nobody = try Command.run(
            "submit", small.network, "--request", file, "--submitter", "nobody", "--key-file",
            small.key)
        #expect(nobody.status == 2 && nobody.errors.contains("nobody"))
    }

    @Test(.timeLimit(.minutes(30))) func `validators change the ledger together`() throws {
        let small = try SmallNetwork()
        let file = small.folder.path + "/change.json"
        let proposed = try Command.run(
            "govern", "propose", small.home(1), "parameters", "verification_timeout=12",
            "--out", file, "--sign", "--key-file", small.key)
        #expect(proposed.status == 0, "\(proposed.errors)")
        #expect(proposed.output.contains("verification_timeout = 30 becomes 12"))
        let few = try Command.run("govern", "submit", small.network, file)
        #expect(few.status == 1 && few.errors.contains("1 members have signed"))
        for number in [3, 2] {
            let signed = try Command.run(
                "govern", "sign", file, small.home(number), "--key-file", small.key)
            #expect(signed.status == 0, "\(signed.errors)")
        }
        let shown = try Command.run("govern", "show", file, small.home(4))
        #expect(shown.output.contains("validator-1, validator-3, validator-2"))
        let done = try small.whileRunning {
            try Command.run("govern", "submit", small.home(4), file, "--wait", "--json")
        }
        #expect(done.status == 0, "\(done.output) \(done.errors)")
        // Its number is taken now.
        let again = try Command.run("govern", "submit", small.network, file)
        #expect(again.status == 1 && again.errors.contains("waits for change 1"))
        for words in [
            ["leave", "validator=validator-9"], ["leave"], ["parameters", "treshold=3"],
            ["parameters", "threshold=1"], ["rot"], ["root", "circuit=withdraw", "root=x"],
            ["join", "name=a", "name=b"],
        ] {
            let wrong = try Command.run(["govern", "propose", small.network] + words)
            #expect(wrong.status == 2, "\(words): \(wrong.output)")
        }
        #expect(try small.audit().status == 0)
    }

    @Test(.timeLimit(.minutes(30))) func `a validator joins, catches up and votes`() throws {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(2)).status == 0)
        func add(_ name: String, _ more: String...) throws -> CommandResult {
            try Command.run(["init", small.network, "--join", name, "--json"] + more)
        }
        // What opens the other homes must open this one too.
        let other = try add("validator-5", "--key-file", small.folder.path + "/other.key")
        #expect(other.status == 2, "\(other.output)")
        for name in ["validator-3", "bridge", "../x", "Validator", ""] {
            let refused = try add(name, "--key-file", small.key)
            #expect(refused.status == 2 && refused.output.isEmpty, "\(name)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: small.network)
        #expect(names.filter { $0.hasPrefix("validator-") }.count == 4, "\(names)")
        let made = try add("validator-5", "--key-file", small.key)
        #expect(made.status == 0, "\(made.errors)")
        let key = try #require(try made.object()["key"] as? String)
        #expect(try add("validator-5", "--key-file", small.key).status == 2)
        // Nobody has let it join: it runs with the others, and only follows.
        #expect(try small.run(requests: try small.samples(1, from: 2)).status == 0)
        func size(_ number: Int) throws -> Int {
            let info = try Command.run("ledger", "info", small.home(number), "--json").object()
            return try #require(info["size"] as? Int)
        }
        #expect(try (2...size(1)).contains(size(5)))
        let alone = try small.run("--only", "validator-5")
        #expect(alone.status == 2 && alone.errors.contains("member"), "\(alone.errors)")
        try small.whileRunning {
            for words in [
                ["parameters", "threshold=4"],
                ["join", "name=validator-5", "key=\(key)", "stake=1000"],
            ] {
                let done = try Command.run(
                    ["govern", "propose", small.network] + words
                        + ["--submit", "--wait", "--key-file", small.key])
                #expect(done.status == 0, "\(done.output) \(done.errors)")
            }
        }
        #expect(try small.run(requests: try small.samples(1, from: 3)).status == 0)
        #expect(try size(5) == size(1))
        let audit = try small.audit()
        #expect(audit.status == 0 && audit.report["is_one"] as? Bool == true)
        let votes = try Command.run(
            "log", small.home(1), "--validator", "validator-5", "--kind", "voteCast",
            "--kind", "votesCast", "--json"
        ).objects()
        let fields = try #require(votes.last?["fields"] as? [String: Any])
        #expect(fields["validator_name"] as? String == "validator-5")
    }

    @Test(.timeLimit(.minutes(30))) func `some run, and the others catch up later`() throws {
        let small = try SmallNetwork()
        let file = try small.samples(2)
        let names = ["validator-1", "validator-2", "validator-4"]
        let run = try Command.run(
            ["run", small.network, "--requests", file, "--key-file", small.key, "--json", "--only"]
                + names)
        #expect(run.status == 0, "\(run.errors)")
        let behind = try Command.run("ledger", "info", small.home(3), "--json").object()
        #expect(behind["size"] as? Int == 2)
        let audit = try small.audit()
        #expect(audit.status == 0 && audit.report["is_one"] as? Bool == true)
        #expect(try small.run(requests: try small.samples(1, from: 2)).status == 0)
        let sizes = try (1...4).map { number in
            try Command.run("ledger", "info", small.home(number), "--json").object()["size"] as? Int
        }
        #expect(Set(sizes).count == 1)
        let typo = try Command.run(
            "run", small.network, "--requests", "/dev/null", "--key-file", small.key, "--only",
            "validator-5")
        #expect(typo.status == 2 && typo.errors.contains("validator-5"))
    }

    @Test(.timeLimit(.minutes(30))) func `a liar among four changes nothing`() throws {
        let small = try SmallNetwork()
        let run = try small.run("--byzantine", "double-votes", requests: try small.samples(3))
        #expect(run.status == 0, "\(run.errors)")
        let summary = try #require(try run.objects().last?["summary"] as? [String: Any])
        let behaviours = (summary["validators"] as? [[String: Any]])?.map {
            $0["behaviour"] as? String
        }
        #expect(behaviours == ["honest", "honest", "honest", "byzantine"])
        #expect(try small.audit().report["is_one"] as? Bool == true)
        let typo = try small.run("--byzantine", "kindness")
        #expect(typo.status == 2 && typo.errors.contains("double-votes"))
        #expect(try small.run("--byzantine", "garbage", "--malicious", "4").status == 2)
    }

    @Test func `ledgers that are not one are told apart`() throws {
        let journey = try Journey.shared.get()
        let other = try SmallNetwork()
        let folder = try TemporaryFolder()
        let network = folder.path + "/net"
        for name in ["validator-1", "validator-2"] {
            try FileManager.default.createDirectory(
                atPath: network, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(journey.network)/\(name)", toPath: "\(network)/\(name)")
        }
        try FileManager.default.removeItem(atPath: network + "/validator-2/ledger")
        try FileManager.default.copyItem(
            atPath: other.home(1) + "/ledger", toPath: network + "/validator-2/ledger")
        let result = try Command.run("audit", network, "--json")
        #expect(result.status == 1)
        #expect(try result.object()["is_one"] as? Bool == false)
        let text = try Command.run("audit", network)
        #expect(text.output.hasPrefix("The 2 ledgers are not one."))
        #expect(text.output.contains("at entry 0"))
    }

    @Test(.timeLimit(.minutes(30))) func `a last batch that no quorum is shown for is no success`()
        throws
    {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(1)).status == 0)
        #expect(try Command.run("audit", small.home(2)).status == 0)
        let folder = small.home(2) + "/ledger/checkpoints"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix(".precommits") {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        let one = try Command.run("audit", small.home(2))
        #expect(one.status == 2)
        #expect(one.output.contains("No quorum shown for batch"))
        #expect(try Command.run("audit", small.network).status == 2)
    }

    @Test(.timeLimit(.minutes(30))) func `a damaged ledger hides no other`() throws {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(2)).status == 0)
        let files = FileManager.default
        // One is damaged in the middle, and of one the segments are gone.
        let segments = small.home(2) + "/ledger/segments"
        let first = try #require(try files.contentsOfDirectory(atPath: segments).sorted().first)
        let url = URL(fileURLWithPath: "\(segments)/\(first)")
        var bytes = try Data(contentsOf: url)
        bytes[bytes.startIndex + bytes.count / 2] ^= 1
        try bytes.write(to: url)
        try files.removeItem(atPath: small.home(3) + "/ledger/segments")
        let (status, report) = try small.audit()
        #expect(status == 1)
        #expect(report["is_right"] as? Bool == false && report["is_one"] as? Bool == false)
        let ledgers = try #require(report["ledgers"] as? [[String: Any]])
        #expect(ledgers.compactMap { $0["name"] as? String }.count == 4)
        let findings = ledgers.map { ($0["report"] as? [String: Any])?["findings"] as? [Any] }
        #expect(findings.map { $0?.isEmpty ?? false } == [true, false, false, true])
        #expect(ledgers.map { $0["is_one"] as? Bool } == [true, false, false, true])
        let text = try Command.run("audit", small.network).output
        for number in 1...4 { #expect(text.contains("validator-\(number)")) }
    }

    @Test(.timeLimit(.minutes(30))) func `a home that has lost its ledger is not passed over`()
        throws
    {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(1)).status == 0)
        let copy = small.folder.path + "/aside"
        let files = FileManager.default
        try files.moveItem(atPath: small.home(1) + "/ledger", toPath: copy)
        let (status, report) = try small.audit()
        #expect(status == 1)
        #expect(report["is_right"] as? Bool == false && report["is_one"] as? Bool == false)
        let ledgers = try #require(report["ledgers"] as? [[String: Any]])
        #expect(ledgers.map { $0["is_one"] as? Bool } == [false, true, true, true])
        let problem = try #require(ledgers[0]["problem"] as? String)
        #expect(problem.contains("validator-1 has lost its ledger"))
        let text = try Command.run("audit", small.network)
        #expect(text.status == 1 && text.output.hasPrefix("The 4 ledgers are not one."))
        #expect(try Command.run("audit", small.home(1)).status == 2)

        // What looks at one ledger takes the first that is there; what needs all says who lacks it.
        let shown = try Command.run("ledger", "info", small.network)
        #expect(shown.status == 0 && shown.errors.contains("validator-1 has lost its ledger"))
        #expect(shown.errors.contains("this is validator-2's"))
        let signed = try Command.run("checkpoint", "sign", small.network, "--key-file", small.key)
        #expect(signed.status == 0 && signed.errors.contains("validator-1 has lost its ledger"))
        let stopped = try small.run()
        #expect(stopped.status == 2 && stopped.errors.contains("recount recover"))

        try files.moveItem(atPath: copy, toPath: small.home(1) + "/ledger")
        #expect(try small.audit().status == 0)
    }

    @Test(.timeLimit(.minutes(30))) func `a lost journal is begun anew, and too many are not`()
        throws
    {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(1)).status == 0)
        let files = FileManager.default
        try files.removeItem(atPath: small.home(3) + "/journal")
        let stopped = try small.run()
        #expect(stopped.status == 2 && stopped.errors.contains("journal"))
        let begun = try Command.run("recover", small.network, "--new-journals", "--json")
        #expect(begun.status == 0, "\(begun.errors)")
        let journals = try #require(try begun.object()["journals"] as? [[String: Any]])
        #expect(journals.compactMap { $0["name"] as? String } == ["validator-3"])
        #expect(try small.run(requests: try small.samples(1, from: 1)).status == 0)
        for number in [1, 2] { try files.removeItem(atPath: small.home(number) + "/journal") }
        let refused = try Command.run("recover", small.network, "--new-journals")
        #expect(refused.status == 2 && refused.errors.contains("2 journals are lost"))
    }

    @Test(.timeLimit(.minutes(30)))
    func `a home recovered from an old copy starts again and again`()
        throws
    {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(1)).status == 0)
        let (files, home) = (FileManager.default, small.home(4))
        try files.copyItem(atPath: home + "/ledger", toPath: small.folder.path + "/copy")
        #expect(try small.run(requests: try small.samples(1, from: 1)).status == 0)
        // The copy lacks a vote of its own, which the others have.
        for part in ["ledger", "journal"] { try files.removeItem(atPath: "\(home)/\(part)") }
        try files.copyItem(atPath: small.folder.path + "/copy", toPath: home + "/ledger")
        let begun = try Command.run("recover", home, "--new-journals")
        #expect(begun.status == 0, "\(begun.errors)")
        for place in 2..<4 {
            let run = try small.run(requests: try small.samples(1, from: place))
            #expect(run.status == 0, "\(run.errors)")
        }
        let audit = try small.audit()
        #expect(audit.status == 0 && audit.report["is_one"] as? Bool == true)
    }

    @Test(.timeLimit(.minutes(30))) func `a lost vault is made anew from the ledger`() throws {
        let small = try SmallNetwork()
        #expect(try small.run(requests: try small.samples(3)).status == 0)
        func shown() throws -> [String: Any] {
            try Command.run("bridge", "show", small.network, "--key-file", small.key, "--json")
                .object()
        }
        let before = try shown()
        #expect(before["paid"] as? Int ?? 0 > 0)
        try FileManager.default.removeItem(atPath: small.network + "/bridge/vault.sqlite")
        #expect(
            try Command.run("bridge", "show", small.network, "--key-file", small.key).status == 2)
        let rebuilt = try Command.run(
            "bridge", "rebuild", small.network, "--key-file", small.key, "--json")
        #expect(rebuilt.status == 0, "\(rebuilt.errors)")
        #expect(try rebuilt.object()["uncertain"] as? [String] == [])
        let after = try shown()
        #expect(after["paid"] as? Int == before["paid"] as? Int)
        #expect(after["paid_total"] as? Int == before["paid_total"] as? Int)
        #expect(try small.run(requests: try small.samples(3, from: 3)).status == 0)
    }
}
