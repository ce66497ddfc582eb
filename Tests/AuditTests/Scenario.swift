// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// A ledger in which every kind of event occurs.
enum Scenario {
    /// What the tests ask about the ledger.
    struct Outcome {
        var builder: LedgerBuilder
        var liesOnFalse: [Int]
        var liesOnTrue: [Int]
    }

    /// Batches: a false proof rejected; a true one approved with three absent and one liar; its
    /// settlement, a job, a replayed nullifier; a day later decay, deadlines, evidence, results; a
    /// second withdrawal approved and its settlement failed; a change by seven validators; an
    /// announcement; a round that times out. The last vote of the second withdrawal is a list.
    static func everything(
        observe: @escaping (LedgerState) -> Void = { _ in }
    ) throws -> Outcome {
        var builder = try LedgerBuilder(
            circuits: [try Paraloom.circuit("native"), try Paraloom.circuit("spl")],
            observe: observe)
        var native = RequestID(.zero)
        try builder.batch(seconds: 1) { builder in
            let lie = try Paraloom.request("native", proofOf: "spl", by: builder)
            let id = try builder.submit(lie)
            try builder.vote(id, approve: [8, 9], reject: 0..<8)
            native = try builder.submit(
                try Paraloom.request("native", timestamp: 1, by: builder))
            try builder.vote(native, reject: [9])
        }
        try builder.batch(seconds: 2) { builder in
            try builder.vote(native, approve: 0..<7)
        }
        let job = try settleAndAskForJob(&builder, native)
        try builder.batch(seconds: 86_400) { builder in
            try report(job, &builder)
            let evidence = EvidenceMessage(
                validator: builder.validators[9].publicKey, slot: .vote(native),
                first: statement(builder.vote(native, 9, .approve)),
                second: statement(builder.vote(native, 9, .reject)))
            try builder.take(.evidence(evidence))
        }
        var second = RequestID(.zero)
        try builder.batch(seconds: 86_401) { builder in
            second = try builder.submit(try Paraloom.request("spl", by: builder))
            try builder.vote(second, approve: 0..<9)
            let list = VoteListMessage(
                validator: builder.validators[9].publicKey, timestamp: builder.state.time,
                votes: [.shown(request: second, vote: .approve, reason: .proofHolds)],
                signature: .zero)
            try builder.take(
                .votes(list.signed(by: builder.validators[9], in: builder.state.ledger)))
            try change(&builder)
        }
        try builder.batch(seconds: 86_402) { builder in
            try builder.settle(second, .failed)
            try announce(&builder)
        }
        try builder.batch(seconds: 86_403) { builder in
            _ = try builder.submit(try Paraloom.request("spl", timestamp: 7, by: builder))
        }
        try builder.batch(seconds: 86_440)
        return Outcome(builder: builder, liesOnFalse: [8, 9], liesOnTrue: [9])
    }

    private static func statement(_ vote: VoteMessage) -> Statement {
        .vote(vote.vote, vote.reason, vote.timestamp, vote.signature)
    }

    private static func settleAndAskForJob(
        _ builder: inout LedgerBuilder, _ native: RequestID
    ) throws -> JobID {
        var job = JobMessage(
            module: Digest(hashing: [1]), input: Digest(hashing: [2]), moduleBytes: 1,
            inputBytes: 1, fuel: 1000, memoryBytes: 65_536, milliseconds: 0, engine: "wasmtime",
            engineVersion: "50.0.1",
            timestamp: builder.state.time, submitter: builder.submitter.publicKey, signature: .zero)
        job = job.signed(by: builder.submitter, in: builder.state.ledger)
        try builder.batch(seconds: 3) { builder in
            try builder.settle(native, .settled)
            let again = try Paraloom.request("native", timestamp: 2, by: builder)
                .signed(by: builder.submitter, in: builder.state.ledger)
            try builder.run(.recordRefusal(Checked(unchecked: .request(again))))
            try builder.take(.job(job))
        }
        return job.id(in: builder.state.ledger)
    }

    private static func report(_ job: JobID, _ builder: inout LedgerBuilder) throws {
        guard let entry = builder.state.entry(of: job),
            let assigned = builder.state.job(at: entry)?.assigned
        else { return }
        for (place, validator) in assigned.validators.enumerated() {
            let key = builder.validators[Int(validator.rawValue)]
            let message = ResultMessage(
                job: job, validator: key.publicKey, status: JobStatus(.success),
                output: Digest(hashing: [place == 2 ? 4 : 3]), fuel: 10, signature: .zero)
            try builder.take(.result(message.signed(by: key, in: builder.state.ledger)))
        }
    }

    private static func change(_ builder: inout LedgerBuilder) throws {
        var message = GovernanceMessage(
            number: builder.state.nextChange,
            change: .rootPublished(circuit: CircuitIndex(1), root: LedgerBuilder.seed(1)),
            endorsements: [])
        let bytes = message.signedBytes(in: builder.state.ledger)
        message.endorsements = builder.validators.prefix(7).map {
            Endorsement(validator: $0.publicKey, signature: $0.sign(bytes))
        }
        try builder.take(.governance(message))
    }

    private static func announce(_ builder: inout LedgerBuilder) throws {
        let key = builder.validators[0]
        let message = AnnouncementMessage(
            validator: key.publicKey,
            announcement: Announcement(
                number: 1, program: "1.0", engine: "wasmtime", engineVersion: "50.0.1",
                isJournalNew: false),
            signature: .zero)
        try builder.take(.announcement(message.signed(by: key, in: builder.state.ledger)))
    }

    /// A ledger without circuits, small enough to change its every byte.
    static func small() throws -> LedgerBuilder {
        var builder = try LedgerBuilder(validatorCount: 2, threshold: 2)
        try builder.batch(seconds: 1)
        return builder
    }
}
