// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: whose it is (a validator, or the bridge); the request or job; that its
    /// author had a word on it (pinned, assigned, ordered, a member of that height); that the two
    /// contradict each other; an earlier conviction.
    ///
    /// Heights are those that were decided and the one in progress. A height convicts once of each
    /// kind, whatever the rounds; a request and a job once; checkpoints once for ever. So a key can
    /// convict itself only as often as it had something to say.
    func decide(evidence message: EvidenceMessage) throws(Refusal) -> [Event] {
        let (author, slot) = try matter(of: message)
        guard slot.isContradicted(by: message.first, message.second) else {
            throw .noContradiction
        }
        guard !convictions.contains(Conviction(validator: author, slot: slot)) else {
            throw .alreadyConvicted
        }
        var derivation = Derivation(at: size)
        let entry = derivation.next
        derivation.emit(.evidenceSubmitted(message.naming(validator: author, slot: slot)))
        derivation.emit(.equivocationFound(EquivocationFound(validator: author, slot: slot)))
        if author != .bridge {
            derivation.change(
                author, points: scale[.equivocation], .equivocation, about: entry,
                in: self)
        }
        return derivation.events
    }

    /// Who is accused, and what of.
    private func matter(of message: EvidenceMessage) throws(Refusal) -> (ValidatorIndex, Slot) {
        if case .settlement(let request) = message.slot {
            guard message.validator == bridge else { throw .notTheBridge }
            guard let entry = requestEntries[request] else { throw .unknownRequest }
            guard decisions[entry]?.order != nil else { throw .notOrdered }
            return (.bridge, .settlement(entry))
        }
        guard let validator = validatorIndices[message.validator] else { throw .unknownValidator }
        switch message.slot {
        case .vote(let request):
            guard let entry = requestEntries[request] else { throw .unknownRequest }
            guard isPinned(validator, at: entry) else { throw .notPinned }
            return (validator, .vote(entry))
        case .result(let job):
            guard let entry = jobEntries[job] else { throw .unknownJob }
            guard isAssigned(validator, at: entry) else { throw .notAssigned }
            return (validator, .result(entry))
        case .consensus(let slot):
            switch slot {
            case .proposal(let height, _), .prevote(let height, _), .precommit(let height, _),
                .amnesia(let height, _, _):
                guard orders(validator, height) else { throw .notMember }
            case .checkpoint: break
            case .vote, .result, .settlement: throw .noContradiction
            }
            return (validator, slot)
        case .settlement: throw .notTheBridge
        }
    }

    private func isPinned(_ validator: ValidatorIndex, at request: EntryIndex) -> Bool {
        if let round = rounds[request] { return round.pinned.position(of: validator) != nil }
        return decided(at: request)?.validators.contains(validator) ?? false
    }

    private func isAssigned(_ validator: ValidatorIndex, at job: EntryIndex) -> Bool {
        if let job = jobs[job] { return job.assigned?.validators.contains(validator) ?? false }
        return closedJob(at: job)?.validators.contains(validator) ?? false
    }

    /// Batches from the one that seals a set of members to the first that they order.
    private static let orderLagBatches: UInt64 = 2

    /// Whether a validator has a voice in the order of a height: one that was decided, or the one
    /// in progress.
    ///
    /// Those who order height h are the members that batch h - 2 sealed, and those of batch 0
    /// order the first two.
    package func orders(_ validator: ValidatorIndex, _ height: Height) -> Bool {
        let next = isBatchOpen ? self.height.rawValue : self.height.rawValue + 1
        guard height.rawValue >= 1, height.rawValue <= next else { return false }
        let sealed = Height(height.rawValue - min(Self.orderLagBatches, height.rawValue))
        return self.validator(validator)?.terms.contains { $0.holds(at: sealed) } ?? false
    }
}

extension Slot {
    /// Whether two statements contradict each other.
    ///
    /// - vote: approve against reject;
    /// - result: another status or output, neither of them an abstention; results that differ in
    ///   fuel alone are equal, as they are where two decide a job;
    /// - proposal: another value, or the same one on another valid round;
    /// - prevote, precommit: another value, nil among them, whatever the grounds;
    /// - amnesia: the precommit of a value, and the later prevote of another value, on a ground
    ///   before the round of the precommit;
    /// - checkpoint: another root;
    /// - settlement: settled against failed.
    package func isContradicted(by first: Statement, _ second: Statement) -> Bool {
        if case .vote = self, let one = first.vote, let other = second.vote {
            return one != other && one != .abstain && other != .abstain
        }
        switch (self, first, second) {
        case (.result, .result(let one, let output, _, _), .result(let other, let also, _, _)):
            let isSame = one == other && output == also
            return !isSame && one.kind != .abstained && other.kind != .abstained
        case (.proposal, .consensus(let one, let valid, _), .consensus(let other, let also, _)):
            return one != other || valid != also
        case (.prevote, .consensus(let one, _, _), .consensus(let other, _, _)),
            (.precommit, .consensus(let one, _, _), .consensus(let other, _, _)):
            return one != other
        case (
            .amnesia(_, let precommit, let prevote), .consensus(let locked?, _, _),
            .consensus(let other?, let ground, _)
        ):
            return precommit < prevote && locked != other && ground < Int64(precommit)
        case (.checkpoint, .checkpoint(let one, _, _), .checkpoint(let other, _, _)):
            return one != other
        case (.settlement, .settlement(let one, _, _), .settlement(let other, _, _)):
            return one != other
        default: return false
        }
    }
}

extension Conviction {
    /// What convicts once: the slot without its round, without its size.
    init(validator: ValidatorIndex, slot: Slot) {
        self.validator = validator
        switch slot {
        case .vote(let request): (kind, about) = (0, request.rawValue)
        case .proposal(let height, _): (kind, about) = (1, height.rawValue)
        case .prevote(let height, _): (kind, about) = (2, height.rawValue)
        case .precommit(let height, _): (kind, about) = (3, height.rawValue)
        case .result(let job): (kind, about) = (4, job.rawValue)
        case .amnesia(let height, _, _): (kind, about) = (5, height.rawValue)
        case .checkpoint: (kind, about) = (6, 0)
        case .settlement(let request): (kind, about) = (7, request.rawValue)
        }
    }
}

extension ValidatorIndex {
    /// Stands for the bridge where evidence convicts it: no validator has this number.
    package static let bridge = ValidatorIndex(UInt16.max)
}
