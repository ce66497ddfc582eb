// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// Whether honest validators keep their reputation.
///
/// A vote of an honest validator is never found wrong and never convicts it. A missing vote is its
/// own only where it was down, silent or cut off, or where too few were up to order anything.
package struct FairnessChecker {
    /// When each request entered the ledger, and each job was assigned: when their batch was
    /// proposed, for what kept it from being decided kept everybody from answering in time.
    private var opened: [EntryIndex: Moment] = [:]
    /// The shortest time in which operators are held to answer a job, in ms.
    private static let jobMilliseconds = Parameters.standard.jobMillisecondsMin

    /// Nothing is open yet.
    package init() {}

    /// Looks at a batch; `isDisturbed` says whether something was wrong around a node since then.
    package mutating func look(
        at events: [Event], height: UInt64, moment: Moment, isHonest: (ValidatorIndex) -> Bool,
        isDisturbed: (ValidatorIndex, Moment) -> Bool
    ) -> [Violation] {
        var found: [Violation] = []
        var time = Time(0)
        var proposed = moment
        for event in events {
            switch event {
            case .batchOpened(let opening):
                time = opening.time
                proposed = min(moment, MachineClock.moment(of: time))
            case .roundOpened(let round): opened[round.request] = proposed
            case .jobAssigned(let job)
            where job.deadline >= time.adding(milliseconds: Self.jobMilliseconds):
                opened[job.job] = proposed
            case .roundClosed(let closed): opened[closed.about] = nil
            case .reputationChanged(let change) where isHonest(change.validator):
                let isUnfair: Bool
                switch change.cause {
                case .correct, .bonus: isUnfair = false
                case .incorrect, .equivocation: isUnfair = true
                case .missed:
                    // A job with less time than any may have has no entry.
                    isUnfair =
                        opened[change.about].map { !isDisturbed(change.validator, $0) }
                        ?? false
                }
                guard isUnfair else { continue }
                found.append(
                    Violation(
                        .fairness, node: Int(change.validator.rawValue), height: height,
                        "an honest validator loses reputation: \(change.cause), about entry"
                            + " \(change.about.rawValue)"))
            default: break
            }
        }
        return found
    }
}
