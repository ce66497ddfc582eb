// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What each cause gives or takes, and what a day takes.
///
/// Every ledger goes by `standard`; another scale is for those who ask what would have been.
package struct ReputationScale: Equatable, Sendable {
    /// Points for a vote or result that matches the outcome.
    package var correct: Int64 = 10
    /// Points on top where it was counted at the decision.
    package var bonus: Int64 = 5
    /// Points for a vote or result that contradicts the outcome.
    package var incorrect: Int64 = -50
    /// Points for one that never came.
    package var missed: Int64 = -30
    /// Points for two messages that contradict each other.
    package var equivocation: Int64 = -50
    /// Ten-thousandths of a reputation that each UTC day takes.
    package var decay: UInt64 = 10

    /// What `decay` counts in: ten-thousandths of a whole reputation.
    static let decayUnits: UInt64 = 10_000
    /// What a point has of the thousandths that a `Reputation` counts.
    package static let thousandthsPerPoint: Int64 = 1_000

    /// That of every ledger.
    package static let standard = ReputationScale()

    /// The change in whole points that a cause brings.
    package subscript(cause: ReputationCause) -> Int64 {
        get {
            switch cause {
            case .correct: correct
            case .bonus: bonus
            case .incorrect: incorrect
            case .missed: missed
            case .equivocation: equivocation
            }
        }
        set {
            switch cause {
            case .correct: correct = newValue
            case .bonus: bonus = newValue
            case .incorrect: incorrect = newValue
            case .missed: missed = newValue
            case .equivocation: equivocation = newValue
            }
        }
    }
}

extension ReputationScale {
    /// The thousandths that a day leaves of a reputation, before bounds clamp them.
    ///
    /// - Precondition: It takes 10,000 ten-thousandths at most.
    package func decayed(_ reputation: Reputation) -> Int64 {
        let units = Self.decayUnits
        invariant(decay <= units, "a day takes \(decay) of \(units)")
        return Int64(reputation.rawValue * (units - decay) / units)
    }
}

/// Points that a cause gives or takes in every ledger.
extension ReputationCause {
    /// The change in whole points.
    package var points: Int64 { ReputationScale.standard[self] }
}

extension Parameters {
    /// One UTC day's decay: `floor(r * 9990 / 10000)`, rounded down, then clamped.
    ///
    /// - Precondition: The scale takes 10,000 ten-thousandths at most.
    package func decayed(
        _ reputation: Reputation, by scale: ReputationScale = .standard
    ) -> Reputation {
        clamped(scale.decayed(reputation))
    }

    /// The nearest reputation within the bounds.
    package func clamped(_ thousandths: Int64) -> Reputation {
        let low = Int64(reputationMin.rawValue)
        let high = Int64(reputationMax.rawValue)
        return Reputation(UInt64(min(max(thousandths, low), high)))
    }
}

// MARK: - Who was right

extension Round {
    /// Rejections from which on some honest validator must have rejected:
    /// `max(f, floor((N - 1) / 3)) + 1`, with f = N - T.
    package var provingRejections: Int {
        let count = pinned.members.count
        return max(count - threshold, (count - 1) / 3) + 1
    }

    /// Whether the outcome proves who was right: approved, or rejected with more rejections than
    /// liars could make. Counted at the close.
    func proves(_ decided: OutcomeDecided) -> Bool {
        switch decided.outcome {
        case .approved: true
        case .rejected:
            decided.reason != .nullifierSpent && tally.rejections >= provingRejections
        case .timedOut: false
        }
    }

    /// Why a validator's reputation changes at the close, in order.
    func causes(
        of vote: RecordedVote?, _ decided: OutcomeDecided, _ cause: CloseCause
    ) -> [ReputationCause] {
        guard let vote else { return cause == .deadline ? [.missed] : [] }
        guard proves(decided), vote.event.vote != .abstain else { return [] }
        let right: Vote = decided.outcome == .approved ? .approve : .reject
        guard vote.event.vote == right else { return [.incorrect] }
        // At a deadline every vote recorded is counted, those of the very batch as well.
        let wasCounted =
            decided.reason == .deadlineWithQuorum || vote.entry <= decided.deciding
        return wasCounted ? [.correct, .bonus] : [.correct]
    }
}

extension Job {
    /// Why a validator's reputation changes at the close, in order.
    func causes(of result: RecordedResult?, _ cause: CloseCause) -> [ReputationCause] {
        guard let result else { return cause == .deadline ? [.missed] : [] }
        guard let decided, decided.decision == .agreed, result.event.status.kind != .abstained
        else { return [] }
        guard result.event.status == decided.status, result.event.output == decided.output else {
            return [.incorrect]
        }
        return result.entry <= decided.deciding ? [.correct, .bonus] : [.correct]
    }
}

// MARK: - Changes

extension Derivation {
    /// The reputation of a validator behind the events so far.
    func reputation(of validator: ValidatorIndex, in state: LedgerState) -> Reputation {
        reputations[validator] ?? state.validators[Int(validator.rawValue)].reputation
    }

    /// Changes a reputation by whole points, clamped, and says so.
    mutating func change(
        _ validator: ValidatorIndex, points: Int64, _ cause: ReputationCause, about: EntryIndex,
        in state: LedgerState
    ) {
        let before = reputation(of: validator, in: state)
        let change = points * ReputationScale.thousandthsPerPoint
        let after = state.parameters.clamped(Int64(before.rawValue) + change)
        invariant(
            after <= state.parameters.reputationMax, "a reputation of \(after.rawValue), too high")
        invariant(
            change >= 0
                ? after >= min(before, state.parameters.reputationMax)
                : after <= max(before, state.parameters.reputationMin),
            "\(points) points make \(after.rawValue) of \(before.rawValue)")
        reputations[validator] = after
        emit(
            .reputationChanged(
                ReputationChanged(
                    validator: validator, cause: cause, about: about, before: before, after: after)
            ))
    }

    /// Applies one day's decay to every member, and says so.
    mutating func decay(day: UInt64, in state: LedgerState) {
        for member in state.members {
            let before = reputation(of: member, in: state)
            let after = state.parameters.decayed(before, by: state.scale)
            invariant(
                after <= max(before, state.parameters.reputationMin),
                "a day gives to a reputation of \(before.rawValue)")
            reputations[member] = after
        }
        emit(.reputationDecayed(ReputationDecayed(day: day)))
    }
}
