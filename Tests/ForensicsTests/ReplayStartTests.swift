// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Forensics
import Ledger
import Storage
import TestSupport
import Testing

/// A replay may start from a snapshot: nothing but its cost shows where it did.
struct ReplayStartTests {
    private struct Kept {
        let shelf = Shelf()
        let log: EventLog
        let times: [Time]
        let store: SnapshotStore

        /// A log with a snapshot after every fourth batch.
        init(seed: UInt64) throws {
            let events = try GoldenRun.play(seed: seed, batches: 24).log
            try shelf.write(events, to: "/a", segmentBytesMax: 30_000)
            log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
            store = SnapshotStore(ledgerDirectory: "/a", disk: shelf.disk)
            var state = LedgerState()
            var times: [Time] = []
            for event in events {
                try state.apply(Entry(event))
                guard event.tag == 76 else { continue }
                times.append(state.time)
                guard state.height.rawValue % 4 == 3 else { continue }
                _ = try store.write(
                    state.snapshot(), height: state.height, ledger: state.ledger,
                    components: state.componentRoots(), size: state.size, log: log)
            }
            self.times = times
        }

        func start(_ target: ReplayTarget) -> LedgerState {
            StateBefore.start(of: log, to: target, disk: shelf.disk)
        }

        /// The heights that replays started from, all of which came to what whole ones come to.
        func heights(_ targets: [ReplayTarget]) throws -> Set<UInt64> {
            var heights: Set<UInt64> = []
            for target in targets {
                let start = start(target)
                let state = try Replay.state(of: log, at: target, from: start)
                let whole = try Replay.state(of: log, at: target)
                #expect(state.size == whole.size, "\(target)")
                #expect(state.componentRoots() == whole.componentRoots(), "\(target)")
                heights.insert(start.height.rawValue)
            }
            return heights
        }

        var targets: [ReplayTarget] {
            [.end] + stride(from: 0, to: log.size, by: 37).map { .entry($0) }
                + times.flatMap { time in
                    [.time(time), .time(time.adding(milliseconds: 1))]
                }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `a replay comes to the same from a snapshot`(_ seed: UInt64) throws {
        let kept = try Kept(seed: seed)
        #expect(try kept.heights(kept.targets).isSuperset(of: [0, 3, 7, 11, 15, 19]))
        // The end of the snapshot's own batch needs no entry more.
        let newest = try #require(try kept.store.heights().last)
        let size = try kept.store.header(of: newest).size
        #expect(kept.start(.entry(size - 1)).size == size)
        #expect(kept.start(.entry(size - 2)).size < size)
        #expect(throws: ReplayError.self) {
            try Replay.state(of: kept.log, at: .entry(kept.log.size), from: kept.start(.end))
        }
    }

    @Test func `a snapshot that is damaged, or of another log, is passed over`() throws {
        let kept = try Kept(seed: 1)
        let other = try Kept(seed: 2)
        let heights = try kept.store.heights()
        let (newest, before) = (heights[heights.count - 1], heights[heights.count - 2])
        let path = kept.store.path(newest)
        var bytes = try #require(kept.shelf.disk.bytes(of: path))
        bytes[bytes.count - 40] ^= 1
        kept.shelf.disk.replace(path, with: bytes)
        let foreign = try #require(other.shelf.disk.bytes(of: other.store.path(before)))
        kept.shelf.disk.replace(kept.store.path(before), with: foreign)
        let found = try kept.heights(kept.targets)
        #expect(found.isDisjoint(with: [newest.rawValue, before.rawValue]))
        #expect(found.count > 2)
    }
}
