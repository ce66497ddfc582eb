// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import EventLog
import Ledger
import Storage
import Synchronization
import TestSupport
import Testing

/// Entries are read ahead in pieces, and picked out in others: no edge of a piece shows.
struct ReadingTests {
    /// Entries in a piece that is read ahead.
    private static let piece: UInt64 = 4_096

    /// A log of small events, of which some bytes may be none.
    private static func log(
        _ count: UInt64, broken: Set<UInt64> = []
    ) throws -> EventLog {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/ledger", disk: disk)
        for index in 0..<count {
            let event = Event.reputationDecayed(ReputationDecayed(day: index))
            _ = try log.stage(broken.contains(index) ? [70, 1] : event.encoded)
            if index % 1_000 == 999 { try log.commit() }
        }
        try log.commit()
        return log
    }

    /// The entries that a fold sees before `end` says that it is enough.
    private static func seen(_ log: EventLog, until end: UInt64) throws -> [UInt64] {
        var seen: [UInt64] = []
        try LedgerFold.forEach(log, from: 0) { index, entry in
            guard case .reputationDecayed(let decayed) = entry.event, decayed.day == index else {
                Issue.record("entry \(index) is another")
                return false
            }
            seen.append(index)
            return index + 1 < end
        }
        return seen
    }

    @Test func `a fold may end at any entry`() throws {
        let log = try Self.log(3 * Self.piece + 5)
        for edge in [1, Self.piece, 2 * Self.piece, 3 * Self.piece, log.size] {
            for end in [edge - 1, edge, edge + 1] where end > 0 {
                #expect(try Self.seen(log, until: end) == Array(0..<min(end, log.size)))
            }
        }
    }

    @Test(arguments: [0, 1, 4_095, 4_096, 4_097, 8_191, 8_192, 12_292])
    func `what cannot be decoded is named, after all before it`(_ broken: UInt64) throws {
        let log = try Self.log(3 * Self.piece + 5, broken: [broken])
        var count: UInt64 = 0
        do throws(FoldFailure) {
            try LedgerFold.forEach(log, from: 0) { _, _ in
                count += 1
                return true
            }
            Issue.record("nothing was thrown")
        } catch {
            guard case .undecodable(let entry, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(entry == broken)
        }
        #expect(count == broken)
    }

    /// More folds than the pool has threads, each of which waits for a reader.
    @Test(.timeLimit(.minutes(30))) func `many folds at once come to their ends`() throws {
        let log = try Self.log(2 * Self.piece)
        let done = Mutex(0)
        let group = DispatchGroup()
        for _ in 0..<400 {
            DispatchQueue.global().async(group: group) {
                let seen = try? Self.seen(log, until: .max)
                if seen?.count == Int(2 * Self.piece) { done.withLock { $0 += 1 } }
            }
        }
        group.wait()
        #expect(done.withLock { $0 } == 400)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `what is picked is what a reading finds`(_ seed: UInt64) throws {
        let ledger = try StoredLedger(seed: seed)
        let log = try EventLog.open(
            directory: StoredLedger.directory, disk: ledger.disk, access: .readOnly,
            options: StoredLedger.options)
        var all: [(UInt64, Event)] = []
        try LedgerFold.forEach(log, from: 0) { index, entry in
            all.append((index, entry.event))
            return true
        }
        var random = SplitMix64(seed: seed)
        for _ in 0..<60 {
            let tags = EventType.allCases.map(\.rawValue).filter { _ in random.next() % 4 == 0 }
            let low = random.next() % log.size
            let range = low..<(low + random.next() % (log.size - low + 1))
            let odd = random.next() % 2
            // Those of a kind, or of a kind and a first byte after it.
            let beginnings = tags.map { tag in
                random.next() % 2 == 0 ? [tag] : [tag, UInt8(random.next() % 4)]
            }
            let picked = try EntryPicker.pick(beginnings, from: log, in: range) { index, _ in
                index % 2 == odd
            }
            let wanted = all.filter { index, event in
                range.contains(index) && index % 2 == odd
                    && beginnings.contains { event.encoded.starts(with: $0) }
            }
            #expect(picked.map(\.index) == wanted.map(\.0), "seed \(seed)")
            #expect(picked.map(\.event) == wanted.map(\.1))
        }
    }

    @Test func `what is picked spans pieces, and names what cannot be decoded`() throws {
        let count: UInt64 = 140_000
        let whole = try Self.log(count)
        let picked = try EntryPicker.pick([[70]], from: whole, in: 0..<count)
        #expect(picked.map(\.index) == Array(0..<count))
        #expect(try Array(EntryPicker.pick([[69]], from: whole, in: 0..<count)).isEmpty)
        let log = try Self.log(count, broken: [65_536, 131_072])
        #expect {
            try EntryPicker.pick([[70]], from: log, in: 0..<count)
        } throws: { error in
            guard case .undecodable(65_536, _) = error as? FoldFailure else { return false }
            return true
        }
    }
}
