// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
package import Cryptography
internal import EventLog
package import Ledger
internal import Storage

/// A batch of one copy around the entry where it parts from another.
package struct DisputedBatch: Sendable {
    /// A batch is searched for so far on either side of an entry.
    static let entriesMax = 1 << 20

    /// The entry that opened the batch.
    package let start: UInt64
    /// Its entries, up to its seal or the end of the log.
    package let entries: [LoggedEntry]
    /// T precommits of it, where the copy holds any: those that the next batch carries, or those
    /// beside the log.
    package let precommits: Precommits?
    /// The root of the log after its seal.
    package let root: Digest?

    /// The entries from one on.
    package func rest(from index: UInt64) -> ArraySlice<LoggedEntry> {
        entries[Int(min(UInt64(entries.count), index - start))...]
    }

    /// The seal.
    package var seal: BatchSealed? {
        if case .batchSealed(let sealed)? = entries.last?.event { sealed } else { nil }
    }

    /// The number of the batch; nil where there is not a single entry of it.
    package var height: Height? {
        switch entries.first?.event {
        case .batchOpened(let opened)?: opened.height
        case .ledgerOpened?: Height(0)
        default: nil
        }
    }

    /// The entry that opened the batch in which entry `index` stands or would stand, given that
    /// both copies have the same entries before it.
    static func start(around index: UInt64, in copy: HistoryCopy) throws(CopyError) -> UInt64 {
        var next = index
        // A case begins with a batch.
        while next > (copy.firstEntry ?? 0) {
            guard index - next < UInt64(entriesMax), let entry = try copy.entry(at: next - 1) else {
                throw .batchTooLong(entry: index, bound: entriesMax)
            }
            switch entry.event {
            case .batchSealed: return next
            case .batchOpened, .ledgerOpened: return next - 1
            default: next -= 1
            }
        }
        return next
    }

    /// Reads the batch that begins at an entry.
    init(of copy: HistoryCopy, from start: UInt64) throws(CopyError) {
        var entries: [LoggedEntry] = []
        var sealed: BatchSealed?
        while sealed == nil, let entry = try copy.entry(at: start + UInt64(entries.count)) {
            if case .batchOpened = entry.event, !entries.isEmpty { break }
            entries.append(entry)
            if case .batchSealed(let seal) = entry.event { sealed = seal }
            guard entries.count <= Self.entriesMax else {
                throw .batchTooLong(entry: start, bound: Self.entriesMax)
            }
        }
        self.start = start
        self.entries = entries
        let end = start + UInt64(entries.count)
        root = sealed == nil ? nil : try copy.root(of: 0..<end)
        guard let sealed else {
            precommits = nil
            return
        }
        precommits = try Self.precommits(of: sealed.height, after: end, in: copy)
    }

    private static func precommits(
        of height: Height, after end: UInt64, in copy: HistoryCopy
    ) throws(CopyError) -> Precommits? {
        if case .batchOpened(let next)? = try copy.entry(at: end)?.event {
            return Precommits(
                height: height, round: next.precommitRound, root: next.previousRoot,
                signatures: next.precommits)
        }
        if let certificate = copy.certificate { return certificate }
        guard let directory = copy.ledgerDirectory else { return nil }
        do throws(PrecommitStoreError) {
            return try PrecommitStore(ledgerDirectory: directory, disk: copy.disk).load(height)
        } catch {
            return nil
        }
    }
}
