// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Groth16
import Ledger

/// Collects what the entries ask to be checked, and hands it to the pool in chunks.
final class Collector {
    /// What was found wrong behind the fold.
    struct Results {
        var signatures: [Finding] = []
        var proofs: [Finding] = []
        var contradictions: [ContradictedProof] = []
        var jobs = Recomputer.Results()
    }

    private let options: AuditOptions
    private let jury = Jury()
    private let recomputer: Recomputer?
    private var pool: CheckPool?
    private var keys: [CircuitIndex: PreparedVerifyingKey] = [:]
    private var signatures: [SignatureTask] = []
    private var proofs: [ProofTask] = []
    /// The jobs that are open, where they are to be run again.
    private(set) var docket = JobDocket()
    /// Signatures that could not even be looked at.
    private var unchecked: [Finding] = []
    /// Proofs of requests that were open where a range starts: another part counts them.
    private var carried: UInt64 = 0
    /// What parties did that the network should hear of.
    private(set) var watch = NetworkWatch()
    /// What was counted so far.
    private(set) var counts = AuditCounts()
    /// The state root that the last batch states.
    private(set) var stateRoot = ""

    /// Starts with nothing looked at; `recomputer` runs jobs again, where that is asked for.
    init(_ options: AuditOptions, _ recomputer: Recomputer?) {
        self.options = options
        self.recomputer = recomputer
    }

    /// Takes in what is open where a range starts: rounds with their proofs and votes, and jobs.
    func start(from state: LedgerState) {
        guard state.size > 0 else { return }
        pool = CheckPool(ledger: state.ledger, jury: jury, options)
        jury.compare(from: state.size)
        if options.verifyProofs {
            for case let round? in state.openRounds.map(state.openRound) { open(round, state) }
            submitIfFull()
        }
        guard recomputer != nil else { return }
        for case let job? in state.openJobs.map(state.job) { docket.open(job, state) }
    }

    private func open(_ round: Round, _ state: LedgerState) {
        let entry = round.entry.rawValue
        jury.hear(.requestSubmitted(round.request), at: entry, provingRejections: nil)
        jury.hear(
            .roundOpened(round.opened), at: entry + 1, provingRejections: round.provingRejections)
        for vote in round.votes.compactMap(\.self) {
            jury.hear(.voteCast(vote.event), at: vote.entry.rawValue, provingRejections: nil)
        }
        // A round that is open was decided by a vote, behind which the decision stands.
        if let decided = round.decided {
            jury.hear(
                .outcomeDecided(decided), at: decided.deciding.rawValue + 1,
                provingRejections: nil)
        }
        prepare(round.request, entry, state)
        carried = UInt64(proofs.count)
    }

    /// Takes in an entry, and what was signed for it, where that is known; `state` is that before
    /// it, and stays as it is.
    func look(at entry: LoggedEntry, _ input: SignedContent?, _ state: inout LedgerState) {
        counts.count(entry.event)
        watch.see(entry, &state)
        switch entry.event {
        case .ledgerOpened where pool == nil:
            let id = LedgerID(Digest(hashing: entry.bytes))
            pool = CheckPool(ledger: id, jury: jury, options)
        case .batchSealed(let sealed): stateRoot = sealed.stateRoot.hex
        default: break
        }
        if options.checkSignatures, !entry.event.isDerived {
            collectSignatures(entry, input, &state)
        }
        if options.verifyProofs { collectProof(entry, state) }
        if let recomputer, let job = docket.see(entry, state) { recomputer.submit(job) }
        submitIfFull()
    }

    private func collectSignatures(
        _ entry: LoggedEntry, _ known: SignedContent?, _ state: inout LedgerState
    ) {
        do throws(UnknownParty) {
            var found = known
            if found == nil { found = try SignedContent(of: entry.event, in: &state) }
            guard let found else { return }
            // Batch 0 has none: its hash is the name of the ledger.
            if case .input(.ledger) = found { return }
            signatures.append(SignatureTask(entry: entry.index, content: found))
        } catch {
            unchecked.append(
                Finding(
                    entry: entry.index, kind: .signature,
                    expected: "a party, request or job that the ledger holds",
                    found: "a signature that cannot be checked: \(entry.event.text)"))
        }
    }

    private func collectProof(_ entry: LoggedEntry, _ state: LedgerState) {
        switch entry.event {
        case .roundOpened(let opened):
            // The round is known only after the entry; those who vote are the members before it.
            let count = state.members.count
            let proving = max(count - Int(opened.threshold), (count - 1) / 3) + 1
            jury.hear(entry.event, at: entry.index, provingRejections: proving)
        case .requestSubmitted(let request):
            jury.hear(entry.event, at: entry.index, provingRejections: nil)
            prepare(request, entry.index, state)
        default: jury.hear(entry.event, at: entry.index, provingRejections: nil)
        }
    }

    private func prepare(_ request: RequestSubmitted, _ entry: UInt64, _ state: LedgerState) {
        do throws(Groth16Error) {
            guard let key = try key(of: request.circuit, state) else {
                return jury.hear(.unjudged("no circuit \(request.circuit.rawValue)"), on: entry)
            }
            proofs.append(
                ProofTask(
                    request: entry, key: key, proof: request.proof,
                    inputs: request.publicInputs.map(\.bytes)))
        } catch {
            jury.hear(.unjudged("a verifying key that cannot be read: \(error)"), on: entry)
        }
    }

    private func key(
        of circuit: CircuitIndex, _ state: LedgerState
    ) throws(Groth16Error) -> PreparedVerifyingKey? {
        if let key = keys[circuit] { return key }
        guard let registered = state.circuit(circuit) else { return nil }
        let key = PreparedVerifyingKey(try VerifyingKey(bytes: registered.circuit.verifyingKey))
        keys[circuit] = key
        return key
    }

    /// Hands on what was collected once it is worth another core's while.
    private func submitIfFull() {
        let weight = signatures.count + proofs.count * CheckPool.proofWeight
        if weight >= CheckPool.chunkWeight { submit() }
    }

    private func submit() {
        pool?.submit(signatures, proofs)
        signatures.removeAll(keepingCapacity: true)
        proofs.removeAll(keepingCapacity: true)
    }

    /// Waits for everything, and returns what was found. `progress` hears of jobs.
    func finish(
        named: (ValidatorIndex) -> (name: String, key: String),
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) -> Results {
        submit()
        var jobs = Recomputer.Results()
        if let recomputer {
            for job in docket.end() { recomputer.submit(job) }
            jobs = recomputer.finish(progress: progress)
        }
        let checked = pool?.finish()
        let judged = jury.finish(named: named)
        counts.signatures = checked?.signatures ?? 0
        counts.proofs = (checked?.proofs ?? 0) - min(carried, checked?.proofs ?? 0)
        counts.votes = judged.votes
        counts.recomputed = jobs.recomputed
        counts.results = jobs.results
        return Results(
            signatures: unchecked + (checked?.findings ?? []), proofs: judged.findings,
            contradictions: judged.contradictions, jobs: jobs)
    }
}
