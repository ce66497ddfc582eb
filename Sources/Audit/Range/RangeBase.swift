// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// The state before a range: where it comes from, and that the log seals it.
struct RangeBase {
    /// The state between two batches, with which the range starts.
    private(set) var state = LedgerState()
    /// The file of the snapshot that it was loaded from.
    private(set) var snapshot: String?
    /// Entries that were only folded.
    private(set) var folded: UInt64 = 0
    /// Snapshots that could not be used.
    private(set) var notes: [String] = []

    var kind: AuditRange.Base {
        state.size == 0 ? .genesis : snapshot == nil ? .fold : .snapshot
    }

    /// Finds the state at the last end of a batch that is not behind an entry.
    ///
    /// Loads the newest snapshot before it that the log bears out, and folds from there.
    init(_ log: EventLog, before entry: UInt64, _ disk: any Disk) throws(RangeError) {
        if entry > 0 { try load(log, before: entry, disk) }
        let loaded = state.size
        var reader = EntryReader(log, from: state.size)
        while state.size < entry {
            guard let batch = try Self.next(&reader), let last = batch.last, last.index < entry,
                case .batchSealed = last.event
            else { break }
            for item in batch {
                do throws(FoldError) { try state.apply(item.entry) } catch {
                    throw .before(entry: item.index, problem: "\(error)")
                }
            }
        }
        folded = state.size - loaded
        try checkSeal(log)
    }

    private static func next(_ reader: inout EntryReader) throws(RangeError) -> [LoggedEntry]? {
        do throws(ReadingError) { return try reader.batch() } catch {
            switch error {
            case .log(let error): throw .log(error)
            case .undecodable(let entry, let error):
                throw .before(entry: entry, problem: describe(error))
            }
        }
    }

    private mutating func load(
        _ log: EventLog, before entry: UInt64, _ disk: any Disk
    ) throws(RangeError) {
        let store = SnapshotStore(ledgerDirectory: log.directory, disk: disk)
        let heights: [Height]
        do throws(DiskError) { heights = try store.heights() } catch { throw .log(.disk(error)) }
        for height in heights.reversed() {
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                guard header.size <= entry else { continue }
                guard try Self.root(log, at: header.size) == header.root else {
                    throw .otherSeal(entry: header.size - 1)
                }
                state = try store.load(height).state
                snapshot = store.path(height)
                return
            } catch {
                notes.append("The snapshot \(store.path(height)) was not used: \(error)")
            }
        }
    }

    private static func root(_ log: EventLog, at size: UInt64) throws(SnapshotFlaw) -> Digest? {
        guard size <= log.size else { return nil }
        do throws(LogError) { return try log.root(at: size) } catch {
            if case .disk(let error) = error { throw .disk(error) }
            return nil
        }
    }

    /// Computes the roots of the state, and compares them with the seal before it.
    private func checkSeal(_ log: EventLog) throws(RangeError) {
        guard state.size > 0 else { return }
        let place = state.size - 1
        var reader = EntryReader(log, from: place)
        let entry: LoggedEntry?
        do throws(ReadingError) { entry = try reader.entry() } catch {
            if case .log(let error) = error { throw .log(error) }
            throw .otherSeal(entry: place)
        }
        let components = state.componentRoots()
        guard case .batchSealed(let sealed)? = entry?.event, sealed.components == components,
            sealed.stateRoot == StateRoot.combined(components), sealed.height == state.height
        else { throw .otherSeal(entry: place) }
    }
}

extension LedgerState {
    /// The place between two batches at which the state stands.
    func end(in log: EventLog) throws(LogError) -> AuditRange.End {
        AuditRange.End(
            size: size, height: height.rawValue, root: try log.root(at: size).hex,
            stateRoot: size > 0 ? StateRoot.combined(componentRoots()).hex : "")
    }
}
