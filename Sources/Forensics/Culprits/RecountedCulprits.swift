// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// Whoever signed what deriving the ledger again, its proofs and its jobs refute.
extension CulpritSearch {
    mutating func recount(_ place: Int) {
        let witness = witnesses[place]
        do {
            let audit = try audit(witness)
            for contradiction in audit.contradictions {
                try findFalseVote(contradiction, in: witness)
            }
            for contradiction in audit.resultContradictions {
                try findFalseResult(contradiction, in: witness)
            }
            for job in audit.notRecomputed {
                report.unread.append("\(witness.name): job \(job.job) was not run: \(job.reason)")
            }
            try findRefutedBatch(audit.findings, in: witness)
        } catch {
            report.unread.append("\(witness.name): \(error)")
        }
    }

    private mutating func findFalseVote(_ found: ContradictedProof, in witness: Witness) throws {
        let asked = try Self.event(at: found.request, of: witness.log)
        let cast = try Self.event(at: found.entry, of: witness.log)
        guard case .requestSubmitted(let submitted) = asked,
            case .request(let request)? = witness.state.message(of: asked),
            let circuit = witness.state.circuit(submitted.circuit)?.circuit,
            let vote = witness.state.signedVotes(of: cast).first(where: {
                $0.vote.request == request.id(in: witness.state.ledger)
            })
        else { return }
        let isProved = charge(
            .falseVote(FalseVote(request: request, circuit: circuit, vote: vote)))
        if !isProved { tellUnsigned("vote", found.entry, found.name, witness) }
    }

    private mutating func findFalseResult(
        _ found: ResultContradiction, in witness: Witness
    ) throws {
        let asked = try Self.event(at: found.job, of: witness.log)
        let told = try Self.event(at: found.entry, of: witness.log)
        guard case .job(let job)? = witness.state.message(of: asked),
            case .result(let result)? = witness.state.message(of: told),
            found.signed.output != found.recomputed.output
                || found.signed.status != found.recomputed.status
                || found.signed.reason != found.recomputed.reason
        else { return }
        let blobs = BlobStore(logDirectory: witness.log.directory, disk: inputs.disk)
        let isProved = charge(
            .falseResult(
                FalseResult(
                    job: job, module: try blobs.get(job.module), input: try blobs.get(job.input),
                    result: result)))
        if !isProved { tellUnsigned("result", found.entry, found.name, witness) }
    }

    private mutating func tellUnsigned(
        _ what: String, _ entry: UInt64, _ name: String, _ witness: Witness
    ) {
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: "the \(what) of \(name) in entry \(entry) of \(witness.name) is false",
                reason: "its signature does not hold: whoever wrote the log put it there"))
    }

    /// The first batch that does not follow from what is before it, and T who precommitted it.
    private mutating func findRefutedBatch(_ findings: [Finding], in witness: Witness) throws {
        let refuting = findings.filter { $0.kind.isOfRules }
        guard let finding = refuting.min(by: { $0.entry < $1.entry }), finding.entry > 0 else {
            return
        }
        let start = try Self.start(around: finding.entry, of: witness.log)
        let what = "entry \(finding.entry) of \(witness.name) does not follow by the rules"
        guard start > 0 else {
            report.unprovable.append(
                CulpritReport.Unprovable(
                    found: what, reason: "batch 0 is signed by nobody: its hash is the ledger"))
            return
        }
        let before = try StateBefore(witness.log, at: start, disk: inputs.disk)
        let entries = try Self.entries(of: witness.log, from: start, isWhole: true)
        let height = Height(before.state.height.rawValue + 1)
        let end = start + UInt64(entries.count)
        guard let precommits = try certificate(of: height, before: end, in: witness) else {
            tellUncertified(what, height)
            return
        }
        let refuted = RefutedBatch(
            on: before.state, before.frontier, try SealedEnd(of: witness.log, at: start),
            batch: DecidedBatch(precommits: precommits, entries: entries))
        switch judge(.refutedBatch(refuted)) {
        case nil: return
        case .unjudged(let why)?:
            report.unprovable.append(CulpritReport.Unprovable(found: what, reason: why))
        default: tellUncertified(what, height)
        }
    }

    private mutating func tellUncertified(_ what: String, _ height: Height) {
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: what,
                reason: "no precommits of T validators under batch \(height.rawValue) as it stands"
                    + " there: whoever wrote this copy may have changed it"))
    }

    private func certificate(
        of height: Height, before end: UInt64, in witness: Witness
    ) throws -> Precommits? {
        let root = try witness.log.root(at: end)
        if end < witness.log.size,
            case .batchOpened(let next) = try Self.event(at: end, of: witness.log)
        {
            return Precommits(
                height: height, round: next.precommitRound, root: next.previousRoot,
                signatures: next.precommits)
        }
        let store = PrecommitStore(ledgerDirectory: witness.log.directory, disk: inputs.disk)
        do throws(PrecommitStoreError) {
            let found = try store.load(height)
            return found.root == root ? found : nil
        } catch {
            return nil
        }
    }

    private static func event(at entry: UInt64, of log: EventLog) throws -> Event {
        try Event(decoding: try log.entry(at: entry))
    }

    /// The entry that opens the batch in which an entry stands; entries need be no events.
    private static func start(around entry: UInt64, of log: EventLog) throws(LogError) -> UInt64 {
        var next = min(entry, log.size - 1)
        while next > 0 {
            if try log.entry(at: next - 1).first == 76 { return next }
            next -= 1
        }
        return 0
    }
}

extension FindingKind {
    /// Whether it says that a batch does not follow by the rules, or is not signed.
    fileprivate var isOfRules: Bool {
        switch self {
        case .undecodable, .missing, .added, .changed, .moved, .refused, .cannotFollow, .logSize,
            .logRoot, .componentRoot, .stateRoot, .signature:
            true
        case .damage, .approvedFalseProof, .rejectedTrueProof, .proofUnjudged,
            .agreedFalseResult, .contradicted:
            false
        }
    }
}
