// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Foundation
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

private let isBuilt = FileManager.default.isExecutableFile(atPath: Program.path)

/// What the program says of cases and of accusations, and how it ends.
@Suite(.enabled(if: isBuilt, "the program is not built"))
struct CaseCommandTests {
    private struct Run {
        let status: Int32
        let value: JSONValue

        /// The members of an object in a list.
        func all(_ list: String, _ name: String) -> [String] {
            (value.members[list]?.elements ?? []).compactMap { $0.members[name]?.text }
        }
    }

    /// A folder with what the program is asked about.
    private struct Desk {
        let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        func write(_ events: [Event], _ name: String) throws -> String {
            let path = "\(folder.path)/\(name)"
            let log = try EventLog.create(directory: path, disk: POSIXDisk())
            for event in events { _ = try log.stage(event.encoded) }
            try log.commit()
            try log.close()
            return path
        }

        func write(_ found: DivergenceCase, _ name: String) throws -> String {
            try folder.write(CaseFile.encoded(found), name)
        }

        func run(_ words: String...) throws -> Run {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: Program.path)
            process.arguments = words + ["--json"]
            process.standardInput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            process.standardOutput = pipe
            try process.run()
            let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return Run(
                status: process.terminationStatus,
                value: try JSONValue(parsing: String(decoding: output, as: UTF8.self)))
        }
    }

    private var voters: [String] { (0..<UInt16(Dispute.threshold)).map { Fixture.name($0) } }

    /// The kind of the difference that each fault of a batch is.
    private static let kinds: [(Dispute.Wrong, String)] = [
        (.reputation, "otherDerivation"), (.deadline, "otherDerivation"),
        (.nextTurn, "otherDerivation"), (.margin, "otherDerivation"),
        (.omitted, "otherDerivation"), (.leader, "otherDerivation"),
        // The node stopped at the vote that it did not take.
        (.unsigned, "longer"), (.stale, "longer"),
    ]

    @Test(arguments: kinds)
    func `a case convicts those who signed its batch, and shows what differs`(
        _ wrong: Dispute.Wrong, _ kind: String
    ) throws {
        let desk = try Desk()
        var dispute = try Dispute(seed: 61)
        let batch = try dispute.makeBatch()
        let start = try desk.write(Array(dispute.scenario.log.prefix(2)), "start")
        let found = try #require(try dispute.found(in: try dispute.broken(batch, wrong)))
        let file = try desk.write(found, "it.case")
        let culprits = try desk.run("culprits", start, "--case", file, "--no-recount")
        #expect(culprits.status == 1)
        #expect(culprits.all("proved", "name").sorted() == voters)
        #expect(Set(culprits.all("proved", "kind")) == ["refutedBatch"])
        // Without the case the ledger says nothing against anybody.
        let without = try desk.run("culprits", start, "--no-recount")
        #expect(without.status == 0 && without.all("proved", "name").isEmpty)

        let diff = try desk.run("diff", file)
        #expect(diff.status == 1)
        #expect(diff.all("comparisons", "kind") == [kind])
        // Of the right batch the ledger and the case part at the same entry.
        let right = try desk.write(dispute.scenario.log, "right")
        let beside = try desk.run("diff", right, file)
        #expect(beside.status == 1)
        func entry(_ run: Run) -> Int64? {
            run.value.members["comparisons"]?.elements.first?.members["entry"]?.whole
        }
        #expect(entry(beside) != nil && entry(beside) == entry(diff))
    }

    @Test func `the case of a node that was wrong convicts nobody, and its ledger is no other`()
        throws
    {
        let desk = try Desk()
        var random = SplitMix64(seed: 90)
        var dispute = try Dispute(seed: 90)
        let batch = try dispute.makeBatch()
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        let file = try desk.write(found, "it.case")
        let right = try desk.write(dispute.scenario.log, "right")
        let culprits = try desk.run("culprits", right, "--case", file, "--no-recount")
        #expect(culprits.status == 0)
        for list in ["proved", "must_answer", "unprovable", "unread"] {
            #expect(culprits.value.members[list]?.elements == [], "\(list)")
        }
        let diff = try desk.run("diff", right, file)
        #expect(diff.status == 0)
        #expect(diff.value.members["verdict"]?.text == "same")
    }

    @Test func `a vote in a case convicts by the contrary in a ledger`() throws {
        let desk = try Desk()
        var dispute = try Dispute(seed: 6)
        var other = dispute.scenario
        let batch = try dispute.makeBatch()
        try other.open(after: 2_000)
        let request = try other.submit()
        try other.cast(2, .reject, on: request)
        try other.seal()
        let ledger = try desk.write(other.log, "other")
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        let file = try desk.write(found, "it.case")
        let culprits = try desk.run("culprits", ledger, "--case", file, "--no-recount")
        #expect(culprits.status == 1)
        let contradicted = zip(culprits.all("proved", "kind"), culprits.all("proved", "name"))
            .filter { $0.0 == "contradiction" }.map(\.1)
        #expect(contradicted == [Fixture.name(2)])
        #expect(try desk.run("culprits", ledger, "--no-recount").status == 0)
    }

    @Test func `a case that is cut or of another ledger is not judged`() throws {
        let desk = try Desk()
        var dispute = try Dispute(seed: 8)
        let batch = try dispute.makeBatch()
        let start = try desk.write(Array(dispute.scenario.log.prefix(2)), "start")
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        var elsewhere = found
        elsewhere.ledger = LedgerID(Digest(hashing: [3]))
        for (name, bytes) in [
            ("cut.case", Array(CaseFile.encoded(found).dropLast(7))),
            ("other.case", CaseFile.encoded(elsewhere)),
        ] {
            let file = try desk.folder.write(bytes, name)
            let culprits = try desk.run("culprits", start, "--case", file, "--no-recount")
            #expect(culprits.status == 2)
            #expect(culprits.value.members["unread"]?.elements.count == 1)
            #expect(culprits.all("proved", "name").isEmpty)
        }
    }

    @Test func `an accusation is answered by a journal, and not by one that lacks the prevotes`()
        throws
    {
        let desk = try Desk()
        let claim = try EvidenceSamples.claims()[0]
        let file = try desk.folder.write(claim.bytes, "claim.rcev")
        let value = Digest(hashing: [7])
        func journal(_ count: Int, _ name: String) throws -> String {
            let path = "\(desk.folder.path)/\(name)"
            let log = try EventLog.create(directory: path, disk: POSIXDisk())
            for number in 0..<count {
                let vote = ForkHistory.vote(.prevote, 1, value, by: number)
                _ = try log.stage([number == 4 ? 5 : 6] + vote.encoded)
            }
            try log.commit()
            try log.close()
            return path
        }
        let schema = SchemaCheck(root: try desk.run("schema", "answer").value)
        let cases: [(Int, Int32, Bool)] = [
            (ForkHistory.threshold, 0, true), (ForkHistory.threshold - 1, 1, false),
        ]
        for (count, status, isCleared) in cases {
            let answer = try desk.run(
                "answer", try journal(count, "journal-\(count)"), "--accusation", file)
            #expect(answer.status == status)
            #expect(try schema.problems(answer.value) == [])
            #expect(answer.value.members["is_cleared"] == .bool(isCleared))
            #expect(answer.value.members["needed"]?.whole == Int64(ForkHistory.threshold))
            for name in ["is_cleared", "shown", "needed", "sentence"] {
                var members = answer.value.members
                members[name] = nil
                #expect(try !schema.problems(.object(members)).isEmpty, "\(name)")
            }
            var members = answer.value.members
            members["surplus"] = .null
            #expect(try !schema.problems(.object(members)).isEmpty)
        }
    }
}
