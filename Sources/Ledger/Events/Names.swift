// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Vote {
    /// Every case.
    package static let allNamed: [Vote] = [.approve, .reject, .abstain]

    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .approve: "approve"
        case .reject: "reject"
        case .abstain: "abstain"
        }
    }
}

extension VoteReason {
    /// Every case.
    package static let allNamed: [VoteReason] = [
        .proofHolds, .proofFails, .wrongInputCount, .outOfTime, .localError, .keyUnavailable,
        .unspecified,
    ]

    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .proofHolds: "proofHolds"
        case .proofFails: "proofFails"
        case .wrongInputCount: "wrongInputCount"
        case .outOfTime: "outOfTime"
        case .localError: "localError"
        case .keyUnavailable: "keyUnavailable"
        case .unspecified: "unspecified"
        }
    }
}

extension Outcome {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .approved: "approved"
        case .rejected: "rejected"
        case .timedOut: "timedOut"
        }
    }
}

extension OutcomeReason {
    /// Every case.
    package static let allNamed: [OutcomeReason] = [
        .quorumApproved, .approvalOutOfReach, .deadlineWithQuorum, .deadlineWithoutQuorum,
        .nullifierSpent,
    ]

    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .quorumApproved: "quorumApproved"
        case .approvalOutOfReach: "approvalOutOfReach"
        case .deadlineWithQuorum: "deadlineWithQuorum"
        case .deadlineWithoutQuorum: "deadlineWithoutQuorum"
        case .nullifierSpent: "nullifierSpent"
        }
    }
}

extension SettlementResult {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .settled: "settled"
        case .failed: "failed"
        }
    }
}

extension ReputationCause {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .correct: "correct"
        case .bonus: "bonus"
        case .incorrect: "incorrect"
        case .missed: "missed"
        case .equivocation: "equivocation"
        }
    }
}

extension CloseCause {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .complete: "complete"
        case .deadline: "deadline"
        case .nullifierSpent: "nullifierSpent"
        }
    }
}

extension JobDecision {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .agreed: "agreed"
        case .disagreed: "disagreed"
        case .timedOut: "timedOut"
        }
    }
}

extension JobStatus.Kind {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .success: "success"
        case .trap: "trap"
        case .fuelExhausted: "fuelExhausted"
        case .memoryLimit: "memoryLimit"
        case .invalidModule: "invalidModule"
        case .abstained: "abstained"
        }
    }
}

extension Normalisation {
    /// What JSON calls it: the name of the case.
    package var jsonName: String {
        switch self {
        case .share: "share"
        case .raw: "raw"
        }
    }
}
