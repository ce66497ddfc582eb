// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Everything that the rules know: a pure fold over the entries of the log.
///
/// `decide` says which events a command gives, `apply` takes the next event in. Neither reads
/// anything but the state and its argument.
///
/// Invariants: those of each component, in its file; and what `checkReferences` says of them
/// together.
package struct LedgerState: Sendable {
    var components = Components()

    /// Nothing applied.
    package init() {}
}

// MARK: - The next entry

extension LedgerState {
    /// Takes in the next entry of the log.
    ///
    /// Costs O(1) but for lists of unfinished work. Checks only what keeps the state sound, in any
    /// log: whether an event is what the rules derive is for `decide` to say.
    /// - Parameter taken: Entry `size` of the log. Nothing of it is encoded again.
    package mutating func apply(_ taken: Entry) throws(FoldError) {
        try components.time.enter(taken.event, byteCount: taken.byteCount)
        let entry = EntryIndex(size)
        switch taken.event {
        case .ledgerOpened(let event): try applyOpened(event, taken)
        case .batchOpened(let event): try applyBatch(event, entry)
        case .requestSubmitted(let event): components.rounds.submit(event, entry)
        case .voteCast(let event): try components.rounds.record(event, entry, isListed: false)
        case .votesCast(let event): try components.rounds.record(event, entry)
        case .jobSubmitted(let event): try applyJob(event, entry)
        case .resultReported(let event): try components.jobs.record(event, entry)
        case .settlementReported(let event):
            try components.outbox.report(event, taken, &components.outcomes)
        case .governanceApproved(let event): try applyChange(event)
        case .messageRefused(let event):
            components.submitters.countRefusal(of: event.message.sender)
        case .validatorAnnounced(let event): try components.validators.announce(event, at: time)
        case .roundOpened(let event): try applyRound(event)
        case .outcomeDecided(let event): try applyOutcome(event)
        case .nullifierSpent(let event): components.nullifiers.change(event, isSpent: true, taken)
        case .nullifierReleased(let event):
            components.nullifiers.change(event, isSpent: false, taken)
        case .settlementOrdered(let event):
            try components.outbox.order(event, taken, &components.outcomes)
        case .reputationChanged(let event): try components.validators.change(event)
        case .reputationDecayed(let event):
            try components.validators.decay(event, at: time, components.parameters)
        case .equivocationFound(let event): components.evidence.convict(event, taken)
        case .evidenceSubmitted, .disagreementRecorded: break
        case .roundClosed(let event): try applyClose(event)
        case .jobAssigned(let event):
            try components.jobs.assign(event, components.validators)
            components.leaders.record(event)
        case .jobDecided(let event):
            components.submitters.decide(try components.jobs.decide(event, taken))
        case .batchSealed:
            components.time.checkPlaces()
            components.time.seal()
            components.rounds.seal()
        }
        components.time.leave()
    }

    // MARK: Events of several components

    private mutating func applyOpened(_ event: LedgerOpened, _ taken: Entry) throws(FoldError) {
        do throws(Refusal) { _ = try openLedger(event) } catch {
            throw .refused(kind: .ledgerOpened, error)
        }
        components.parameters.open(event, as: LedgerID(Digest(hashing: taken.bytes)))
        components.validators.open(event, at: height)
        for submitter in event.submitters {
            components.submitters.list(submitter.key, submitter.name, quota: submitter.quota)
        }
        for genesis in event.circuits {
            let index = register(genesis.circuit)
            for root in genesis.roots { try components.roots.publish(root, for: index) }
        }
        checkMembership()
        components.time.open(event)
    }

    private mutating func register(_ circuit: Circuit) -> CircuitIndex {
        components.roots.addCircuit()
        let index = components.circuits.register(circuit)
        invariant(
            components.roots.published.count == circuits.count,
            "\(components.roots.published.count) sets of roots of \(circuits.count) circuits")
        return index
    }

    /// What the opening, and every change of members or parameters, leaves behind.
    private func checkMembership() {
        invariant(
            parameters.fault(members: members.count) == nil,
            "T of \(parameters.threshold) with \(members.count) members")
    }

    mutating func applyBatch(_ event: BatchOpened, _ entry: EntryIndex) throws(FoldError) {
        try components.time.openBatch(event, entry)
        components.validators.openBatch(parameters)
        components.submitters.openBatch(at: event.time)
        components.leaders.record(event)
    }

    mutating func applyChange(_ event: GovernanceApproved) throws(FoldError) {
        try components.parameters.check(numberOf: event)
        do throws(Refusal) { try check(event.change) } catch {
            throw .refused(kind: .governanceApproved, error)
        }
        components.parameters.countChange()
        switch event.change {
        case .validatorJoined(let key, let name, let stake):
            components.validators.join(key, name, stake, at: height)
            checkMembership()
        case .validatorLeft(let key):
            try components.validators.leave(key, at: height)
            checkMembership()
        case .stakeChanged(let key, let stake):
            try components.validators.change(stakeOf: key, to: stake)
        case .parametersChanged(let parameters):
            components.parameters.change(to: parameters)
            checkMembership()
        case .circuitRegistered(let circuit): _ = register(circuit)
        case .rootPublished(let circuit, let root):
            try components.roots.publish(root, for: circuit)
        case .submitterListed(let key, let name, let quota):
            components.submitters.list(key, name, quota: quota)
        }
    }

    private mutating func applyRound(_ event: RoundOpened) throws(FoldError) {
        let request = try components.rounds.takeRequest(of: event)
        guard components.submitters.holds(request.submitter) else {
            throw .unknown(
                kind: .requestSubmitted, field: "submitter",
                value: UInt64(request.submitter.rawValue))
        }
        guard let message = requestMessage(of: request) else {
            throw .unknown(
                kind: .requestSubmitted, field: "circuit",
                value: UInt64(request.circuit.rawValue))
        }
        guard event.threshold == parameters.threshold else {
            throw .contradicts(kind: .roundOpened, field: "threshold")
        }
        components.rounds.open(
            Round(
                entry: event.request, id: message.id(in: ledger), request: request,
                pinned: components.validators.pinnedSet, opened: event,
                settlementMilliseconds: parameters.settlementMilliseconds))
        components.submitters.begin(request.submitter)
        components.leaders.record(event)
    }

    private mutating func applyOutcome(_ event: OutcomeDecided) throws(FoldError) {
        let round = try components.rounds.decide(event)
        components.time.countDecision(of: round)
        components.submitters.decide(round.request.submitter)
        components.outcomes.decide(event, of: round)
    }

    private mutating func applyJob(_ event: JobSubmitted, _ entry: EntryIndex) throws(FoldError) {
        guard components.submitters.holds(event.submitter) else {
            throw .unknown(
                kind: .jobSubmitted, field: "submitter", value: UInt64(event.submitter.rawValue))
        }
        components.jobs.submit(event, as: jobMessage(of: event).id(in: ledger), entry)
        components.submitters.begin(event.submitter)
    }

    /// Closes a round or a job.
    private mutating func applyClose(_ event: RoundClosed) throws(FoldError) {
        components.time.count(event, bytes: closeBytes(of: event.about))
        if try components.jobs.close(event) { return }
        let round = try components.rounds.close(event)
        components.outcomes.close(event, of: round)
    }

    /// A batch is sealed of which only openings and changes were taken in; see `PartyRoll`.
    mutating func sealUnfollowed() { components.time.seal() }

    // MARK: Other rules

    /// Goes on under other rules than the ledger's own, as if some had never been validators.
    ///
    /// For those who ask what would have been: what is derived from here on is nobody's ledger. The
    /// parameters need not be safe, but must leave somebody to vote.
    /// - Precondition: The last batch is sealed, and the scale takes a whole reputation a day at
    ///   most.
    package mutating func assume(
        _ parameters: Parameters, _ scale: ReputationScale, without absent: [ValidatorIndex]
    ) {
        invariant(phase == .sealed, "other rules within a batch")
        components.parameters.assume(parameters, scale)
        components.validators.assume(without: absent, parameters, at: height)
    }
}

// MARK: - Roots and soundness

extension LedgerState {
    /// The root of each component, in the order of `StateComponent`.
    ///
    /// Costs in proportion to the validators, submitters and unfinished work, not to the history.
    package func componentRoots() -> [Digest] {
        let all = components.all
        invariant(
            all.elementsEqual(StateComponent.allCases) { type(of: $0).kind == $1 },
            "the components are not in their order")
        return all.map(\.root)
    }

    /// Whether parameters, stakes, reputations, counts and places are such as the rules admit.
    ///
    /// Holds of every state that the rules give, so that they may be run on one from outside. The
    /// state of a snapshot was signed by T validators; that of evidence, or of a case, by nobody:
    /// whoever writes one can give it the right roots. Sums and products over it must not overflow.
    package var isWithinBounds: Bool {
        components.time.isWithinBounds && components.parameters.isWithinBounds
            && components.validators.isWithinBounds(parameters, at: time)
            && components.circuits.isWithinBounds
            && components.rounds.isWithinBounds(size: size)
            && components.jobs.isWithinBounds(size: size)
            && components.outbox.isWithinBounds(size: size)
            && components.submitters.isWithinBounds(
                owners: components.rounds.owners + components.jobs.owners, at: time)
    }

    /// Whatever a component names must be there, so that later events and rules find it.
    func checkReferences() throws(SnapshotError) {
        try components.rounds.checkReferences(components.outcomes, components.validators)
        try components.jobs.checkReferences(components.validators)
        try components.outbox.checkReferences(components.outcomes)
    }
}
