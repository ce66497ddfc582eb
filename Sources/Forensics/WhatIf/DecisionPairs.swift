// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// A request with what became of it under both rules.
package struct DecisionPair: Encodable, Equatable, Sendable {
    /// The entry that introduced it, or that recorded its refusal.
    package let entry: UInt64
    /// Its identity, in hexadecimal.
    package let request: String
    /// Under the ledger's own rules.
    package let own: RunDecision
    /// Under the assumed ones.
    package let assumed: RunDecision
}

/// How many requests ended so.
package struct OutcomeCounts: Encodable, Equatable, Sendable {
    /// Approved.
    package var approved: UInt64 = 0
    /// Rejected.
    package var rejected: UInt64 = 0
    /// Timed out.
    package var timedOut: UInt64 = 0
    /// Not decided at the end of the log.
    package var open: UInt64 = 0
    /// Not admitted, so that no round was opened.
    package var refused: UInt64 = 0

    mutating func count(_ decision: RunDecision) {
        switch Outcome(jsonName: decision.outcome) {
        case .approved?: approved += 1
        case .rejected?: rejected += 1
        case .timedOut?: timedOut += 1
        case nil:
            if decision.outcome == RunDecision.open { open += 1 } else { refused += 1 }
        }
    }
}

/// How many decisions so many votes would have turned.
package struct FlipCount: Encodable, Equatable, Sendable {
    /// The fewest votes.
    package let votes: Int
    /// Decisions under the ledger's own rules.
    package var own: UInt64
    /// Decisions under the assumed ones.
    package var assumed: UInt64
}

/// Brings what became of each request under both rules together, as it becomes known.
struct DecisionPairs {
    /// Pairs with different outcomes, the first so many.
    private(set) var flips: [DecisionPair] = []
    /// How many there are.
    private(set) var flipCount: UInt64 = 0
    /// Pairs that the fewest votes would have turned, the nearest so many.
    private(set) var nearest: [DecisionPair] = []
    /// Pairs whose first in rank is another one.
    private(set) var leadersMoved: UInt64 = 0
    private(set) var own = OutcomeCounts()
    private(set) var assumed = OutcomeCounts()
    private(set) var byVotes: [FlipCount] = []

    private let keptMax: Int
    private var ownWaiting: [RequestID: (entry: UInt64, decision: RunDecision)] = [:]
    private var assumedWaiting: [RequestID: RunDecision] = [:]
    /// What the log refused and the other rules admit.
    private var admitted: [(id: RequestID, entry: UInt64, refusal: Refusal)] = []

    init(keptMax: Int) { self.keptMax = keptMax }

    /// Takes in a request that the log records as refused, and that the other rules admit.
    mutating func addAdmitted(_ id: RequestID, _ entry: UInt64, _ refusal: Refusal) {
        admitted.append((id, entry, refusal))
    }

    /// Brings together what is left at the end of the log.
    mutating func finish() {
        for (id, entry, refusal) in admitted {
            guard let other = assumedWaiting.removeValue(forKey: id) else { continue }
            add(
                DecisionPair(
                    entry: entry, request: id.hex, own: RunDecision(refused: refusal.jsonName),
                    assumed: other))
        }
        for (id, own) in ownWaiting.sorted(by: { $0.value.entry < $1.value.entry }) {
            add(
                DecisionPair(
                    entry: own.entry, request: id.hex, own: own.decision,
                    assumed: RunDecision(refused: "ledgerEnded")))
        }
        ownWaiting = [:]
        Self.cut(&flips, to: keptMax, Self.isEarlier)
        Self.cut(&nearest, to: keptMax, Self.isNearer)
    }

    mutating func addOwn(_ id: RequestID, _ entry: UInt64, _ decision: RunDecision) {
        guard let other = assumedWaiting.removeValue(forKey: id) else {
            ownWaiting[id] = (entry, decision)
            return
        }
        add(DecisionPair(entry: entry, request: id.hex, own: decision, assumed: other))
    }

    mutating func addAssumed(_ id: RequestID, _ decision: RunDecision) {
        guard let (entry, own) = ownWaiting.removeValue(forKey: id) else {
            assumedWaiting[id] = decision
            return
        }
        add(DecisionPair(entry: entry, request: id.hex, own: own, assumed: decision))
    }

    private mutating func add(_ pair: DecisionPair) {
        own.count(pair.own)
        assumed.count(pair.assumed)
        count(pair.own, \.own)
        count(pair.assumed, \.assumed)
        if let one = pair.own.leader, let other = pair.assumed.leader, one != other {
            leadersMoved += 1
        }
        if !pair.own.isLike(pair.assumed) {
            flipCount += 1
            Self.keep(pair, in: &flips, max: keptMax, Self.isEarlier)
        }
        guard pair.own.votesToFlip != nil else { return }
        Self.keep(pair, in: &nearest, max: keptMax, Self.isNearer)
    }

    private mutating func count(
        _ decision: RunDecision, _ side: WritableKeyPath<FlipCount, UInt64>
    ) {
        guard let votes = decision.votesToFlip else { return }
        let place = byVotes.firstIndex { $0.votes >= votes } ?? byVotes.count
        if place == byVotes.count || byVotes[place].votes != votes {
            byVotes.insert(FlipCount(votes: votes, own: 0, assumed: 0), at: place)
        }
        byVotes[place][keyPath: side] += 1
    }

    /// Adds a pair to a list of which the first so many count; it is in order once it is cut.
    private static func keep(
        _ pair: DecisionPair, in list: inout [DecisionPair], max bound: Int,
        _ isBefore: (DecisionPair, DecisionPair) -> Bool
    ) {
        list.append(pair)
        if list.count >= 2 * bound { cut(&list, to: bound, isBefore) }
    }

    private static func cut(
        _ list: inout [DecisionPair], to bound: Int,
        _ isBefore: (DecisionPair, DecisionPair) -> Bool
    ) {
        list.sort(by: isBefore)
        if list.count > bound { list.removeLast(list.count - bound) }
    }

    private static func isEarlier(_ one: DecisionPair, _ other: DecisionPair) -> Bool {
        one.entry < other.entry
    }

    private static func isNearer(_ one: DecisionPair, _ other: DecisionPair) -> Bool {
        (one.own.votesToFlip ?? .max, one.entry) < (other.own.votesToFlip ?? .max, other.entry)
    }
}
