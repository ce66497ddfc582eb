// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// What a copy says of the state at a place of its log.
private struct PlacedState {
    /// The roots of the components: those that a snapshot's contents have, or that a seal names.
    let roots: [Digest]
    /// What is wrong with a snapshot's contents; nil for nothing.
    let flaw: String?
    /// The state, where the form of the copy gives one.
    let state: () throws -> LedgerState?

    /// What a copy says of the state at a size; nil where it says nothing.
    static func of(_ copy: HistoryCopy, at size: UInt64) throws(CopyError) -> PlacedState? {
        if let path = copy.snapshotPath {
            guard copy.head.size == size else { return nil }
            do throws(SnapshotFlaw) { return try read(path, copy.disk) } catch {
                throw .snapshot(path: path, error)
            }
        }
        guard size > 0, size <= copy.head.size,
            case .batchSealed(let seal)? = try copy.entry(at: size - 1)?.event
        else { return nil }
        let (log, disk) = (copy.log, copy.disk)
        return PlacedState(roots: seal.components, flaw: nil) {
            try log.map { try StateBefore($0, at: size, disk: disk).state }
        }
    }

    /// Reads all of a snapshot, and computes every root.
    private static func read(
        _ path: String, _ disk: any Disk
    ) throws(SnapshotFlaw) -> PlacedState {
        let (header, snapshot) = try SnapshotStore.unverified(at: path, disk: disk)
        var state = try state(snapshot)
        var flaw: String?
        do throws(SnapshotError) {
            try state.verify(
                trees: snapshot.records.map { $0.frontier() }, components: header.components)
        } catch {
            flaw = "\(error)"
        }
        let found = state
        return PlacedState(roots: found.componentRoots(), flaw: flaw) { found }
    }

    private static func state(_ snapshot: StateSnapshot) throws(SnapshotFlaw) -> LedgerState {
        do throws(SnapshotError) { return try LedgerState(unverified: snapshot) } catch {
            throw .state(error)
        }
    }
}

extension HistoryComparison {
    /// Holds a snapshot against the state that the other copy has at its place: components and
    /// keys. Of a ledger that state is folded only where a component differs.
    mutating func compareStates(_ one: HistoryCopy, _ other: HistoryCopy) throws(CopyError) {
        guard let snapshot = [one, other].first(where: { $0.form == .snapshot }) else { return }
        let size = snapshot.head.size
        guard let here = try PlacedState.of(one, at: size),
            let there = try PlacedState.of(other, at: size)
        else { return }
        components = Self.different(here.roots, there.roots)
        let isSameLog = kind == nil || kind == .longer
        if !components.isEmpty, isSameLog {
            kind = .otherState
            let labels = components.map(\.component)
            sentence =
                "\(first) and \(second) have the same first \(size) entries, and another state"
                + " after them: \(labels.listed) differ\(labels.count == 1 ? "s" : "")."
        } else if isSameLog {
            sentence += " The state after the first \(size) entries is the same."
        }
        for (name, flaw) in [(first, here.flaw), (second, there.flaw)] {
            guard let flaw else { continue }
            if isSameLog { kind = .damage }
            sentence += " \(name) is damaged: \(flaw)."
        }
        if !components.isEmpty { tellKeys(here, there) }
    }

    private mutating func tellKeys(_ one: PlacedState, _ other: PlacedState) {
        let parts = StateComponent.allCases.filter { part in
            components.contains { $0.component == part.label }
        }
        do {
            guard let here = try one.state(), let there = try other.state() else {
                unjudged.append("which keys differ: one of both copies tells no state")
                return
            }
            let different = StateKeys.different(here, there, of: parts)
            keyCount = different.count
            keys = Array(different.prefix(Self.keysMax))
        } catch {
            unjudged.append("which keys differ: the ledger cannot be folded: \(error)")
        }
    }
}
