// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Ledger

/// How two histories differ where they part.
package enum DifferenceKind: String, Codable, Sendable, CaseIterable {
    /// Two ledgers: their first entries differ.
    case otherLedger
    /// Both batches are signed by T validators.
    case fork
    /// One party signed two messages that contradict each other, one in either history.
    case equivocation
    /// Bytes of one copy are missing or changed.
    case damage
    /// One history is the start of the other.
    case longer
    /// The second lacks an entry that the first has.
    case missing
    /// The second has an entry that the first lacks.
    case extra
    /// The same inputs stand in another order.
    case reordered
    /// One entry states another time.
    case otherTime
    /// A change of the validators, or who may vote, differs.
    case otherMembership
    /// After the same inputs another event is derived.
    case otherDerivation
    /// Another proposal of the batch: proposer, round or certificate of the batch before.
    case otherProposal
    /// Another input stands at this place.
    case otherInput
    /// The same history, and another state after it than a snapshot holds.
    case otherState
    /// The roots differ, and the forms of the copies do not tell which entry.
    case otherRoot
}

extension DifferenceKind {
    /// How two batches differ whose entries are equal before entry `index`; nil where they do not.
    static func of(
        _ one: ArraySlice<Event>, _ other: ArraySlice<Event>
    ) -> DifferenceKind? {
        guard let left = one.first, let right = other.first else {
            return one.isEmpty && other.isEmpty ? nil : one.isEmpty ? .extra : .missing
        }
        guard left != right else { return nil }
        if isMembership(left, in: other) || isMembership(right, in: one) {
            return .otherMembership
        }
        if left.tag == right.tag, let kind = sameTag(left, right) {
            return kind
        }
        switch (left.isDerived, right.isDerived) {
        case (true, true): return .otherDerivation
        case (false, false): return inputs(left, right, one, other)
        case (false, true): return lack(left, one: one, other: other) ? .missing : .otherDerivation
        case (true, false): return lack(right, one: other, other: one) ? .extra : .otherDerivation
        }
    }

    /// Two events of one kind.
    private static func sameTag(_ one: Event, _ other: Event) -> DifferenceKind? {
        switch (one, other) {
        case (.ledgerOpened, _): return .otherLedger
        case (.batchOpened(let one), .batchOpened(let other)):
            return one.time != other.time ? .otherTime : .otherProposal
        case (.roundOpened(let one), .roundOpened(let other)):
            let isSame = one.pinnedSet == other.pinnedSet && one.threshold == other.threshold
            return isSame ? .otherDerivation : .otherMembership
        default: break
        }
        guard !one.isDerived else { return .otherDerivation }
        return one.differsInTimeAlone(from: other) ? .otherTime : nil
    }

    /// Whether an event changes who is a validator, or what all rest on, and the other batch does
    /// not hold it.
    private static func isMembership(
        _ event: Event, in other: ArraySlice<Event>
    ) -> Bool {
        guard case .governanceApproved(let approved) = event,
            !other.contains(event)
        else { return false }
        switch approved.change {
        case .validatorJoined, .validatorLeft, .stakeChanged, .parametersChanged: return true
        case .circuitRegistered, .rootPublished, .submitterListed: return false
        }
    }

    private static func inputs(
        _ left: Event, _ right: Event, _ one: ArraySlice<Event>,
        _ other: ArraySlice<Event>
    ) -> DifferenceKind {
        let isLeftThere = other.contains(left)
        let isRightThere = one.contains(right)
        switch (isLeftThere, isRightThere) {
        case (true, true): return .reordered
        case (false, true): return .missing
        case (true, false): return .extra
        case (false, false): return .otherInput
        }
    }

    /// Whether `other`, where a derived event stands, lacks the input that stands in `one`, rather
    /// than deriving something else before it.
    private static func lack(
        _ input: Event, one: ArraySlice<Event>,
        other: ArraySlice<Event>
    ) -> Bool {
        guard !other.contains(input) else { return false }
        if case .batchSealed? = other.first { return true }
        // After the last input a batch derives what its time makes due; another input behind a
        // derived event would mean that one was derived before it.
        return !other.contains { !$0.isDerived }
    }
}

extension Event {
    /// Whether two events of one kind tell of the same but for times and the signatures on them.
    fileprivate func differsInTimeAlone(from other: Event) -> Bool {
        let times: Set = ["time", "timestamp", "deadline", "next_turn"]
        let names = zip(fields, other.fields).filter { $0 != $1 }.map(\.0.name)
        return names.contains { times.contains($0) }
            && names.allSatisfy { times.contains($0) || $0 == "signature" }
    }
}
