// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension LedgerState {
    /// The root of each component, in the order of `StateComponent`.
    ///
    /// Costs in proportion to the validators, submitters and unfinished work, not to the history.
    package func componentRoots() -> [Digest] {
        StateComponent.allCases.map { component in
            var writer = BorshWriter(domain: "recount/component/v1")
            writer.write(component.label)
            encode(component, to: &writer)
            return Digest(hashing: writer.bytes)
        }
    }

    private func encode(_ component: StateComponent, to writer: inout BorshWriter) {
        switch component {
        case .parameters:
            writer.write(ledger)
            writer.write(name)
            writer.write(bridge)
            writer.write(parameters)
            writer.write(nextChange)
        case .validators: encodeValidators(to: &writer)
        case .submitters: encodeSubmitters(to: &writer)
        case .circuits: encode(circuitHistory, to: &writer)
        case .roots: encode(rootHistory.history, to: &writer)
        case .rounds: rounds.encode(to: &writer)
        case .outcomes: encode(outcomeHistory.history, to: &writer)
        case .nullifiers: encode(nullifierHistory.history, to: &writer)
        case .leaders: encode(leaderHistory, to: &writer)
        case .jobs: encodeJobs(to: &writer)
        case .evidence: encode(evidenceHistory.history, to: &writer)
        case .outbox:
            encode(outboxHistory.history, to: &writer)
            writer.write(pendingSettlements)
        case .time:
            writer.write(height)
            writer.write(time)
            writer.write(previousRoot)
            writer.write(batchEntry)
            // The place of the seal, so that a sealed state has the roots that its seal names.
            writer.write(phase == .sealed ? size - 1 : size)
        }
    }

    private func encode(_ history: History, to writer: inout BorshWriter) {
        writer.write(history.count)
        writer.write(history.root)
    }

    func encodeValidators(to writer: inout BorshWriter) {
        writer.write(UInt32(validators.count))
        for validator in validators {
            writer.write(validator.key)
            writer.write(validator.name)
            writer.write(validator.stake)
            writer.write(validator.reputation)
            writer.write(UInt8(validator.isMember ? 1 : 0))
            writer.write(validator.terms)
            writer.write(optional: validator.announced)
        }
        writer.write(decayDay)
        for sealed in [sealedBefore, sealedLast] {
            writer.write(UInt32(sealed.members.count))
            for member in sealed.members {
                writer.write(member.index)
                writer.write(member.stake)
            }
            writer.write(sealed.parameters)
        }
    }

    func encodeSubmitters(to writer: inout BorshWriter) {
        writer.write(UInt32(submitters.count))
        for submitter in submitters {
            writer.write(submitter.key)
            writer.write(submitter.name)
            writer.write(submitter.quota)
            writer.write(submitter.undecided)
        }
        writer.write(refusalMinute)
        writer.write(UInt32(refusals.count))
        for refusal in refusals {
            writer.write(refusal.sender)
            writer.write(refusal.count)
        }
    }

    private func encodeJobs(to writer: inout BorshWriter) {
        encode(jobHistory.history, to: &writer)
        writer.write(UInt32(openJobs.count))
        for case let job? in openJobs.map({ jobs[$0] }) {
            writer.write(job.entry)
            writer.write(job.id)
            writer.write(job.submitted.signature)
            writer.write(optional: job.assigned)
            writer.write(job.results)
            writer.write(optional: job.decided)
        }
    }
}

extension Round {
    /// Encodes what the state root says of the round.
    func encodeState(to writer: inout BorshWriter) {
        writer.write(entry)
        writer.write(id)
        writer.write(request.signature)
        writer.write(opened)
        writer.write(settlementMilliseconds)
        writer.write(votes)
        writer.write(optional: decided)
    }
}
