// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What the two messages of an evidence are about, by content hash.
package enum EvidenceSlot: Hashable, Sendable, BorshCodable {
    /// The vote on a request.
    case vote(RequestID)
    /// What names no request and no job: the order of batches, or a checkpoint.
    case consensus(Slot)
    /// The result of a job.
    case result(JobID)
    /// The bridge's report of a settlement.
    case settlement(RequestID)

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .vote(let request):
            writer.write(UInt8(0))
            writer.write(request)
        case .consensus(let slot):
            writer.write(UInt8(1))
            writer.write(slot)
        case .result(let job):
            writer.write(UInt8(2))
            writer.write(job)
        case .settlement(let request):
            writer.write(UInt8(3))
            writer.write(request)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .vote(try RequestID(from: &reader))
        case 1: self = .consensus(try Slot(from: &reader))
        case 2: self = .result(try JobID(from: &reader))
        case 3: self = .settlement(try RequestID(from: &reader))
        case let tag: throw .unknownTag(type: "EvidenceSlot", tag: tag, offset: start)
        }
    }
}

/// Two signed messages of one party that contradict each other, in a message and in the log.
package struct EvidenceBody<ValidatorName: Naming, SlotName: Naming>: BorshCodable, Hashable,
    Sendable
{
    /// Who signed both: a validator, or the bridge.
    package var validator: ValidatorName
    /// What both are about: an `EvidenceSlot` in a message, in the log a `Slot`.
    package var slot: SlotName
    /// The one.
    package var first: Statement
    /// The other.
    package var second: Statement

    /// Whether they contradict each other is for the rules to say.
    package init(
        validator: ValidatorName, slot: SlotName, first: Statement, second: Statement
    ) {
        self.validator = validator
        self.slot = slot
        self.first = first
        self.second = second
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(slot)
        writer.write(first)
        writer.write(second)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorName(from: &reader)
        slot = try SlotName(from: &reader)
        first = try Statement(from: &reader)
        second = try Statement(from: &reader)
    }

    /// The same, with validator and matter named as the message or the log names them.
    package func naming<V, M>(validator: V, slot: M) -> EvidenceBody<V, M> {
        EvidenceBody<V, M>(validator: validator, slot: slot, first: first, second: second)
    }
}

/// Anybody shows two signed messages of one validator, or of the bridge, that contradict each
/// other.
package typealias EvidenceMessage = EvidenceBody<PublicKey, EvidenceSlot>

/// Evidence as it stands in the log.
package typealias EvidenceSubmitted = EvidenceBody<ValidatorIndex, Slot>

extension EvidenceMessage: Signed {
    /// Nil where a statement is not about the slot.
    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        let (one, other) = slots
        guard let first = check(of: first, on: one, in: ledger),
            let second = check(of: second, on: other, in: ledger)
        else { return nil }
        return [first, second]
    }

    /// What each of the statements is about.
    private var slots: (EvidenceSlot, EvidenceSlot) {
        guard case .consensus(.amnesia(let height, let precommit, let prevote)) = slot else {
            return (slot, slot)
        }
        return (
            .consensus(.precommit(height, round: precommit)),
            .consensus(.prevote(height, round: prevote))
        )
    }

    private func check(
        of statement: Statement, on slot: EvidenceSlot, in ledger: LedgerID
    ) -> SignatureCheck? {
        let message: [UInt8]
        let signature: Signature
        switch (slot, statement) {
        case (.vote(let request), .vote(let vote, let reason, let time, let its)):
            let vote = VoteMessage(
                request: request, validator: validator, vote: vote, reason: reason,
                timestamp: time, signature: its)
            (message, signature) = (vote.signedBytes(in: ledger), its)
        case (.vote(let request), .listedVote(let vote, let reason, let time, let path, let its)):
            let vote = VoteMessage(
                request: request, validator: validator, vote: vote, reason: reason,
                timestamp: time, signature: its)
            guard let bytes = vote.signedBytes(in: ledger, along: path) else { return nil }
            (message, signature) = (bytes, its)
        case (.consensus(let slot), .consensus(let value, let validRound, let its)):
            let bytes = ConsensusStatement.signedBytes(
                slot, value: value, validRound: validRound, key: validator, ledger: ledger)
            guard let bytes else { return nil }
            (message, signature) = (bytes, its)
        case (.result(let job), .result(let status, let output, let fuel, let its)):
            let result = ResultMessage(
                job: job, validator: validator, status: status, output: output, fuel: fuel,
                signature: its)
            (message, signature) = (result.signedBytes(in: ledger), its)
        case (.consensus(.checkpoint(let size)), .checkpoint(let root, let seconds, let its)):
            let bytes = CheckpointStatement.signedBytes(
                size: size, root: root, seconds: seconds, ledger: ledger)
            (message, signature) = (bytes, its)
        case (.settlement(let request), .settlement(let result, let reference, let its)):
            let report = SettlementMessage(
                request: request, bridge: validator, reference: reference, result: result,
                signature: its)
            (message, signature) = (report.signedBytes(in: ledger), its)
        default: return nil
        }
        return SignatureCheck(key: validator, message: message, signature: signature)
    }
}
