// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// Why a journal says or notes nothing.
package enum JournalError: Error, Sendable {
    /// The log failed. What was not made durable is not said.
    case log(LogError)
    /// The checkpoint must not be cosigned.
    case cosign(CosignRefusal)
    /// An entry cannot stand there, whether it is read or was to be written.
    case unusable(entry: UInt64, JournalProblem)
}

extension JournalError: CustomStringConvertible {
    /// What happened, for a person.
    package var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .cosign(let refusal): "the checkpoint is not cosigned: \(refusal)"
        case .unusable(let entry, let problem): "entry \(entry): \(problem)"
        }
    }
}

/// What is wrong with an entry of a validator's journal.
package enum JournalProblem: Error, Equatable, Sendable {
    /// The bytes are no vote.
    case undecodable(DecodingError)
    /// A list of votes is not well formed.
    case malformedList
    /// The vote or result is another validator's.
    case foreign(PublicKey)
    /// The entry gives another verdict than an earlier one on the same request.
    case contradiction(RequestID, earlier: Vote, later: Vote)
    /// The entry gives another result than an earlier one on the same job.
    case contradictoryResult(JobID)
    /// A checkpoint was cosigned after one of a larger log.
    case rollback(from: UInt64, to: UInt64)
    /// Another message of the validator's own in the same slot says something else.
    case contradictory(Slot)
    /// The validator's key did not sign its own message in this slot.
    case notSigned(Slot)
    /// The validator has spoken at a later height than that of its message.
    case past(Slot, spoken: Height)
    /// The journal was lost or cut, and the height of the message is one of which it may know
    /// nothing.
    case silent(Slot, through: Height)
    /// A height of silence that is not directly behind the beginning of a journal.
    case misplacedHeight
    /// A part of a batch was due: number `number`, from 0, of `of`.
    case partsMissing(number: UInt32, of: UInt32)
    /// The parts of a batch are no batch.
    case batch(DecodingError)
    /// A batch has too many bytes.
    case batchTooLarge(bytes: Int, max: Int)
}

extension JournalProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .undecodable(let error): "it is nothing that a journal holds (\(error))"
        case .malformedList: "it is a list of votes that shows none, or two on one request"
        case .foreign(let key): "\(key.hex) has signed it"
        case .contradiction(let request, let earlier, let later):
            "it says \(later) of \(request.hex), and an earlier one \(earlier)"
        case .contradictoryResult(let job):
            "it says of job \(job.hex) what an earlier one does not"
        case .rollback(let from, let to):
            "it cosigns a log of \(to) entries after one of \(from)"
        case .contradictory(let slot): "it contradicts the validator's own \(Self.text(of: slot))"
        case .notSigned(let slot): "the validator's key did not sign its \(Self.text(of: slot))"
        case .past(let slot, let spoken):
            "it is the \(Self.text(of: slot)), and the validator has spoken at height "
                + "\(spoken.rawValue)"
        case .silent(let slot, let through):
            "it is the \(Self.text(of: slot)), and for its journal was lost or cut the validator "
                + "is silent through height \(through.rawValue)"
        case .misplacedHeight: "it does not follow the beginning of a journal"
        case .partsMissing(let number, let parts):
            "part \(number) of the \(parts) parts of a batch was due"
        case .batch(let error): "its parts are no batch (\(error))"
        case .batchTooLarge(let bytes, let max): "a batch has \(bytes) bytes, more than \(max)"
        }
    }

    private static func text(of slot: Slot) -> String {
        switch slot {
        case .vote(let request): "vote on the request in entry \(request.rawValue)"
        case .proposal(let height, let round):
            "proposal of height \(height.rawValue), round \(round)"
        case .prevote(let height, let round):
            "prevote of height \(height.rawValue), round \(round)"
        case .precommit(let height, let round):
            "precommit of height \(height.rawValue), round \(round)"
        case .result(let job): "result of the job in entry \(job.rawValue)"
        case .amnesia(let height, let precommit, let prevote):
            "precommit of height \(height.rawValue), round \(precommit), and prevote of round "
                + "\(prevote)"
        case .checkpoint(let size): "checkpoint of \(size) entries"
        case .settlement(let request): "report on the request in entry \(request.rawValue)"
        }
    }
}
