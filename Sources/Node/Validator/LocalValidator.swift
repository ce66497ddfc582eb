// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
package import Cryptography
package import EventLog
internal import Groth16
package import Hosting
package import Ledger
internal import Synchronization

/// What a validator is asked to judge.
package struct Question: Sendable {
    /// The entry that introduced the request.
    package let entry: EntryIndex
    /// Its identity.
    package let id: RequestID
    /// The circuit.
    package let circuit: CircuitIndex
    /// The proof in its compressed form.
    package let proof: [UInt8]
    /// The public inputs, as little-endian field elements.
    package let publicInputs: [Bytes32]

    /// Takes what an open round says.
    package init(_ round: Round) {
        entry = round.entry
        id = round.id
        circuit = round.request.circuit
        proof = round.request.proof
        publicInputs = round.request.publicInputs
    }
}

/// A validator that runs in this process: its own key, journal and prepared verifying keys.
package final class LocalValidator: Sendable {
    /// What people call it.
    package let name: String
    /// Its number in the ledger.
    package let index: ValidatorIndex
    /// How it behaves.
    package let behaviour: Behaviour

    private let key: SigningKey
    private let ledger: LedgerID
    private let circuits: [PreparedVerifyingKey?]
    private let journal: Mutex<VoteJournal>

    /// Starts a validator with the circuits of the ledger, by index.
    ///
    /// A verifying key that cannot be prepared is one that it does not have: it abstains there.
    package init(
        name: String, index: ValidatorIndex, key: SigningKey, ledger: LedgerID,
        behaviour: Behaviour, circuits: [Circuit], journal: VoteJournal
    ) {
        self.name = name
        self.index = index
        self.behaviour = behaviour
        self.key = key
        self.ledger = ledger
        self.journal = Mutex(journal)
        self.circuits = circuits.map { circuit in
            do throws(Groth16Error) {
                return PreparedVerifyingKey(try VerifyingKey(bytes: circuit.verifyingKey))
            } catch {
                return nil
            }
        }
    }

    /// Its public key.
    package var publicKey: PublicKey { key.publicKey }

    /// Judges one request: from the journal where it holds a verdict, else by verification.
    ///
    /// Only a proof that was verified and does not hold is a rejection; whatever fails on the
    /// validator's side is an abstention with a reason.
    package func judge(_ question: Question) -> Verdict {
        if let known = journal.withLock({ $0.verdict(on: question.id) }) { return known }
        let truth = verify(question)
        guard behaviour == .malicious else { return truth }
        return truth.vote == .approve
            ? Verdict(.reject, .proofFails) : Verdict(.approve, .proofHolds)
    }

    private func verify(_ question: Question) -> Verdict {
        let circuit = Int(question.circuit.rawValue)
        guard circuits.indices.contains(circuit), let prepared = circuits[circuit] else {
            return Verdict(.abstain, .keyUnavailable)
        }
        var inputs: [Fr] = []
        for input in question.publicInputs {
            // The ledger refuses inputs that are not canonical, so this is its doing or ours.
            guard let element = Fr(littleEndian: input.bytes) else {
                return Verdict(.abstain, .localError)
            }
            inputs.append(element)
        }
        guard inputs.count == prepared.publicInputCount else {
            return Verdict(.reject, .wrongInputCount)
        }
        do throws(Groth16Error) {
            let holds = try prepared.verify(
                try Proof(compressed: question.proof), inputs: inputs)
            return holds ? Verdict(.approve, .proofHolds) : Verdict(.reject, .proofFails)
        } catch {
            return Verdict(.abstain, .localError)
        }
    }

    /// Makes verdicts durable and returns the signed votes, all by one commit of the journal.
    ///
    /// An equivocating validator signs the contrary as well, behind its journal's back.
    package func votes(
        for verdicts: [(RequestID, Verdict)], at now: Time
    ) throws(NodeError) -> [VoteMessage] {
        let result = journal.withLock { journal in
            Result { () throws(JournalError) in try journal.votes(for: verdicts, at: now) }
        }
        switch result {
        case .failure(let error): throw Self.error(error, name)
        case .success(let votes) where behaviour == .equivocating:
            return votes.flatMap { [$0, contrary(of: $0)] }
        case .success(let votes): return votes
        }
    }

    private func contrary(of vote: VoteMessage) -> VoteMessage {
        var copy = vote
        copy.vote = vote.vote == .approve ? .reject : .approve
        copy.reason = vote.vote == .approve ? .proofFails : .proofHolds
        return copy.signed(by: key, in: ledger)
    }

    /// What it has reported of a job, as its journal says; nil where it has not.
    package func report(on job: JobID) -> JobReport? { journal.withLock { $0.report(on: job) } }

    /// Makes the result of a job durable and returns it, signed: the first one, whatever is given
    /// later.
    package func result(
        _ report: JobReport, on job: JobID
    ) throws(NodeError) -> ResultMessage {
        let result = journal.withLock { journal in
            Result { () throws(JournalError) in try journal.result(report, on: job) }
        }
        switch result {
        case .failure(let error): throw Self.error(error, name)
        case .success(let message): return message
        }
    }

    /// What an equivocating validator signs of a job behind its journal's back.
    func contrary(_ report: JobReport, _ job: JobID) -> ResultMessage {
        ResultMessage(
            job: job, validator: key.publicKey, status: report.status, output: report.output,
            fuel: report.fuel, signature: .zero
        ).signed(by: key, in: ledger)
    }

    /// When its journal was begun anew, for it was lost; nil where it was not.
    var begunAnew: Time? { journal.withLock { $0.begunAnew } }

    /// Until when it says nothing, for its journal was lost; nil where it was not.
    package var silentUntil: Time? { journal.withLock { $0.silentUntil } }

    /// Adds its cosignature to a checkpoint of a log, after noting that durably.
    ///
    /// Throws `.cosign` where the log does not hold the checkpoint, or the checkpoint does not
    /// continue what this validator cosigned last.
    package func cosign(
        _ signed: inout SignedCheckpoint, of log: EventLog, seconds: UInt64
    ) throws(NodeError) {
        let checkpoint = signed.checkpoint
        let last = journal.withLock { $0.lastCosigned }
        let proof: [Digest]
        do throws(LogError) {
            guard checkpoint.size <= log.size, try log.root(at: checkpoint.size) == checkpoint.root
            else { throw LogError.outOfRange(index: checkpoint.size, size: log.size) }
            proof =
                last.map(\.size).map { $0 < checkpoint.size } ?? false
                ? try log.consistencyProof(from: last?.size ?? 0, to: checkpoint.size) : []
        } catch .outOfRange {
            throw .notOfThisLedger(validator: name, size: checkpoint.size, held: log.size)
        } catch {
            throw .log(of: "the ledger", path: log.directory, error)
        }
        let result = journal.withLock { journal in
            Result { () throws(JournalError) in
                try journal.noteCosigning(checkpoint, proof: proof)
            }
        }
        if case .failure(let error) = result { throw Self.error(error, name) }
        do throws(NoteError) {
            _ = try signed.cosign(with: key, seconds: seconds)
        } catch {
            throw .note("\(error)")
        }
    }

    /// Signs a checkpoint as the log does.
    package func sign(_ checkpoint: Checkpoint) throws(NodeError) -> SignedCheckpoint {
        do throws(NoteError) {
            return try SignedCheckpoint(signing: checkpoint, with: key)
        } catch {
            throw .note("\(error)")
        }
    }

    /// Signs the opening of a batch.
    func signOpening(
        height: Height, time: Time, round: UInt32, previousRoot: Digest
    ) -> BatchOpened {
        let bytes = BatchOpening.signedBytes(
            height: height, time: time, round: round, previousRoot: previousRoot,
            proposer: key.publicKey, in: ledger)
        return BatchOpened(
            height: height, time: time, proposer: index, round: round,
            previousRoot: previousRoot, precommitRound: 0, precommits: [],
            signature: key.sign(bytes))
    }

    /// Closes the journal.
    package func close() throws(NodeError) {
        let result = journal.withLock { journal in
            Result { () throws(JournalError) in try journal.close() }
        }
        if case .failure(let error) = result { throw Self.error(error, name) }
    }

    /// A journal's error as the node's.
    static func error(_ error: JournalError, _ name: String) -> NodeError {
        switch error {
        case .log(let error): .log(of: "the votes of \(name)", path: "journals/\(name)", error)
        case .cosign(let refusal): .cosign(validator: name, refusal)
        case .unusable(let entry, let problem):
            .journalUnusable(validator: name, entry: entry, problem: problem)
        }
    }
}
