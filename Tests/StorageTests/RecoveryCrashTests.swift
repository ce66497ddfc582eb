// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("an interrupted recovery leaves the old ledger or the new one, and is repeated")
struct RecoveryCrashTests {
    private static let directory = StoredLedger.directory

    /// A ledger with a segment missing, and how many operations its recovery takes.
    private static let damaged: (copies: TwoCopies, operations: Int)? = {
        do {
            let copies = try TwoCopies.fresh(short: true)
            copies.disk.replace(copies.segments[1], with: nil)
            let trial = TwoCopies.onCopy(of: copies)
            let before = trial.disk.operations
            try trial.recover()
            return (copies, trial.disk.operations - before)
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }()

    @Test("after a power cut at any operation", arguments: [UInt64](0..<4))
    func powerCut(seed: UInt64) throws {
        let (damaged, operations) = try #require(Self.damaged)
        let old = damaged.files(in: Self.directory)
        // Reading happens in long runs; each seed stops at every fourth operation.
        for operation in stride(from: Int(seed), to: operations, by: 4) {
            let what = "seed \(seed), operation \(operation) of \(operations)"
            let copies = TwoCopies.onCopy(of: damaged)
            copies.disk.fail(operation: operation, with: .powerCut)
            #expect(throws: (any Error).self, "\(what)") { try copies.recover() }
            copies.disk.restart(seed: seed &+ UInt64(operation / 4) &* 1024)
            var now = copies.files(in: Self.directory)
            now["/LOCK"] = old["/LOCK"]
            let isOld = now == old
            let names = try copies.disk.list("/")
            if !isOld {
                // The damaged one is kept, and nothing less than the whole new one is there.
                let aside = try #require(names.first { $0.contains("damaged-") }, "\(what)")
                var kept = copies.files(in: "/\(aside)")
                kept["/LOCK"] = old["/LOCK"]
                #expect(kept == old, "\(what)")
                let isNew = names.contains("ledger")
                #expect(isNew != names.contains("ledger.recovered"), "\(what)")
                try copies.check(
                    in: isNew ? Self.directory : "\(Self.directory).recovered", what)
            }
            let report = try copies.recover()
            let finished = !isOld && !names.contains("ledger")
            #expect(
                report.outcome
                    == (isOld ? .recovered : finished ? .finishedEarlierRun : .nothingToDo),
                "\(what)")
            try copies.check(what)
            let left = try copies.disk.list("/").filter { $0.contains("recover") }
            #expect(left.isEmpty, "\(what)")
            #expect(try copies.disk.list("/").filter { $0.contains("damaged") }.count == 1)
        }
    }

    @Test("after a full disk or a failure at any operation", arguments: [0, 1])
    func failures(kind: Int) throws {
        let fault = [SimulatedFault.noSpace, .inputOutputError][kind]
        let (damaged, operations) = try #require(Self.damaged)
        let old = damaged.files(in: Self.directory)
        for operation in stride(from: kind, to: operations, by: 3) {
            let what = "\(fault), operation \(operation) of \(operations)"
            let copies = TwoCopies.onCopy(of: damaged)
            copies.disk.fail(operation: operation, with: fault)
            var failed = false
            do { try copies.recover() } catch { failed = true }
            copies.disk.healFaults()
            if failed, try copies.disk.list("/").contains("ledger") {
                var now = copies.files(in: Self.directory)
                now["/LOCK"] = old["/LOCK"]
                let isNew = try copies.disk.list("/").contains { $0.contains("damaged-") }
                #expect(now == old || isNew, "\(what)")
            }
            try copies.recover()
            try copies.check(what)
        }
    }

    @Test("a full disk gets back the room that the attempt took")
    func room() throws {
        let (damaged, operations) = try #require(Self.damaged)
        let copies = TwoCopies.onCopy(of: damaged)
        copies.disk.fail(operation: operations / 2, with: .noSpace)
        #expect(throws: RecoveryError.self) { try copies.recover() }
        #expect(try copies.disk.list("/").filter { $0.contains("recover") }.isEmpty)
    }

    @Test("what another recovery left is not taken for one's own")
    func otherRecovery() throws {
        let copies = try TwoCopies.fresh()
        try copies.disk.rename(Self.directory, to: "\(Self.directory).recovered")
        let part = try copies.head(at: copies.batchEnds[3])
        let wrong = TrustedHead(
            ledger: copies.trust.ledger, size: part.size, root: Digest(hashing: [1]))
        #expect(throws: RecoveryError.otherRecovery(path: "\(Self.directory).recovered")) {
            try copies.recover(trust: wrong)
        }
        #expect(try copies.recover(trust: part).outcome == .finishedEarlierRun)
        try copies.check("finished")
    }
}

extension TwoCopies {
    static func onCopy(of other: TwoCopies) -> TwoCopies { TwoCopies(copying: other) }
}
