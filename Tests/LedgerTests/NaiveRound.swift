// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// The rules of a round written down once more, straight from the page Rules, to compare with.
///
/// It recounts everything at every step and knows nothing of the code that it judges.
struct NaiveRound {
    let count: Int
    let threshold: Int
    /// Who voted what, in order.
    let ballots: [(validator: Int, vote: Vote)]

    struct Ending: Equatable {
        var outcome: Outcome
        var reason: OutcomeReason
        /// How many ballots were in when it was decided; nil at the deadline.
        var ballots: Int?
    }

    private func number(_ vote: Vote, in first: Int) -> Int {
        ballots[..<first].filter { $0.vote == vote }.count
    }

    var ending: Ending {
        for cast in stride(from: 1, through: ballots.count, by: 1) {
            if number(.approve, in: cast) >= threshold {
                return Ending(outcome: .approved, reason: .quorumApproved, ballots: cast)
            }
            let against = number(.reject, in: cast) + number(.abstain, in: cast)
            if count - against < threshold {
                return Ending(outcome: .rejected, reason: .approvalOutOfReach, ballots: cast)
            }
        }
        return ballots.count >= threshold
            ? Ending(outcome: .rejected, reason: .deadlineWithQuorum)
            : Ending(outcome: .timedOut, reason: .deadlineWithoutQuorum)
    }

    /// The reputation of each validator after the close, in thousandths, from `start` for each.
    func reputations(from start: Int, low: Int, high: Int) -> [Int] {
        let ending = ending
        let needed = max(count - threshold, (count - 1) / 3) + 1
        let right: Vote?
        switch ending.outcome {
        case .approved: right = .approve
        case .rejected: right = number(.reject, in: ballots.count) >= needed ? .reject : nil
        case .timedOut: right = nil
        }
        return (0..<count).map { validator in
            var points: [Int] = []
            if let place = ballots.firstIndex(where: { $0.validator == validator }) {
                let vote = ballots[place].vote
                if let right, vote == right {
                    points.append(10)
                    if place < ending.ballots ?? .max { points.append(5) }
                } else if right != nil, vote != .abstain {
                    points.append(-50)
                }
            } else {
                points.append(-30)
            }
            return points.reduce(start) { min(max($0 + $1 * 1000, low), high) }
        }
    }
}

/// Plays the ballots of a round in a copy of a scenario that has the request open.
func play(_ round: NaiveRound, in open: LedgerScenario, on request: RequestID) throws
    -> LedgerScenario
{
    var scenario = open
    for ballot in round.ballots { try scenario.cast(ballot.validator, ballot.vote, on: request) }
    try scenario.seal()
    if scenario.state.openRounds.isEmpty { return scenario }
    try scenario.open(after: 30_000)
    try scenario.seal()
    return scenario
}

/// Every order of the elements.
func permutations<T>(_ elements: [T]) -> [[T]] {
    guard let first = elements.first else { return [[]] }
    return permutations(Array(elements.dropFirst())).flatMap { rest in
        (0...rest.count).map { place in
            Array(rest[..<place]) + [first] + Array(rest[place...])
        }
    }
}
