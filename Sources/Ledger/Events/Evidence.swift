// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a validator may say only once: the matter of two contradicting messages.
package enum Slot: Hashable, Sendable, BorshCodable {
    /// The vote on a request.
    case vote(EntryIndex)
    /// The proposal of a height and round.
    case proposal(Height, round: UInt32)
    /// The prevote of a height and round.
    case prevote(Height, round: UInt32)
    /// The precommit of a height and round.
    case precommit(Height, round: UInt32)

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .vote(let request):
            writer.write(UInt8(0))
            writer.write(request)
        case .proposal(let height, let round):
            writer.write(UInt8(1))
            writer.write(height)
            writer.write(round)
        case .prevote(let height, let round):
            writer.write(UInt8(2))
            writer.write(height)
            writer.write(round)
        case .precommit(let height, let round):
            writer.write(UInt8(3))
            writer.write(height)
            writer.write(round)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .vote(try EntryIndex(from: &reader))
        case 1: self = .proposal(try Height(from: &reader), round: try reader.integer())
        case 2: self = .prevote(try Height(from: &reader), round: try reader.integer())
        case 3: self = .precommit(try Height(from: &reader), round: try reader.integer())
        case let tag: throw .unknownTag(type: "Slot", tag: tag, offset: start)
        }
    }
}

/// One signed message about a slot, without what the slot and the evidence already say.
package enum Statement: Hashable, Sendable, BorshCodable {
    /// A vote on a request.
    case vote(Vote, VoteReason, Time, Signature)
    /// A proposal, prevote or precommit of a value, resting on a valid round (-1: none).
    case consensus(value: Digest?, validRound: Int64, Signature)

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .vote(let vote, let reason, let time, let signature):
            writer.write(UInt8(0))
            writer.write(vote)
            writer.write(reason)
            writer.write(time)
            writer.write(signature)
        case .consensus(let value, let validRound, let signature):
            writer.write(UInt8(1))
            writer.write(UInt8(value == nil ? 0 : 1))
            if let value { writer.write(value) }
            writer.write(validRound)
            writer.write(signature)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0:
            self = .vote(
                try Vote(from: &reader), try VoteReason(from: &reader), try Time(from: &reader),
                try reader.signature())
        case 1:
            let flag = reader.offset
            let value: Digest?
            switch try reader.integer(UInt8.self) {
            case 0: value = nil
            case 1: value = try reader.digest()
            case let tag: throw .unknownTag(type: "Digest?", tag: tag, offset: flag)
            }
            self = .consensus(
                value: value, validRound: try reader.integer(), try reader.signature())
        case let tag: throw .unknownTag(type: "Statement", tag: tag, offset: start)
        }
    }
}

/// The bytes that validators sign to order batches (Buchman, Kwon and Milosevic 2018,
/// arXiv:1807.04938, Algorithm 1).
package enum ConsensusStatement {
    /// Borsh of the domain of the slot, ledger id, height, round, value, valid round, key.
    ///
    /// A precommit has no valid round: it is -1 there. Nil where the slot is a vote.
    package static func signedBytes(
        _ slot: Slot, value: Digest?, validRound: Int64, key: PublicKey, ledger: LedgerID
    ) -> [UInt8]? {
        let domain: String
        let position: (Height, UInt32)
        switch slot {
        case .vote: return nil
        case .proposal(let height, let round):
            (domain, position) = ("recount/proposal/v1", (height, round))
        case .prevote(let height, let round):
            (domain, position) = ("recount/prevote/v1", (height, round))
        case .precommit(let height, let round):
            (domain, position) = ("recount/precommit/v1", (height, round))
        }
        var writer = BorshWriter(domain: domain)
        writer.write(ledger)
        writer.write(position.0)
        writer.write(position.1)
        writer.write(UInt8(value == nil ? 0 : 1))
        if let value { writer.write(value) }
        writer.write(validRound)
        writer.write(key)
        return writer.bytes
    }
}
