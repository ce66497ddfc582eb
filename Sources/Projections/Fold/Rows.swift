// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

// Rows that later entries complete are held until they are written, so that a row which is opened
// and closed in one go is written once.

/// What is known of a request and its round.
struct RequestRow {
    let entry: UInt64
    let id: RequestID
    let height: UInt64
    let submitted: RequestSubmitted
    var opened: RoundOpened?
    var decided: (entry: UInt64, event: OutcomeDecided)?
    var closed: (entry: UInt64, cause: CloseCause)?

    func write(_ tables: TableStatements) throws {
        // The rules open a round with every request; a log without one is not of these rules.
        guard let opened else {
            throw FoldProblem(entry: entry, problem: "no round is opened for this request")
        }
        let row = tables.request
        row.bind(entry)
        row.bind(id.digest)
        row.bind(height)
        row.bind(submitted.circuit.rawValue)
        row.bind(submitted.submitter.rawValue)
        row.bind(submitted.amount.rawValue)
        row.bind(submitted.recipient)
        row.bind(submitted.timestamp.rawValue)
        row.bind(opened.leader.rawValue)
        row.bind(opened.threshold)
        row.bind(opened.deadline.rawValue)
        if let (entry, event) = decided {
            event.bind(to: row, entry)
        } else {
            for _ in 0..<9 { row.bindNull() }
        }
        row.bind(closed?.entry)
        row.bind(closed?.cause.jsonName)
        try row.run()
    }
}

extension OutcomeDecided {
    /// Binds the nine columns of a decision.
    func bind(to row: BoundStatement, _ entry: UInt64) {
        row.bind(outcome.jsonName)
        row.bind(reason.jsonName)
        row.bind(approvals)
        row.bind(rejections)
        row.bind(abstentions)
        row.bind(margin)
        row.bind(deciding.rawValue)
        row.bind(entry)
        row.bind(time.rawValue)
    }
}

/// What a request would spend.
struct NullifierRow {
    let nullifier: Bytes32
    let request: UInt64
    var spent: UInt64?
    var released: UInt64?

    func write(_ tables: TableStatements) throws {
        let row = tables.nullifier
        row.bind(nullifier)
        row.bind(request)
        row.bind(spent)
        row.bind(released)
        try row.run()
    }
}

/// An order of the bridge, and what became of it.
struct SettlementRow {
    let ordered: UInt64
    let event: SettlementOrdered
    var report: (entry: UInt64, event: SettlementReported)?

    func write(_ tables: TableStatements) throws {
        let row = tables.settlement
        row.bind(event.request.rawValue)
        row.bind(ordered)
        row.bind(event.leader.rawValue)
        row.bind(event.nextTurn.rawValue)
        row.bind(report?.entry)
        row.bind(report?.event.result.jsonName)
        if let report { row.bind(report.event.reference) } else { row.bindNull() }
        try row.run()
    }
}

/// A job.
struct JobRow {
    let entry: UInt64
    let id: JobID
    let height: UInt64
    let submitted: JobSubmitted
    var assigned: (entry: UInt64, deadline: UInt64)?
    var decided: (entry: UInt64, event: JobDecided)?
    var closed: (entry: UInt64, cause: CloseCause)?

    func write(_ tables: TableStatements) throws {
        let row = tables.job
        row.bind(entry)
        row.bind(id.digest)
        row.bind(height)
        row.bind(submitted.submitter.rawValue)
        row.bind(submitted.module)
        row.bind(submitted.input)
        row.bind(submitted.moduleBytes)
        row.bind(submitted.inputBytes)
        row.bind(submitted.fuel)
        row.bind(submitted.memoryBytes)
        row.bind(submitted.milliseconds)
        row.bind(submitted.engine)
        row.bind(submitted.engineVersion)
        row.bind(submitted.timestamp.rawValue)
        row.bind(assigned?.entry)
        row.bind(assigned?.deadline)
        if let (entry, event) = decided {
            event.bind(to: row, entry)
        } else {
            for _ in 0..<7 { row.bindNull() }
        }
        row.bind(closed?.entry)
        row.bind(closed?.cause.jsonName)
        try row.run()
    }
}

extension JobDecided {
    /// Binds the seven columns of a decision; status and output mean something only where agreed.
    func bind(to row: BoundStatement, _ entry: UInt64) {
        let isAgreed = decision == .agreed
        row.bind(decision.jsonName)
        row.bind(isAgreed ? status.kind.jsonName : nil)
        row.bind(isAgreed ? UInt64(status.code) : nil)
        row.bind(isAgreed ? output : nil)
        row.bind(deciding.rawValue)
        row.bind(entry)
        row.bind(time.rawValue)
    }
}

/// A change of a reputation; `cause` is a word, since two of them are no `ReputationCause`.
struct ReputationRow {
    let validator: UInt16
    let entry: UInt64
    let cause: Cause
    let about: UInt64?
    let before: UInt64
    let after: UInt64

    enum Cause {
        case joined, decay, change(ReputationCause)

        var jsonName: String {
            switch self {
            case .joined: "joined"
            case .decay: "decay"
            case .change(let cause): cause.jsonName
            }
        }
    }

    func write(_ tables: TableStatements) throws {
        let row = tables.reputationChange
        row.bind(validator)
        row.bind(entry)
        row.bind(cause.jsonName)
        row.bind(about)
        row.bind(before)
        row.bind(after)
        try row.run()
    }
}
