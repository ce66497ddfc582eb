// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// The rows that entries give, from the events and the state before each.
final class ColumnFold {
    /// The tables that are asked for.
    let tables: Set<ColumnTable>
    /// Where rows go.
    let add: (ColumnTable, [ColumnValue]) -> Void

    /// The three values with which each row begins.
    private var start: [ColumnValue] = []
    /// Who proposed the batch that is open.
    private var opened: BatchOpened?

    init(_ tables: Set<ColumnTable>, add: @escaping (ColumnTable, [ColumnValue]) -> Void) {
        self.tables = tables
        self.add = add
    }

    /// Adds a row of these values, one part behind the other.
    private func put(_ table: ColumnTable, _ parts: [ColumnValue]...) {
        guard tables.contains(table) else { return }
        var values = start
        for part in parts { values += part }
        add(table, values)
    }

    /// Sees an entry with the state before it, which is not changed.
    func willApply(_ entry: LoggedEntry, _ state: inout LedgerState) {
        let (height, time) =
            switch entry.event {
            case .batchOpened(let batch): (batch.height, batch.time)
            case .ledgerOpened(let ledger): (Height(0), ledger.time)
            default: (state.height, state.time)
            }
        start = [.number(entry.index), .number(height.rawValue), .number(time.rawValue)]
        if tables.contains(.entries) {
            put(
                .entries,
                [
                    .text(entry.event.kind), .number(entry.byteCount),
                    .hash(entry.leafHash),
                ])
        }
        put(entry.event, state)
    }

    private func put(_ event: Event, _ state: LedgerState) {
        switch event {
        case .voteCast(let vote): put(vote, state)
        case .votesCast(let list): for vote in list.casts { put(vote, state) }
        case .reputationChanged(let change):
            put(
                .reputation,
                party(change.validator, state),
                [
                    .text(change.cause.jsonName), .number(change.about.rawValue),
                    .number(change.before.rawValue), .number(change.after.rawValue),
                ])
        case .batchOpened(let batch):
            opened = batch
            put(
                .leaders,
                [.text("batch"), .number(batch.height.rawValue)], party(batch.proposer, state),
                [.number(batch.round)])
        case .roundOpened(let round):
            put(
                .leaders,
                [.text("request"), .number(round.request.rawValue)], party(round.leader, state),
                [.number(0)])
        case .roundClosed(let closed): close(closed, state)
        case .settlementOrdered(let order):
            put(
                .settlements,
                [.number(order.request.rawValue), .text("ordered")], party(order.leader, state),
                [.number(order.nextTurn.rawValue), .absent])
        case .settlementReported(let report):
            put(
                .settlements,
                [
                    .number(report.request.rawValue), .text(report.result.jsonName), .absent,
                    .absent,
                    .absent, .absent, .bytes(report.reference),
                ])
        case .evidenceSubmitted(let evidence): put(evidence, state)
        case .disagreementRecorded(let record): put(record, state)
        case .batchSealed(let seal): put(seal, state)
        default: break
        }
    }

    /// Sees an entry with the state after it: what only the state tells.
    func didApply(_ event: Event, before: [Validator], _ state: inout LedgerState) {
        switch event {
        case .ledgerOpened, .governanceApproved:
            for place in before.count..<max(before.count, state.validators.count) {
                let reputation = state.validators[place].reputation.rawValue
                put(
                    .reputation,
                    party(ValidatorIndex(UInt16(place)), state),
                    [
                        .text("joined"), .absent, .number(reputation), .number(reputation),
                    ])
            }
        case .reputationDecayed:
            for (place, validator) in before.enumerated() where validator.isMember {
                put(
                    .reputation,
                    party(ValidatorIndex(UInt16(place)), state),
                    [
                        .text("decay"), .absent, .number(validator.reputation.rawValue),
                        .number(state.validators[place].reputation.rawValue),
                    ])
            }
        default: break
        }
    }

    /// Whether `didApply` wants the validators as they were before an event.
    static func wantsValidators(_ event: Event) -> Bool {
        switch event {
        case .ledgerOpened, .governanceApproved, .reputationDecayed: true
        default: false
        }
    }

    // MARK: Rows

    private func party(_ index: ValidatorIndex, _ state: LedgerState) -> [ColumnValue] {
        guard let validator = state.validator(index) else { return [.absent, .absent, .absent] }
        return [.number(index.rawValue), .text(validator.name), .hash(validator.key.value)]
    }

    private func submitter(_ index: SubmitterIndex, _ state: LedgerState) -> [ColumnValue] {
        let submitter = state.submitters[Int(index.rawValue)]
        return [.number(index.rawValue), .text(submitter.name), .hash(submitter.key.value)]
    }

    private func put(_ vote: VoteCast, _ state: LedgerState) {
        guard tables.contains(.votes) else { return }
        put(
            .votes,
            [.number(vote.request.rawValue)], party(vote.validator, state),
            [
                .text(vote.vote.jsonName), .text(vote.reason.jsonName),
                .number(vote.timestamp.rawValue),
            ])
    }

    private func close(_ closed: RoundClosed, _ state: LedgerState) {
        if let round = state.openRound(at: closed.about) {
            put(round, closed.cause, state)
        } else if let job = state.job(at: closed.about) {
            put(job, closed.cause, state)
        }
    }

    private func put(_ round: Round, _ cause: CloseCause, _ state: LedgerState) {
        let (request, opened) = (round.request, round.opened)
        let decided: [ColumnValue] =
            round.decided.map { decided in
                [
                    .text(decided.outcome.jsonName), .text(decided.reason.jsonName),
                    .number(decided.approvals), .number(decided.rejections),
                    .number(decided.abstentions), .signed(decided.margin),
                    .number(decided.deciding.rawValue), .number(decided.time.rawValue),
                ]
            } ?? Array(repeating: .absent, count: 8)
        let circuit = state.circuit(request.circuit)?.circuit.name ?? ""
        put(
            .requests,
            [
                .number(round.entry.rawValue), .hash(round.id.digest),
                .number(request.circuit.rawValue), .text(circuit),
            ], submitter(request.submitter, state),
            [
                .number(request.amount.rawValue), .hash(request.recipient),
                .number(request.timestamp.rawValue),
            ], party(opened.leader, state),
            [
                .number(opened.threshold), .number(opened.deadline.rawValue),
            ], decided, [.text(cause.jsonName)])
    }

    private func put(_ job: Job, _ cause: CloseCause, _ state: LedgerState) {
        let submitted = job.submitted
        let deadline: ColumnValue = job.assigned.map { .number($0.deadline.rawValue) } ?? .absent
        let decided: [ColumnValue] =
            job.decided.map { decided in
                // Status and output mean something only where they were agreed on.
                let isAgreed = decided.decision == .agreed
                return [
                    .text(decided.decision.jsonName),
                    isAgreed ? .text(decided.status.kind.jsonName) : .absent,
                    isAgreed ? .number(decided.status.code) : .absent,
                    isAgreed ? .hash(decided.output) : .absent,
                    .number(decided.deciding.rawValue), .number(decided.time.rawValue),
                ]
            } ?? Array(repeating: .absent, count: 6)
        put(
            .jobs,
            [.number(job.entry.rawValue), .hash(job.id.digest)],
            submitter(submitted.submitter, state),
            [
                .hash(submitted.module), .hash(submitted.input), .number(submitted.fuel),
                .number(submitted.memoryBytes), .text(submitted.engine),
                .text(submitted.engineVersion), .number(submitted.timestamp.rawValue),
                deadline,
            ], decided, [.text(cause.jsonName)])
    }

    private func put(_ evidence: EvidenceSubmitted, _ state: LedgerState) {
        var rest: [ColumnValue] = Array(repeating: .absent, count: 5)
        switch evidence.slot {
        case .vote(let request), .settlement(let request): rest[0] = .number(request.rawValue)
        case .proposal(let height, let round), .prevote(let height, let round),
            .precommit(let height, let round), .amnesia(let height, _, let round):
            rest[1] = .number(height.rawValue)
            rest[2] = .number(round)
        case .result(let job): rest[3] = .number(job.rawValue)
        case .checkpoint(let size): rest[4] = .number(size)
        }
        // The bridge has no number, and no row of its own.
        put(
            .evidence, party(evidence.validator, state), [.text(evidence.slot.jsonName)], rest)
    }

    private func put(_ record: DisagreementRecorded, _ state: LedgerState) {
        for (side, said) in record.sides.enumerated() {
            for validator in said.validators {
                put(
                    .disagreements,
                    [.number(record.about.rawValue)], party(validator, state), [.number(side)])
            }
        }
    }

    private func put(_ seal: BatchSealed, _ state: LedgerState) {
        // Nobody proposed batch 0.
        let batch = opened?.height == seal.height ? opened : nil
        let proposer = batch.map { party($0.proposer, state) } ?? [.absent, .absent, .absent]
        put(
            .batches,
            [.number(state.batchEntry.rawValue)], proposer,
            [
                .number(batch?.round ?? 0), .hash(seal.root), .hash(seal.stateRoot),
            ])
    }
}
