// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger
package import Replication

/// What replication keeps in the journal.
extension VoteJournal {
    /// The newest height at which the validator has spoken; nil where it has at none.
    ///
    /// At an earlier one it does not speak again: see `note`.
    package var spokenHeight: Height? { window.ownHeight }

    /// The newest height of which anything is noted.
    package var newestHeight: Height? { window.newestHeight }

    /// Notes items durably, by one commit: own messages are sent after it returns.
    ///
    /// What is noted already is not written again: an own message that says the same in its slot,
    /// a vote of another that says the same, a batch of the same value. Votes of others alone
    /// wait for the next commit, at the latest that of the next own message, vote on a request or
    /// cosigned checkpoint; a crash before it loses them. Votes and batches of heights below the
    /// two newest of which any were noted are passed over. The caller has verified the signatures
    /// of others and notes only what belongs to the height that it works on.
    ///
    /// Throws `.unusable` with the place that the item would have had, in this order: `.silent`,
    /// `.past` (own messages of a height below the newest own), `.contradictory`, `.notSigned`,
    /// `.batchTooLarge`. Then `.log`. After an error nothing of it is noted, and nothing that
    /// rests on it must be said; where the disk was full, noting may be tried again. Votes of
    /// others alone cost the same each, however many there were.
    package mutating func note(_ items: [JournalItem]) throws(JournalError) {
        if items.allSatisfy({ $0.isReceived }) { return try noteReceived(items) }
        var window = self.window
        var entries = waiting
        var isUrgent = false
        for item in items {
            let index = log.size + UInt64(entries.count)
            switch item {
            case .proposed(let proposal):
                guard try admit(.proposed(proposal), index, &window) else { continue }
                entries.append(JournalEntry.proposed(proposal).encodedAndChecked)
                isUrgent = true
            case .cast(let vote):
                guard try admit(.cast(vote), index, &window) else { continue }
                entries.append(JournalEntry.cast(vote).encodedAndChecked)
                isUrgent = true
            case .received(let vote):
                guard window.admit(received: vote, entry: index) else { continue }
                entries.append(JournalEntry.received(vote).encoded)
            case .held(let height, let value, let batch):
                guard window.admit(held: value, at: height, entry: index) else { continue }
                do throws(JournalProblem) {
                    entries += try HeldPart.cut(batch, height: height, value: value)
                        .map { JournalEntry.held($0).encoded }
                } catch {
                    throw .unusable(entry: index, error)
                }
                isUrgent = true
            }
        }
        if isUrgent || entries.count > HostingLimits.waitingEntriesMax {
            try write(entries)
        } else {
            waiting = entries
        }
        let newest = self.newestHeight ?? Height(0)
        invariant(
            window.newestHeight ?? Height(0) >= newest,
            "height \(window.newestHeight?.rawValue ?? 0) is noted last behind \(newest.rawValue)")
        self.window = window
        checkWaiting()
    }

    /// Notes votes of others. Each costs the same, however many there were: nothing is copied.
    ///
    /// Where the log fails, what waits goes on waiting, and nothing is added to it.
    private mutating func noteReceived(_ items: [JournalItem]) throws(JournalError) {
        for case .received(let vote) in items {
            if waiting.count >= HostingLimits.waitingEntriesMax { try write(waiting) }
            let index = log.size + UInt64(waiting.count)
            guard window.admit(received: vote, entry: index) else { continue }
            waiting.append(JournalEntry.received(vote).encoded)
        }
        checkWaiting()
    }

    /// Stops the process where more waits than the next commit has room for.
    private func checkWaiting() {
        invariant(
            waiting.count <= HostingLimits.waitingEntriesMax, "\(waiting.count) entries wait")
    }

    private func admit(
        _ entry: JournalEntry, _ index: UInt64, _ window: inout JournalWindow
    ) throws(JournalError) -> Bool {
        guard let (slot, height, own) = entry.own(at: index) else { return false }
        do throws(JournalProblem) {
            guard try window.admit(own: slot, at: height, own) else { return false }
        } catch {
            throw .unusable(entry: index, error)
        }
        try verify(slot, own)
        return true
    }

    /// Returns what is noted of the heights from this one on, in the order of the journal.
    ///
    /// Complete for the newest height at which the validator has spoken and the two newest of
    /// which others' votes or batches were noted: what a restart needs. Costs reading the journal
    /// from the first entry of theirs. Throws `.log`, or `.unusable` where parts are no batch.
    package func consensusItems(from height: Height) throws(JournalError) -> [JournalItem] {
        guard let first = window.firstEntry(from: height) else { return [] }
        var items: [JournalItem] = []
        try forEachItem(from: first) { item in
            if item.height >= height { items.append(item) }
        }
        if let spokenHeight, spokenHeight >= height {
            let own = items.count { $0.isOwn && $0.height == spokenHeight }
            invariant(
                own >= window.own.count,
                "\(own) own words at height \(spokenHeight.rawValue), of \(window.own.count)")
        }
        return items
    }

    /// Hands every item that is noted to `body`, in the order of the journal, the oldest first.
    package func forEachItem(_ body: (JournalItem) -> Void) throws(JournalError) {
        try forEachItem(from: 0, body)
    }

    /// Hands every item of a journal to `body`, without opening it for writing: first what was
    /// before it was cut, as far as that is kept.
    ///
    /// So that a fork can be traced; nothing is verified. Votes that wait are not seen.
    package static func forEachItem(
        in directory: String, disk: any Disk, _ body: (JournalItem) -> Void
    ) throws(JournalError) {
        let found = try inLog { () throws(LogError) in try parts(of: directory, disk) }
        for directory in found {
            let log = try inLog { () throws(LogError) in
                try EventLog.open(directory: directory, disk: disk, access: .readOnly)
            }
            var reader = ItemReader()
            try log.forEach(from: 0, to: log.size, orThrow: JournalError.log) {
                index, bytes throws(JournalError) in
                if let item = try reader.read(bytes, index) { body(item) }
            }
            try inLog { () throws(LogError) in try log.close() }
        }
    }

    private func forEachItem(
        from first: UInt64, _ body: (JournalItem) -> Void
    ) throws(JournalError) {
        let size = log.size
        var reader = ItemReader()
        if first < size {
            try log.forEach(from: first, to: size, orThrow: JournalError.log) {
                index, bytes throws(JournalError) in
                if let item = try reader.read(bytes, index) { body(item) }
            }
        }
        for (number, bytes) in waiting.enumerated() {
            if let item = try reader.read(bytes.span, size + UInt64(number)) { body(item) }
        }
    }
}

/// Makes items of entries, in order.
private struct ItemReader {
    private var assembly = HeldAssembly(keepsBytes: true)

    /// Reads an entry; returns an item where it is one, or completes one.
    mutating func read(_ bytes: Span<UInt8>, _ index: UInt64) throws(JournalError) -> JournalItem? {
        switch try VoteJournal.entry(bytes, index) {
        case .voted, .votedList, .cosigned, .begunAnew, .silentThrough, .reported, .cut: return nil
        case .proposed(let proposal): return .proposed(proposal)
        case .cast(let vote): return .cast(vote)
        case .received(let vote): return .received(vote)
        case .held(let part):
            let joined: [UInt8]?
            do throws(JournalProblem) { joined = try assembly.add(part) } catch {
                throw .unusable(entry: index, error)
            }
            guard let joined else { return nil }
            do throws(Ledger.DecodingError) {
                return .held(
                    part.height, value: part.value, try ProposedBatch(decoding: joined))
            } catch {
                throw .unusable(entry: index, .batch(error))
            }
        }
    }
}

extension JournalItem {
    /// Whether it is a vote of another.
    fileprivate var isReceived: Bool { if case .received = self { true } else { false } }

    /// Whether it is a word of the validator's own.
    fileprivate var isOwn: Bool {
        switch self {
        case .proposed, .cast: true
        case .received, .held: false
        }
    }
}
