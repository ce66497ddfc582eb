// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

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

    /// What JSON calls the kind: the name of the case.
    package var jsonName: String {
        switch self {
        case .request: "request"
        case .vote: "vote"
        case .votes: "votes"
        case .job: "job"
        case .result: "result"
        case .settlement: "settlement"
        case .governance: "governance"
        case .evidence: "evidence"
        case .announcement: "announcement"
        }
    }

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
