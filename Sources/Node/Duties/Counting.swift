// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What the ledger came to hold while a node ran, counted for whoever watches it.
package struct NodeCounts: Sendable, Equatable {
    /// What came of one validator.
    package struct OfValidator: Sendable, Equatable {
        /// Votes to approve, to reject, and abstentions.
        package var votes: [Vote: UInt64] = [:]
        /// Rounds and jobs that it was silent in.
        package var missed: UInt64 = 0
        /// Votes and results that the outcome proved wrong.
        package var incorrect: UInt64 = 0
        /// Contradictions that it was convicted of.
        package var equivocations: UInt64 = 0

        /// All counts are zero.
        package init() {}
    }

    /// The root of the log after a batch whose height is a multiple of `markHeights`.
    package struct Mark: Sendable, Equatable {
        /// The height: how many batches came before it.
        package var height: Height
        /// The first six bytes of the root, as a number: equal where ledgers are one.
        package var fingerprint: UInt64
    }

    /// Heights between two marks.
    package static let markHeights: UInt64 = 16

    /// Batches.
    package var batches: UInt64 = 0
    /// Decisions of requests.
    package var outcomes: [Outcome: UInt64] = [:]
    /// Decisions of jobs.
    package var jobs: [JobDecision: UInt64] = [:]
    /// Refused messages that the ledger recorded.
    package var refusals: UInt64 = 0
    /// By the numbers of validators; shorter than those where the last came to nothing yet.
    package var validators: [OfValidator] = []
    /// The last mark.
    package var mark: Mark?

    /// All counts are zero.
    package init() {}

    /// Adds a batch.
    package mutating func add(_ events: [Event], height: Height, root: Digest) {
        batches += 1
        if height.rawValue % Self.markHeights == 0 {
            let first = root.bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) }
            mark = Mark(height: height, fingerprint: first)
        }
        for event in events { add(event) }
    }

    private mutating func add(_ event: Event) {
        switch event {
        case .voteCast, .votesCast:
            for vote in event.casts {
                change(vote.validator) { $0.votes[vote.vote, default: 0] += 1 }
            }
        case .outcomeDecided(let decision): outcomes[decision.outcome, default: 0] += 1
        case .jobDecided(let decision): jobs[decision.decision, default: 0] += 1
        case .messageRefused: refusals += 1
        case .reputationChanged(let event):
            switch event.cause {
            case .missed: change(event.validator) { $0.missed += 1 }
            case .incorrect: change(event.validator) { $0.incorrect += 1 }
            case .equivocation: change(event.validator) { $0.equivocations += 1 }
            case .correct, .bonus: break
            }
        default: break
        }
    }

    /// Validators' numbers are those that the ledger gave, without a gap.
    private mutating func change(
        _ validator: ValidatorIndex, _ body: (inout OfValidator) -> Void
    ) {
        let place = Int(validator.rawValue)
        while validators.count <= place { validators.append(OfValidator()) }
        body(&validators[place])
    }
}

/// Counts what batches hold.
final class Counting: Duty {
    private(set) var counts = NodeCounts()

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        counts.add(batch.events, height: batch.height, root: batch.root)
    }
}
