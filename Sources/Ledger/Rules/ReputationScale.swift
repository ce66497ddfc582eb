// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

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
        clamped(Int64(reputation.rawValue * (10_000 - scale.decay) / 10_000))
    }
}
