// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// A signed vote as JSON.
package struct VerificationVote: Codable, Sendable, Equatable {
    /// The request, in hexadecimal.
    package var requestID: String
    /// The validator's key, in hexadecimal.
    package var validatorID: String
    /// `approve`, `reject` or `abstain`.
    package var vote: String
    /// Why, as `VoteReason` calls it.
    package var reason: String
    /// The validator's own time, in milliseconds since 1970.
    package var timestamp: UInt64
    /// The validator's signature, in hexadecimal.
    package var signature: String
    /// True where the signature covers a list of votes: the certificate of the request shows the
    /// way from the vote to what is signed. Absent where it covers the vote alone.
    package var listed: Bool?

    private enum CodingKeys: String, CodingKey {
        case requestID = "request_id"
        case validatorID = "validator_id"
        case vote, reason, timestamp, signature, listed
    }
}

extension VerificationVote {
    /// Writes a vote as JSON has it.
    package init(_ signed: SignedVote) {
        self.init(signed.vote, isListed: signed.listing != nil)
    }

    /// Writes a vote as JSON has it, whose signature covers a list or itself alone.
    package init(_ message: VoteMessage, isListed: Bool) {
        listed = isListed ? true : nil
        requestID = message.request.hex
        validatorID = message.validator.hex
        vote = message.vote.jsonName
        reason = message.reason.jsonName
        timestamp = message.timestamp.rawValue
        signature = message.signature.hex
    }

    /// Reads the vote that the fields stand for; the signature is not checked.
    package func message() throws(LineProblem) -> VoteMessage {
        func wrong(_ field: String, _ wanted: String) -> LineProblem {
            .wrongValue(field: field, problem: "\(wanted) is wanted")
        }
        guard let request = Bytes32(hex: requestID) else {
            throw wrong("request_id", "a number of sixty-four hexadecimal digits")
        }
        guard let validator = Bytes32(hex: validatorID) else {
            throw wrong("validator_id", "a key of sixty-four hexadecimal digits")
        }
        guard let vote = Vote(jsonName: vote) else {
            throw wrong("vote", "approve, reject or abstain")
        }
        guard let reason = VoteReason(jsonName: reason) else {
            throw wrong(
                "reason", "one of \(VoteReason.allCases.map(\.jsonName).joined(separator: ", "))")
        }
        guard let signature = [UInt8](hex: signature).flatMap({ Signature($0) }) else {
            throw wrong("signature", "a number of 128 hexadecimal digits")
        }
        return VoteMessage(
            request: RequestID(Digest(request)), validator: PublicKey(validator), vote: vote,
            reason: reason, timestamp: Time(timestamp), signature: signature)
    }
}
