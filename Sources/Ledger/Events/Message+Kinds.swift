// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The signature of a validator that agrees to a change.
package struct Endorsement: BorshCodable, Hashable, Sendable {
    /// Who agrees.
    package var validator: PublicKey
    /// On `GovernanceMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        validator: PublicKey, signature: Signature
    ) {
        self.validator = validator
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try reader.publicKey()
        signature = try reader.signature()
    }
}

/// T validators agree on a change.
package struct GovernanceMessage: BorshCodable, Hashable, Sendable {
    /// The running number of the change, kept in the parameters.
    package var number: UInt64
    /// What changes.
    package var change: Change
    /// At least T, by validator index.
    package var endorsements: [Endorsement]

    /// Takes the fields in order.
    package init(
        number: UInt64, change: Change, endorsements: [Endorsement]
    ) {
        self.number = number
        self.change = change
        self.endorsements = endorsements
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(number)
        writer.write(change)
        writer.write(endorsements)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        number = try reader.integer()
        change = try Change(from: &reader)
        endorsements = try reader.list(bound: Limits.membersMax)
    }
}

extension GovernanceMessage: Signed {
    /// What each signature covers: Borsh of `recount/change/v1`, the ledger id, number and change.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/change/v1")
        writer.write(ledger)
        writer.write(number)
        writer.write(change)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        let bytes = signedBytes(in: ledger)
        return endorsements.map {
            SignatureCheck(key: $0.validator, message: bytes, signature: $0.signature)
        }
    }
}

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

/// Anybody shows two signed messages of one validator, or of the bridge, that contradict each
/// other.
package struct EvidenceMessage: BorshCodable, Hashable, Sendable {
    /// Who signed both.
    package var validator: PublicKey
    /// What both are about.
    package var slot: EvidenceSlot
    /// The one.
    package var first: Statement
    /// The other.
    package var second: Statement

    /// Takes the fields in order.
    package init(
        validator: PublicKey, slot: EvidenceSlot, first: Statement, second: Statement
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
        validator = try reader.publicKey()
        slot = try EvidenceSlot(from: &reader)
        first = try Statement(from: &reader)
        second = try Statement(from: &reader)
    }
}

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

/// A message that the ledger decides on: a command from outside.
package enum Message: Hashable, Sendable, BorshCodable, Signed {
    case request(RequestMessage)
    case vote(VoteMessage)
    case job(JobMessage)
    case result(ResultMessage)
    case settlement(SettlementMessage)
    case governance(GovernanceMessage)
    case evidence(EvidenceMessage)
    case announcement(AnnouncementMessage)
    case votes(VoteListMessage)

    /// Whether the message that begins with this tag is one vote on a request, or several, or a
    /// result of a job.
    package static func isVoteOrResult(tag: UInt8) -> Bool { tag == 1 || tag == 3 || tag == 8 }

    /// The one key that signed it, in whose name a refusal is recorded; nil where there is not one.
    package var sender: PublicKey? {
        switch self {
        case .request(let message): message.submitter
        case .vote(let message): message.validator
        case .job(let message): message.submitter
        case .result(let message): message.validator
        case .settlement(let message): message.bridge
        case .announcement(let message): message.validator
        case .votes(let message): message.validator
        case .governance, .evidence: nil
        }
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        switch self {
        case .request(let message): message.signatureChecks(in: ledger)
        case .vote(let message): message.signatureChecks(in: ledger)
        case .job(let message): message.signatureChecks(in: ledger)
        case .result(let message): message.signatureChecks(in: ledger)
        case .settlement(let message): message.signatureChecks(in: ledger)
        case .governance(let message): message.signatureChecks(in: ledger)
        case .evidence(let message): message.signatureChecks(in: ledger)
        case .announcement(let message): message.signatureChecks(in: ledger)
        case .votes(let message): message.signatureChecks(in: ledger)
        }
    }

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .request(let message):
            writer.write(UInt8(0))
            writer.write(message)
        case .vote(let message):
            writer.write(UInt8(1))
            writer.write(message)
        case .job(let message):
            writer.write(UInt8(2))
            writer.write(message)
        case .result(let message):
            writer.write(UInt8(3))
            writer.write(message)
        case .settlement(let message):
            writer.write(UInt8(4))
            writer.write(message)
        case .governance(let message):
            writer.write(UInt8(5))
            writer.write(message)
        case .evidence(let message):
            writer.write(UInt8(6))
            writer.write(message)
        case .announcement(let message):
            writer.write(UInt8(7))
            writer.write(message)
        case .votes(let message):
            writer.write(UInt8(8))
            writer.write(message)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .request(try RequestMessage(from: &reader))
        case 1: self = .vote(try VoteMessage(from: &reader))
        case 2: self = .job(try JobMessage(from: &reader))
        case 3: self = .result(try ResultMessage(from: &reader))
        case 4: self = .settlement(try SettlementMessage(from: &reader))
        case 5: self = .governance(try GovernanceMessage(from: &reader))
        case 6: self = .evidence(try EvidenceMessage(from: &reader))
        case 7: self = .announcement(try AnnouncementMessage(from: &reader))
        case 8: self = .votes(try VoteListMessage(from: &reader))
        case let tag: throw .unknownTag(type: "Message", tag: tag, offset: start)
        }
    }
}

/// The opening of a batch, with the keys behind the indices so that signatures can be checked.
package struct BatchOpening: Sendable, Signed {
    /// The entry.
    package let event: BatchOpened
    /// The proposer's key.
    package let proposer: PublicKey
    /// The keys behind `event.precommits`, in their order.
    package let precommitKeys: [PublicKey]

    /// Joins the entry and the keys.
    package init(event: BatchOpened, proposer: PublicKey, precommitKeys: [PublicKey]) {
        self.event = event
        self.proposer = proposer
        self.precommitKeys = precommitKeys
    }

    /// What the proposer signs: Borsh of `recount/batch/v1`, ledger id, height, time, round,
    /// root of the log before, proposer's key.
    package static func signedBytes(
        height: Height, time: Time, round: UInt32, previousRoot: Digest, proposer: PublicKey,
        in ledger: LedgerID
    ) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/batch/v1")
        writer.write(ledger)
        writer.write(height)
        writer.write(time)
        writer.write(round)
        writer.write(previousRoot)
        writer.write(proposer)
        return writer.bytes
    }

    /// Nil where the keys are not those of the precommits, or a first batch has any.
    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        guard precommitKeys.count == event.precommits.count else { return nil }
        let signed = Self.signedBytes(
            height: event.height, time: event.time, round: event.round,
            previousRoot: event.previousRoot, proposer: proposer, in: ledger)
        var checks = [
            SignatureCheck(key: proposer, message: signed, signature: event.signature)
        ]
        guard event.height.rawValue > 0 else { return event.precommits.isEmpty ? checks : nil }
        let slot = Slot.precommit(
            Height(event.height.rawValue - 1), round: event.precommitRound)
        for (precommit, key) in zip(event.precommits, precommitKeys) {
            guard
                let bytes = ConsensusStatement.signedBytes(
                    slot, value: event.previousRoot, validRound: -1, key: key, ledger: ledger)
            else { return nil }
            checks.append(
                SignatureCheck(key: key, message: bytes, signature: precommit.signature))
        }
        return checks
    }
}
