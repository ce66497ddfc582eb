// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a validator says of a request.
package enum Vote: UInt8, BorshCodable, Hashable, NamedCase {
    /// The proof holds.
    case approve = 0
    /// The proof does not hold.
    case reject = 1
    /// The validator's own machinery could not tell.
    case abstain = 2

    package static let names = namesOfCases()
}

/// Why a validator voted as it did. It never decides anything.
package enum VoteReason: UInt8, BorshCodable, Hashable, NamedCase {
    /// The proof was verified under the circuit's key.
    case proofHolds = 0
    /// The verification equation does not hold.
    case proofFails = 1
    /// The number of public inputs is not the circuit's.
    case wrongInputCount = 2
    /// The validator could not verify in time.
    case outOfTime = 3
    /// The validator's own machinery failed.
    case localError = 4
    /// The validator does not hold the verifying key of the circuit.
    case keyUnavailable = 5
    /// None of the others.
    case unspecified = 6

    package static let names = namesOfCases()
}

/// What a vote on a request says, in a message and in the log.
package struct VoteBody<RequestName: Naming, ValidatorName: Naming>: BorshCodable, Hashable,
    Sendable
{
    /// The request: its id in a message, in the log the entry that introduced it.
    package var request: RequestName
    /// Who votes.
    package var validator: ValidatorName
    /// What it says.
    package var vote: Vote
    /// Why.
    package var reason: VoteReason
    /// The validator's own time.
    package var timestamp: Time
    /// The validator's, on `VoteMessage.signedBytes`; or that of a list that it is in.
    package var signature: Signature

    /// Any reason goes with any vote: it decides nothing.
    package init(
        request: RequestName, validator: ValidatorName, vote: Vote, reason: VoteReason,
        timestamp: Time,
        signature: Signature
    ) {
        self.request = request
        self.validator = validator
        self.vote = vote
        self.reason = reason
        self.timestamp = timestamp
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    /// Appends every field but the signature: what a message's own covers.
    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(validator)
        writer.write(vote)
        writer.write(reason)
        writer.write(timestamp)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try RequestName(from: &reader)
        validator = try ValidatorName(from: &reader)
        vote = try Vote(from: &reader)
        reason = try VoteReason(from: &reader)
        timestamp = try Time(from: &reader)
        signature = try reader.signature()
    }

    /// The same, with request and validator named as the message or the log names them.
    package func naming<R, V>(request: R, validator: V) -> VoteBody<R, V> {
        VoteBody<R, V>(
            request: request, validator: validator, vote: vote, reason: reason,
            timestamp: timestamp, signature: signature)
    }
}

/// A validator votes on a request.
package typealias VoteMessage = VoteBody<RequestID, PublicKey>

/// A vote as it stands in the log.
package typealias VoteCast = VoteBody<EntryIndex, ValidatorIndex>

extension VoteMessage: Signed, SignedByOne {
    package static var domain: String { "recount/vote/v1" }
    package var signer: PublicKey { validator }
}
