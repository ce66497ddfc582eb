// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What others ask of the state.
extension LedgerState {
    /// Whether a batch is open.
    package var isBatchOpen: Bool {
        switch phase {
        case .open, .opening: true
        case .empty, .sealed: false
        }
    }

    /// Returns the number of a key that is or was a validator.
    package func validatorIndex(of key: PublicKey) -> ValidatorIndex? { validatorIndices[key] }

    /// Returns a validator by its number.
    package func validator(_ index: ValidatorIndex) -> Validator? {
        components.validators[index]
    }

    /// Returns the name of a validator, or its number where there is none of this number.
    package func name(of index: ValidatorIndex) -> String {
        validator(index)?.name ?? "validator \(index.rawValue)"
    }

    /// Returns the number of a submitter.
    package func submitterIndex(of key: PublicKey) -> SubmitterIndex? { submitterIndices[key] }

    /// Returns the number of a circuit.
    package func circuitIndex(of id: CircuitID) -> CircuitIndex? { circuitIndices[id] }

    /// Returns a circuit by its number.
    package func circuit(_ index: CircuitIndex) -> RegisteredCircuit? {
        components.circuits[index]
    }

    /// How many messages of a sender were refused and recorded in this minute of batch time.
    package func refusals(of sender: PublicKey) -> UInt32 {
        refusals.first { $0.sender == sender }?.count ?? 0
    }

    /// Returns whether a root is published for a circuit.
    package func isPublished(_ root: Bytes32, for circuit: CircuitIndex) -> Bool {
        components.roots.hold(root, for: circuit)
    }

    /// Returns the entry that introduced a request.
    package func entry(of request: RequestID) -> EntryIndex? { requestEntries[request] }

    /// Returns the entry that introduced a job.
    package func entry(of job: JobID) -> EntryIndex? { jobEntries[job] }

    /// The requests whose rounds are not closed, in order of their entries.
    package var openRounds: [EntryIndex] { rounds.entries }

    /// Returns the round of a request while it is not closed.
    package func openRound(at entry: EntryIndex) -> Round? { rounds[entry] }

    /// Returns the identity of a request.
    package func requestID(at entry: EntryIndex) -> RequestID? {
        rounds.id(of: entry) ?? decided(at: entry)?.id
    }

    /// Returns a job while it is not closed.
    package func job(at entry: EntryIndex) -> Job? { jobs[entry] }

    /// Returns the identity of a job.
    package func jobID(at entry: EntryIndex) -> JobID? {
        jobs[entry]?.id ?? closedJob(at: entry)?.id
    }

    /// Returns the decision on a request once there is one, also while late votes are taken.
    ///
    /// Reads it from its records: costs what decoding them costs.
    package func decided(at entry: EntryIndex) -> DecidedRequest? {
        components.outcomes.decided(at: entry, components.outbox)
    }

    /// Returns a job once it is closed.
    package func closedJob(at entry: EntryIndex) -> ClosedJob? {
        components.jobs.closed(at: entry)
    }

    /// The decisions of all jobs that are closed, in the order in which they were decided.
    ///
    /// Reads the records of all jobs.
    package var closedJobs: [JobDecided] { components.jobs.closed }

    /// Returns the condition of a nullifier that some request has spent.
    package func condition(of nullifier: Bytes32) -> NullifierCondition? { nullifiers[nullifier] }

    /// The number of requests decided so far.
    package var decidedCount: Int { decisions.count }

    /// The number of nullifiers ever spent.
    package var nullifierCount: Int { nullifiers.count }

    /// The number of contradictions that convicted.
    package var convictionCount: Int { convictions.count }

    /// The most that the close of a round or job writes.
    func closeBytes(of entry: EntryIndex) -> Int {
        Limits.closeBytes(
            validators: rounds[entry]?.pinned.members.count
                ?? jobs[entry]?.assigned?.validators.count ?? 0)
    }

    /// The number of unfinished rounds, jobs and settlements.
    package var unfinishedCount: Int {
        openRounds.count + openJobs.count + pendingSettlements.count
    }

    /// The earliest deadline of an open round or an assigned job.
    package var nextDue: Time? {
        let rounds = openRounds.compactMap { self.rounds[$0]?.opened.deadline }
        let jobs = openJobs.compactMap { self.jobs[$0]?.assigned?.deadline }
        return (rounds + jobs).min()
    }
}

extension [EntryIndex] {
    /// Removes an entry from a list in order; nothing where it is absent.
    mutating func removeOrdered(_ entry: EntryIndex) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < entry { low = middle + 1 } else { high = middle }
        }
        if low < count, self[low] == entry { remove(at: low) }
    }
}
