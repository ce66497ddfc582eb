// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

@Suite struct JournalCrashTests {
    private typealias F = JournalFixture

    /// What a life of a validator leaves behind.
    private struct Life {
        /// Own messages that might have been sent.
        var said: [JournalItem] = []
        /// What must be there after it, in order.
        var durable: [JournalItem] = []
        /// Whether it came to its end.
        var isWhole = false
    }

    /// Three heights of two rounds, at each of which it speaks for `value`; gives what was said.
    private func live(_ disk: SimulatedDisk, for value: Digest) -> Life {
        var life = Life()
        var waiting: [JournalItem] = []
        func note(_ items: [JournalItem], _ journal: inout VoteJournal) throws {
            do throws(JournalError) {
                try journal.note(items)
            } catch {
                switch error {
                // It has said something else, and stands by it.
                case .unusable(_, .contradictory), .unusable(_, .past): return
                default: throw error
                }
            }
            let own = items.filter { item in
                switch item {
                case .proposed, .cast: true
                case .received, .held: false
                }
            }
            life.said += own
            waiting += items
            if items.contains(where: { if case .received = $0 { false } else { true } }) {
                life.durable += waiting
                waiting = []
            }
        }
        do {
            var journal = try F.journal(disk)
            for height in [UInt64](1...3) {
                let held = F.held(height, value, votes: height == 2 ? 500 : 1)
                try note([held, F.proposed(height, 0, value)], &journal)
                for round in [UInt32](0...1) {
                    for peer in [UInt16](1...2) {
                        try note([F.received(height, round, value, from: peer)], &journal)
                    }
                    try note([F.cast(.prevote, height, round, value)], &journal)
                    _ = try journal.votes(
                        for: [(F.request(Int(height)), Verdict(.approve, .proofHolds))],
                        at: Time(1))
                    try note([F.cast(.precommit, height, round, value)], &journal)
                }
            }
            try journal.close()
            life.isWhole = true
        } catch {}
        return life
    }

    /// Checks that no slot has two statements among these messages.
    private func checkNoContradiction(_ said: [JournalItem], _ what: String) {
        var known: [Slot: Digest?] = [:]
        for item in said {
            let slot: Slot
            let value: Digest?
            switch item {
            case .proposed(let proposal):
                (slot, value) = (
                    .proposal(proposal.height, round: proposal.round), proposal.value
                )
            case .cast(let vote): (slot, value) = (vote.slot, vote.value)
            case .received, .held: continue
            }
            if let earlier = known.updateValue(value, forKey: slot) {
                #expect(earlier == value, "\(what): \(slot)")
            }
        }
    }

    @Test(arguments: [UInt64](0..<4))
    func noCrashLosesWhatWasNotedOrMakesItSayTwoThings(seed: UInt64) throws {
        let whole = try F.disk()
        let made = whole.operations
        #expect(live(whole, for: F.value(1)).isWhole)
        let count = whole.operations - made
        #expect(count > 40)
        // Each seed stops at every second operation, so that two of them stop at every one.
        for operation in stride(from: Int(seed % 2), to: count, by: 2) {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let what = "seed \(seed), operation \(operation), \(fault)"
                let disk = try F.disk()
                disk.fail(operation: operation, with: fault)
                let before = live(disk, for: F.value(1))
                disk.restart(seed: seed &* 1000 &+ UInt64(operation))
                disk.healFaults()
                let items = try F.items(disk)
                // All that was noted is there, in order, and at most what was being noted more.
                #expect(Array(items.prefix(before.durable.count)) == before.durable, "\(what)")
                #expect(items.count <= before.durable.count + 4, "\(what)")
                // The truth looks different now; what was said stands.
                let after = live(disk, for: F.value(2))
                #expect(after.isWhole, "\(what)")
                checkNoContradiction(before.said + after.said, what)
                checkNoContradiction(try F.items(disk), what)
                _ = try F.journal(disk)
            }
        }
    }

    @Test(arguments: [UInt64](0..<8))
    func journalBegunAnewIsThereWholeOrNotAtAll(seed: UInt64) throws {
        let vote = VoteMessage(
            request: F.request(1), validator: F.key.publicKey, vote: .approve,
            reason: .proofHolds, timestamp: Time(1), signature: .zero
        ).signed(by: F.key, in: F.ledger)
        func begin(_ disk: SimulatedDisk) throws(JournalError) {
            try VoteJournal.beginAnew(
                directory: F.directory, disk: disk, votes: [.vote(vote)], at: Time(1_000_000),
                silentThrough: Height(8))
        }
        let whole = SimulatedDisk()
        try begin(whole)
        for operation in 0..<whole.operations {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let what = "seed \(seed), operation \(operation), \(fault)"
                let disk = SimulatedDisk()
                disk.fail(operation: operation, with: fault)
                do throws(JournalError) { try begin(disk) } catch {}
                disk.restart(seed: seed &* 1000 &+ UInt64(operation))
                disk.healFaults()
                if try !disk.exists(F.directory) { try begin(disk) }
                let journal = try F.journal(disk)
                #expect(journal.silentThrough == Height(8), "\(what)")
                #expect(journal.silentUntil == Time(1_120_000), "\(what)")
                #expect(journal.verdict(on: F.request(1))?.vote == .approve, "\(what)")
            }
        }
    }
}
