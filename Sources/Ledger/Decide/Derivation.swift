// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Events as they are derived, and what they have changed so far.
///
/// Invariants: `decided` holds the request of each `OutcomeDecided` in `events`, none twice; a
/// reputation is changed by `change` and `decay` alone, and stays within the parameters' bounds.
struct Derivation {
    /// The events so far, in order.
    private(set) var events: [Event] = []
    /// The entry that the first event will be.
    private let first: UInt64
    /// The reputations that the events so far have changed, as they are now.
    var reputations: [ValidatorIndex: Reputation] = [:]
    /// The votes that a list adds to rounds, with their places in them, by request.
    var listed: [EntryIndex: (place: Int, vote: RecordedVote)] = [:]
    /// Requests that were decided here.
    private(set) var decided: Set<EntryIndex> = []

    init(at size: UInt64) { first = size }

    /// The entry that the next event will be.
    var next: EntryIndex { EntryIndex(first + UInt64(events.count)) }

    /// Appends the next event.
    mutating func emit(_ event: Event) {
        if case .outcomeDecided(let outcome) = event {
            let isFirst = decided.insert(outcome.request).inserted
            invariant(isFirst, "request \(outcome.request.rawValue) is decided twice")
        }
        events.append(event)
    }
}
