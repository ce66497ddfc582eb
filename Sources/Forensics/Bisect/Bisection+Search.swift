// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import EventLog
internal import Ledger
package import Storage

/// Why a ledger cannot be bisected.
package enum BisectError: Error {
    /// A copy cannot be read.
    case copy(CopyError)
    /// The log cannot be folded up to where it is to be looked at.
    case fold(FoldFailure)
    /// The copy has no entries to look at.
    case withoutEntries(String)
    /// There is no such batch.
    case noBatch(height: UInt64, last: UInt64)
}

extension BisectError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .copy(let error): "\(error)"
        case .fold(.log(let error)): "\(error)"
        case .fold(.undecodable(let entry, _)): "entry \(entry) is no event"
        case .fold(.cannotFollow(let entry, let error)):
            "entry \(entry) cannot follow those before it: \(error); run recount audit"
        case .withoutEntries(let name):
            "\(name) is a checkpoint or a snapshot, which has no commands: name a ledger"
        case .noBatch(let height, let last):
            "there is no batch \(height): the ledger holds batches 0 to \(last)"
        }
    }
}

extension Bisection {
    /// Finds the command from which two ledgers differ. Nothing is folded.
    package static func between(
        _ one: (path: String, name: String), _ other: (path: String, name: String),
        disk: any Disk = POSIXDisk()
    ) throws(BisectError) -> Bisection {
        do throws(CopyError) {
            let left = try HistoryCopy.open(one.path, name: one.name, disk: disk)
            let right = try HistoryCopy.open(other.path, name: other.name, disk: disk)
            return try between(left, right)
        } catch {
            throw .copy(error)
        }
    }

    private static func between(
        _ one: HistoryCopy, _ other: HistoryCopy
    ) throws(CopyError) -> Bisection {
        var found = Bisection(one.name, other.name)
        switch try Parting(one, other) {
        case .nowhere: found.sentence = "\(one.name) and \(other.name) are the same."
        case .atEnd:
            found.sentence =
                "the shorter of \(one.name) and \(other.name) is the start of the longer: no"
                + " command differs."
        case .unknown(let entry): found.tellUnreadable(from: entry)
        case .within(let range): found.tellUnreadable(from: range.lowerBound)
        case .entry(let entry): try found.compareBatches(one, other, entry)
        }
        return found
    }

    /// The form of one copy tells no entries.
    private mutating func tellUnreadable(from index: UInt64) {
        verdict = .unjudged
        entry = index
        sentence =
            "\(first) and \(second) cannot be compared command by command from entry \(index) on:"
            + " a checkpoint or snapshot holds no entries."
    }

    private mutating func compareBatches(
        _ one: HistoryCopy, _ other: HistoryCopy, _ index: UInt64
    ) throws(CopyError) {
        let start = try DisputedBatch.start(around: index, in: one)
        let left = try DisputedBatch(of: one, from: start)
        let right = try DisputedBatch(of: other, from: start)
        guard start > 0 else {
            verdict = .unjudged
            sentence = "\(first) and \(second) are two ledgers: their first entries differ."
            return
        }
        height = (left.height ?? right.height)?.rawValue
        let roll = try PartySearch.roll(
            at: start, opening: left.entries.first?.event, among: [one, other])
        let names: LedgerNames
        if let roll { names = roll.names } else { names = try HistoryComparison.firstNames(one) }
        compare(left.entries, right.entries, names)
    }

    /// Finds the first command after which a ledger does not follow by the rules, from the newest
    /// snapshot before a batch up to it; the last batch unless told.
    ///
    /// What is before the snapshot is not looked at: `since` says where that is.
    package static func againstRules(
        _ ledger: (path: String, name: String), height: UInt64? = nil,
        disk: any Disk = POSIXDisk()
    ) throws(BisectError) -> Bisection {
        let log: EventLog
        do throws(LogError) { log = try LedgerDirectory.open(ledger.path, disk: disk) } catch {
            throw .copy(.log(error))
        }
        var found = Bisection(ledger.name, "rules")
        let start = try BatchPlaces(log).start(of: height)
        var before: StateBefore
        do throws(FoldFailure) {
            before = try StateBefore(snapshotOf: log, before: start, disk: disk)
        } catch {
            throw .fold(error)
        }
        found.since = before.state.size
        do throws(ReadingError) { try found.derive(log, from: &before, through: start) } catch {
            switch error {
            case .log(let error): throw .copy(.log(error))
            case .undecodable(let entry, let error):
                throw .copy(.undecodable(entry: entry, error))
            }
        }
        return found
    }

    /// Derives batch after batch, up to the one that begins at `last`.
    private mutating func derive(
        _ log: EventLog, from before: inout StateBefore, through last: UInt64
    ) throws(ReadingError) {
        var reader = EntryReader(log, from: before.state.size)
        while before.state.size <= last, let batch = try reader.batch() {
            let ruled = RuledBatch(of: batch, on: before)
            folded += UInt64(batch.count)
            if case .batchOpened(let opened)? = batch.first?.event {
                height = opened.height.rawValue
            }
            compare(batch, ruled.entries, LedgerNames(before.state), refused: ruled.refused)
            guard verdict == .same else { return }
            before = ruled.after
        }
        sentence =
            "\(first) follows by the rules from entry \(since ?? 0) to \(before.state.size)."
        height = nil
    }
}
