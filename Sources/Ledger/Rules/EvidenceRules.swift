// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: validator, request, contradiction, an earlier conviction.
    func decide(evidence message: EvidenceMessage) throws(Refusal) -> [Event] {
        guard let validator = validatorIndices[message.validator] else { throw .unknownValidator }
        let slot: Slot
        switch message.slot {
        case .vote(let request):
            guard let entry = requestEntries[request] else { throw .unknownRequest }
            slot = .vote(entry)
        case .consensus(.vote): throw .noContradiction
        case .consensus(let position): slot = position
        }
        guard slot.isContradicted(by: message.first, message.second) else {
            throw .noContradiction
        }
        guard !convictions.contains(Conviction(validator: validator, slot: slot)) else {
            throw .alreadyConvicted
        }
        var derivation = Derivation(at: size)
        let entry = derivation.next
        derivation.emit(
            .evidenceSubmitted(
                EvidenceSubmitted(
                    validator: validator, slot: slot, first: message.first,
                    second: message.second)))
        derivation.emit(
            .equivocationFound(EquivocationFound(validator: validator, slot: slot)))
        derivation.change(
            validator, points: ReputationCause.equivocation.points, .equivocation, about: entry,
            in: self)
        return derivation.events
    }
}

extension Slot {
    /// Whether two statements contradict each other by value: approve against reject; another
    /// proposal, or the same one on another valid round; another value.
    package func isContradicted(by first: Statement, _ second: Statement) -> Bool {
        switch (self, first, second) {
        case (.vote, .vote(let one, _, _, _), .vote(let other, _, _, _)):
            return one != other && one != .abstain && other != .abstain
        case (.proposal, .consensus(let one, let valid, _), .consensus(let other, let also, _)):
            return one != other || valid != also
        case (.prevote, .consensus(let one, _, _), .consensus(let other, _, _)),
            (.precommit, .consensus(let one, _, _), .consensus(let other, _, _)):
            return one != other
        default: return false
        }
    }
}
