// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Two votes of one validator on a request that contradict each other.
struct Contradiction: Sendable {
    let request: RequestID
    let validator: ValidatorIndex
    let first: SignedVote
    let second: SignedVote
    /// When the second came.
    let since: UInt64
}

/// Contradictions on requests that the ledger does not hold yet: for a while, and of each validator
/// so many, so that one who lies without end keeps out nothing of the others.
///
/// Invariants: `counts[v]` is the number of pairs of v, so that `counts[v] >= 0`; no list in
/// `pairs` is empty, and each pair has its arrival: `pairs.count <= count <= arrivals.count`.
struct Contradictions: Sendable {
    private var pairs: [RequestID: [Contradiction]] = [:]
    private var counts: [ValidatorIndex: Int] = [:]
    private var arrivals = Line<(request: RequestID, validator: ValidatorIndex, since: UInt64)>()

    /// How many are kept.
    var count: Int { counts.values.reduce(0, +) }

    /// Keeps one, where its validator has room, and none on this request yet.
    mutating func add(_ pair: Contradiction) {
        guard counts[pair.validator, default: 0] < ReplicationLimits.contradictionsPerValidatorMax,
            pairs[pair.request]?.contains(where: { $0.validator == pair.validator }) != true
        else { return }
        invariant(
            pair.first.contradicts(pair.second),
            "two votes of \(pair.validator.rawValue) that agree are held against it")
        invariant(
            pair.first.vote.request == pair.request && pair.second.vote.request == pair.request,
            "two votes of \(pair.validator.rawValue) on two requests are held against it")
        counts[pair.validator, default: 0] += 1
        pairs[pair.request, default: []].append(pair)
        arrivals.append((pair.request, pair.validator, pair.since))
        checkCounts(of: pair.validator)
    }

    private mutating func countOut(_ validator: ValidatorIndex) {
        counts[validator, default: 0] -= 1
        checkCounts(of: validator)
    }

    /// Stops the process where the counts are not those of the pairs.
    private func checkCounts(of validator: ValidatorIndex) {
        let own = counts[validator, default: 0]
        invariant(own >= 0, "\(own) contradictions of \(validator.rawValue)")
        invariant(
            pairs.count <= arrivals.count,
            "\(pairs.count) contradictions to be forgotten by \(arrivals.count) arrivals")
    }

    /// Takes out those on a request, in the order of the validators.
    mutating func pop(on request: RequestID) -> [Contradiction] {
        guard let found = pairs.removeValue(forKey: request) else { return [] }
        invariant(!found.isEmpty, "a request is kept without a contradiction")
        for pair in found { countOut(pair.validator) }
        return found.sorted { $0.validator < $1.validator }
    }

    /// Forgets those that came before a time.
    mutating func forget(before uptime: UInt64) {
        while let first = arrivals.first, first.since < uptime {
            _ = arrivals.popFirst()
            guard
                let place = pairs[first.request]?.firstIndex(where: {
                    $0.validator == first.validator && $0.since == first.since
                })
            else { continue }
            pairs[first.request]?.remove(at: place)
            if pairs[first.request]?.isEmpty == true { pairs[first.request] = nil }
            countOut(first.validator)
        }
    }
}
