// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger
internal import Storage

/// Finds who is who around a batch without folding what is before it.
enum PartySearch {
    /// So many entries are looked through for changes of the parties at most.
    static let scanMax: UInt64 = 1 << 18

    /// The parties when the batch that begins at entry `start` was opened, from whichever copy
    /// tells them soonest; nil where none does.
    ///
    /// All copies have the same entries before `start`. In order: a case of that batch; a snapshot
    /// before it and what follows that; the first entry and what follows it; a snapshot of a later
    /// batch.
    static func roll(
        at start: UInt64, opening: Event?, among copies: [HistoryCopy]
    ) throws(CopyError) -> PartyRoll? {
        for copy in copies where copy.firstEntry == start {
            guard let roll = copy.parties else { continue }
            return try follow(roll, from: start, to: start, opening, in: copy)
        }
        let kept = copies.flatMap { copy in snapshots(of: copy).map { (copy, $0) } }
        let before = kept.filter { $0.1.size <= start }.max { $0.1.size < $1.1.size }
        if let (copy, header) = before, start - header.size <= scanMax,
            let roll = load(header, copy)
        {
            return try follow(roll, from: header.size, to: start, opening, in: copy)
        }
        if start <= scanMax, let copy = copies.first(where: { $0.firstEntry == 0 }),
            let first = try copy.entry(at: 0)
        {
            let roll: PartyRoll
            do throws(FoldError) { roll = try PartyRoll(opened: first.entry) } catch { return nil }
            return try follow(roll, from: 1, to: start, opening, in: copy)
        }
        let after = kept.filter { $0.1.size > start }.min { $0.1.size < $1.1.size }
        return after.flatMap { load($0.1, $0.0) }
    }

    private static func snapshots(of copy: HistoryCopy) -> [SnapshotHeader] {
        guard let directory = copy.ledgerDirectory else { return [] }
        let store = SnapshotStore(ledgerDirectory: directory, disk: copy.disk)
        do throws(DiskError) {
            return try store.heights().compactMap { height in
                do throws(SnapshotFlaw) { return try store.header(of: height) } catch {
                    return nil
                }
            }
        } catch {
            return []
        }
    }

    /// The parties of a snapshot, where they are those that its roots name, and its root is the
    /// copy's own.
    private static func load(_ header: SnapshotHeader, _ copy: HistoryCopy) -> PartyRoll? {
        guard let directory = copy.ledgerDirectory else { return nil }
        let store = SnapshotStore(ledgerDirectory: directory, disk: copy.disk)
        do {
            guard try copy.root(of: 0..<header.size) == header.root else { return nil }
            let roll = try PartyRoll(fixed: try store.fixedPart(of: header.height))
            return roll.holds(components: header.components) ? roll : nil
        } catch {
            return nil
        }
    }

    private static func follow(
        _ roll: PartyRoll, from start: UInt64, to end: UInt64, _ opening: Event?,
        in copy: HistoryCopy
    ) throws(CopyError) -> PartyRoll? {
        var roll = roll
        do {
            try copy.forEach(from: start, to: end, where: PartyRoll.isFollowed) { event in
                try roll.fold(event)
            }
            if let opening { try roll.fold(opening) }
            return roll
        } catch let error as CopyError {
            throw error
        } catch let error as LogError {
            throw .log(error)
        } catch let error as TileError {
            throw .tiles(error)
        } catch {
            return nil  // What cannot follow tells of no parties.
        }
    }
}
