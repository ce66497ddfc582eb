// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Projections
import Synchronization
import Testing

@Suite struct FollowerTests {
    /// What a follower says.
    private final class Heard: Sendable {
        let notices = Mutex<[String]>([])
        let failures = Mutex<[String]>([])

        func follower(of ledger: ProjectedLedger) -> ProjectionsFollower {
            ProjectionsFollower(
                directory: ledger.directory, log: ledger.log,
                onNotice: { [self] text in notices.withLock { $0.append(text) } },
                onFailure: { [self] error in failures.withLock { $0.append("\(error)") } })
        }
    }

    @Test func itTakesInWhatIsCommitted() throws {
        let ledger = try ProjectedLedger(seed: 11, writing: 0)
        let heard = Heard()
        let follower = heard.follower(of: ledger)
        for _ in ledger.batches {
            try ledger.write(1)
            follower.wake()
        }
        let status = follower.finish(withinSeconds: 30)
        #expect(status.entries == ledger.log.size)
        #expect(status.behind == 0)
        #expect(status.failure == nil)
        #expect(heard.failures.withLock { $0 } == [])
        #expect(try ledger.verdict() == nil)
    }

    @Test func itBuildsAnewAloudWhatDoesNotFit() throws {
        let ledger = try ProjectedLedger(seed: 11)
        _ = try ledger.reader()
        try ledger.edit("DELETE FROM position")
        let heard = Heard()
        #expect(heard.follower(of: ledger).finish(withinSeconds: 30).behind == 0)
        #expect(heard.notices.withLock { $0.count } == 1)
        #expect(try ledger.verdict() == nil)
    }

    @Test func whatSomebodyChangesWhileItRunsIsBuiltAnewAloud() throws {
        let ledger = try ProjectedLedger(seed: 11, writing: 30)
        let content = try ledger.content()
        let heard = Heard()
        let follower = heard.follower(of: ledger)
        while follower.status.entries < ledger.log.size { Thread.sleep(forTimeInterval: 0.001) }
        let reader = try Projections.followed(ledgerDirectory: ledger.directory)
        try ledger.edit("UPDATE nullifier SET spent = NULL")
        // Whoever has it open reads nothing more from it.
        #expect(throws: ViewError.changed("somebody else has written to its table nullifier")) {
            try LedgerViews.read(reader.database) { views throws(ViewError) in
                try views.lastHeight()
            }
        }
        // Nothing is committed meanwhile: it looks by itself.
        while heard.notices.withLock({ $0.isEmpty }) { Thread.sleep(forTimeInterval: 0.001) }
        #expect(heard.notices.withLock { $0.first?.contains("its table nullifier") } == true)
        #expect(try ledger.verdict() == nil)
        #expect(try tables(of: Projections.followed(ledgerDirectory: ledger.directory)) == content)
        #expect(follower.finish(withinSeconds: 30).failure == nil)
    }

    @Test func aFailureIsToldOnceAndTheLogGoesOn() throws {
        let ledger = try ProjectedLedger(seed: 11, writing: 5)
        try POSIXDisk().createDirectory(ledger.link)
        let heard = Heard()
        let follower = heard.follower(of: ledger)
        while heard.failures.withLock({ $0.isEmpty }) { Thread.sleep(forTimeInterval: 0.001) }
        for _ in 0..<20 {
            try ledger.write(1)
            follower.wake()
        }
        let status = follower.finish(withinSeconds: 30)
        #expect(status.behind == ledger.log.size)
        #expect(status.failure != nil)
        #expect(heard.failures.withLock { $0.count } == 1)
    }

    @Test func theEndOfARunDoesNotWaitForEver() throws {
        let ledger = try ProjectedLedger(seed: 11)
        // Somebody else builds, and does not come to an end.
        let lock = try POSIXDisk().lock(ledger.directory + "/projections.lock")
        defer { lock.release() }
        let heard = Heard()
        let status = heard.follower(of: ledger).finish(withinSeconds: 0)
        #expect(status.behind == ledger.log.size)
        #expect(status.failure == nil)
    }
}
