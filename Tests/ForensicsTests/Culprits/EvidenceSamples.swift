// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Forensics
import Ledger
import Replication
import TestSupport

/// A file of evidence of each kind, all of which hold.
enum EvidenceSamples {
    /// All kinds but the one that takes an engine.
    static func all() throws -> [EvidenceFile] {
        [
            try contradiction(), try falseVote(), try refutedBatch(), try foreignProposal(),
            try twoHistories(), try claims()[0], try claims()[1],
        ]
    }

    static func contradiction() throws -> EvidenceFile {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let request = try scenario.submit()
        let message = scenario.evidence(
            2, scenario.vote(2, .approve, on: request), scenario.vote(2, .reject, on: request))
        guard case .evidence(let evidence) = message else { throw Missing() }
        return EvidenceFile(ledger: scenario.ledger, charge: .contradiction(evidence))
    }

    static func falseVote() throws -> EvidenceFile {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let proof = TrueProof.of(nullifier: 5, amount: 5)
        let request = scenario.request(nullifier: 5) { $0.proof = proof }
        let vote = scenario.vote(3, .reject, on: request.id(in: scenario.ledger))
        return EvidenceFile(
            ledger: scenario.ledger,
            charge: .falseVote(
                FalseVote(request: request, circuit: Fixture.circuit, vote: SignedVote(vote))))
    }

    static func refutedBatch() throws -> EvidenceFile {
        for seed in UInt64(0)..<20 {
            let quarrel = try Quarrel(.otherDerivation, seed: seed)
            guard case .batchSealed? = quarrel.second.last else { continue }
            let ledgers = CulpritLedgers()
            let ledger = LedgerID(Digest(hashing: quarrel.first[0].encoded))
            try ledgers.write(certified: quarrel.second, to: "/a", ledger: ledger)
            return try pick("refutedBatch", try ledgers.culprits(["/a"], recounts: true))
        }
        throw Missing()
    }

    static func foreignProposal() throws -> EvidenceFile {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        try scenario.seal()
        let ranking = scenario.state.proposerRanking(height: Height(2))
        let opening = scenario.opening(at: scenario.state.time.adding(milliseconds: 1)) {
            $0.proposer = ranking[3]
        }
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log + [.batchOpened(opening.event)], to: "/a")
        return try pick("foreignProposal", try ledgers.culprits(["/a"]))
    }

    static func twoHistories() throws -> EvidenceFile {
        var scenario = try CulpritLedgers.scenario()
        for _ in 0..<4 {
            try scenario.open()
            try scenario.seal()
        }
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log, to: "/a")
        let head = TreeHead(size: 4, root: Digest(hashing: [9]))
        let checkpoint = try CulpritLedgers.checkpoint(head, of: scenario.ledger, by: [0])
        return try pick(
            "twoHistories", try ledgers.culprits(["/a"], checkpoints: [checkpoint]))
    }

    /// An accusation and its answer.
    static func claims() throws -> [EvidenceFile] {
        let value = Digest(hashing: [7])
        let keys = ForkHistory.keys
        let precommit = ForkHistory.vote(.precommit, 1, value, by: 4)
        guard let key = keys[ValidatorIndex(4)],
            let claim = UnfoundedClaim(
                .vote(precommit), by: key, members: keys, threshold: ForkHistory.threshold)
        else { throw Missing() }
        let prevotes = (0..<8).map {
            TracedStatement.vote(ForkHistory.vote(.prevote, 1, value, by: $0))
        }
        let answer = ClaimAnswer(claim, from: prevotes, in: ForkParties.ledger)
        return [
            EvidenceFile(ledger: ForkParties.ledger, charge: .claim(claim)),
            EvidenceFile(ledger: ForkParties.ledger, charge: .answer(answer)),
        ]
    }

    /// A result of a job; `isFalse` says whether running it again gives another.
    static func result(isFalse: Bool) throws -> EvidenceFile {
        let scenario = try CulpritLedgers.scenario()
        let input: [UInt8] = [1, 2, 3, 4]
        let job = scenario.job {
            $0.module = Digest(hashing: Wasm.length)
            $0.input = Digest(hashing: input)
            $0.moduleBytes = UInt64(Wasm.length.count)
            $0.inputBytes = 4
            $0.fuel = 1_000_000
            $0.engine = ComputeEngine.name
            $0.engineVersion = ComputeEngine.version
        }
        let truth = Engine.outcome(
            of: ComputeJob(
                module: Wasm.length, moduleHash: job.module, input: input, fuel: job.fuel,
                memoryBytes: job.memoryBytes, engine: job.engine,
                engineVersion: job.engineVersion))
        let key = Fixture.key(1)
        let result = ResultMessage(
            job: job.id(in: scenario.ledger), validator: key.publicKey, status: truth.status,
            output: isFalse ? Digest(hashing: [1]) : truth.outputHash, fuel: truth.fuel,
            signature: .zero
        ).signed(by: key, in: scenario.ledger)
        return EvidenceFile(
            ledger: scenario.ledger,
            charge: .falseResult(
                FalseResult(job: job, module: Wasm.length, input: input, result: result)))
    }

    private struct Missing: Error {}

    private static func pick(_ kind: String, _ report: CulpritReport) throws -> EvidenceFile {
        guard let charged = report.proved.first(where: { $0.kind == kind }) else { throw Missing() }
        return report.evidence[charged.file]
    }
}
