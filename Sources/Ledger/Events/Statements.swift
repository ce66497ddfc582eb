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
    /// The result of a job.
    case result(EntryIndex)
    /// The precommit of one round of a height, and the prevote of a later one.
    case amnesia(Height, precommit: UInt32, prevote: UInt32)
    /// The checkpoint of the log at a size.
    case checkpoint(size: UInt64)
    /// The bridge's report of a settlement.
    case settlement(EntryIndex)

    /// What JSON calls the kind: the name of the case.
    package var jsonName: String {
        switch self {
        case .vote: "vote"
        case .proposal: "proposal"
        case .prevote: "prevote"
        case .precommit: "precommit"
        case .result: "result"
        case .amnesia: "amnesia"
        case .checkpoint: "checkpoint"
        case .settlement: "settlement"
        }
    }

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
        case .result(let job):
            writer.write(UInt8(4))
            writer.write(job)
        case .amnesia(let height, let precommit, let prevote):
            writer.write(UInt8(5))
            writer.write(height)
            writer.write(precommit)
            writer.write(prevote)
        case .checkpoint(let size):
            writer.write(UInt8(6))
            writer.write(size)
        case .settlement(let request):
            writer.write(UInt8(7))
            writer.write(request)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .vote(try EntryIndex(from: &reader))
        case 1: self = .proposal(try Height(from: &reader), round: try reader.integer())
        case 2: self = .prevote(try Height(from: &reader), round: try reader.integer())
        case 3: self = .precommit(try Height(from: &reader), round: try reader.integer())
        case 4: self = .result(try EntryIndex(from: &reader))
        case 5:
            self = .amnesia(
                try Height(from: &reader), precommit: try reader.integer(),
                prevote: try reader.integer())
        case 6: self = .checkpoint(size: try reader.integer())
        case 7: self = .settlement(try EntryIndex(from: &reader))
        case let tag: throw .unknownTag(type: "Slot", tag: tag, offset: start)
        }
    }
}

/// One signed message about a slot, without what the slot and the evidence already say.
package enum Statement: Hashable, Sendable, BorshCodable {
    /// A vote on a request.
    case vote(Vote, VoteReason, Time, Signature)
    /// A vote on a request, with its way to the root of the list that is signed.
    case listedVote(Vote, VoteReason, Time, VotePath, Signature)
    /// A proposal, prevote or precommit of a value, resting on the prevotes of a round: the valid
    /// round of a proposal, the ground of a prevote (-1: none).
    case consensus(value: Digest?, validRound: Int64, Signature)
    /// The result of a job.
    case result(JobStatus, output: Digest, fuel: UInt64, Signature)
    /// A checkpoint with a root: signed as its log's own (nil), or cosigned as of a second.
    case checkpoint(root: Digest, seconds: UInt64?, Signature)
    /// A report of a settlement.
    case settlement(SettlementResult, reference: [UInt8], Signature)

    /// What it says of a request, where it is a vote on one.
    package var vote: Vote? {
        switch self {
        case .vote(let vote, _, _, _), .listedVote(let vote, _, _, _, _): vote
        case .consensus, .result, .checkpoint, .settlement: nil
        }
    }

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
        case .result(let status, let output, let fuel, let signature):
            writer.write(UInt8(2))
            writer.write(status)
            writer.write(output)
            writer.write(fuel)
            writer.write(signature)
        case .checkpoint(let root, let seconds, let signature):
            writer.write(UInt8(3))
            writer.write(root)
            writer.write(UInt8(seconds == nil ? 0 : 1))
            if let seconds { writer.write(seconds) }
            writer.write(signature)
        case .settlement(let result, let reference, let signature):
            writer.write(UInt8(4))
            writer.write(result)
            writer.write(reference)
            writer.write(signature)
        case .listedVote(let vote, let reason, let time, let path, let signature):
            writer.write(UInt8(5))
            writer.write(vote)
            writer.write(reason)
            writer.write(time)
            writer.write(path)
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
        case 2:
            self = .result(
                try JobStatus(from: &reader), output: try reader.digest(),
                fuel: try reader.integer(), try reader.signature())
        case 3:
            let root = try reader.digest()
            let flag = reader.offset
            let seconds: UInt64?
            switch try reader.integer(UInt8.self) {
            case 0: seconds = nil
            case 1: seconds = try reader.integer()
            case let tag: throw .unknownTag(type: "UInt64?", tag: tag, offset: flag)
            }
            self = .checkpoint(root: root, seconds: seconds, try reader.signature())
        case 4:
            self = .settlement(
                try SettlementResult(from: &reader),
                reference: try reader.blob(
                    of: "Statement.reference", bound: Limits.referenceBytesMax),
                try reader.signature())
        case 5:
            self = .listedVote(
                try Vote(from: &reader), try VoteReason(from: &reader), try Time(from: &reader),
                try VotePath(from: &reader), try reader.signature())
        case let tag: throw .unknownTag(type: "Statement", tag: tag, offset: start)
        }
    }
}

/// The bytes that validators sign to order batches (Buchman, Kwon and Milosevic 2018,
/// arXiv:1807.04938, Algorithm 1).
package enum ConsensusStatement {
    /// Borsh of the domain of the slot, ledger id, height, round, value, valid round, key.
    ///
    /// A prevote has its ground for a valid round, a precommit has -1. Nil where the slot is none
    /// of one proposal, prevote or precommit.
    package static func signedBytes(
        _ slot: Slot, value: Digest?, validRound: Int64, key: PublicKey, ledger: LedgerID
    ) -> [UInt8]? {
        let domain: String
        let position: (Height, UInt32)
        switch slot {
        case .vote, .result, .amnesia, .checkpoint, .settlement: return nil
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

/// The text of a checkpoint of the log, and of its cosignatures, as `EventLog` signs them.
///
/// Source: C2SP tlog-checkpoint and tlog-cosignature.
package enum CheckpointStatement {
    /// The three lines of the checkpoint; for a cosignature after `cosignature/v1` and its time.
    package static func signedBytes(
        size: UInt64, root: Digest, seconds: UInt64?, ledger: LedgerID
    ) -> [UInt8] {
        let head = seconds.map { "cosignature/v1\ntime \($0)\n" } ?? ""
        return Array("\(head)recount/\(ledger.hex)\n\(size)\n\(root.bytes.base64)\n".utf8)
    }
}
