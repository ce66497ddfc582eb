// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

extension DecidedBatch {
    /// The components on whose records a divergence rests: on one that is there, or is absent.
    ///
    /// All else of the state is in its fixed part, to which the seal binds it. A divergence that
    /// rests on no records, or on those of components that are shown whole, is one whatever else
    /// an excerpt leaves out or makes up: where the entries before it would not follow from the
    /// whole state, the batch is refuted by these.
    package func grounds(of divergence: Divergence, on state: LedgerState) -> [StateComponent] {
        let events = events
        switch divergence {
        case .component, .history: return []
        case .input(_, let entry, _, let refusal):
            let place = Self.place(of: entry, on: state, events)
            return place < events.count ? events[place].grounds(refusal, on: state) : []
        case .entry(_, let entry, let decided, let derived):
            let place = Self.place(of: entry, on: state, events)
            // Another reason for a refusal.
            if place < events.count, case .messageRefused(let refused) = events[place],
                decided == derived
            {
                return refused.message.grounds
            }
            // What a failed payment releases stands in the record of its request.
            let input = events.prefix(place).last { !$0.isDerived }
            if case .settlementReported? = input { return [.outcomes] }
            return []
        }
    }

    private static func place(
        of entry: EntryIndex, on state: LedgerState, _ events: [Event]
    ) -> Int {
        guard entry.rawValue >= state.size else { return events.count }
        return Int(min(entry.rawValue - state.size, UInt64(events.count)))
    }
}

extension Event {
    /// The components whose records the rules ask before they refuse this input.
    ///
    /// - Parameter refusal: Nil where it is not signed.
    fileprivate func grounds(_ refusal: Refusal?, on state: LedgerState) -> [StateComponent] {
        switch self {
        case .requestSubmitted:
            switch refusal {
            case .alreadyRecorded: [.outcomes]
            case .unknownRoot: [.roots]
            case .nullifierSpent: [.nullifiers]
            default: []
            }
        case .jobSubmitted: refusal == .alreadyRecorded ? [.jobs] : []
        case .voteCast, .votesCast:
            casts.allSatisfy { vote in
                vote.request.rawValue >= state.size || state.openRound(at: vote.request) != nil
            } ? [] : [.outcomes]
        case .resultReported(let result):
            result.job.rawValue >= state.size || state.job(at: result.job) != nil ? [] : [.jobs]
        case .settlementReported: [.outcomes, .outbox]
        case .evidenceSubmitted: [.outcomes, .jobs, .evidence, .outbox]
        case .governanceApproved(let approved): approved.change.grounds
        case .messageRefused(let refused): refused.message.grounds
        default: []
        }
    }
}

extension Message {
    /// The components whose records the rules ask before they take this message or refuse it.
    fileprivate var grounds: [StateComponent] {
        switch self {
        case .request: [.roots, .outcomes, .nullifiers]
        case .vote, .votes: [.outcomes]
        case .job, .result: [.jobs]
        case .settlement: [.outcomes, .outbox]
        case .evidence: [.outcomes, .jobs, .evidence, .outbox]
        case .governance(let message): message.change.grounds
        case .announcement: []
        }
    }
}

extension Change {
    fileprivate var grounds: [StateComponent] {
        if case .rootPublished = self { [.roots] } else { [] }
    }
}
