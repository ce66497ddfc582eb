// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import BN254
internal import Cryptography
package import Ledger
package import Node

/// What became of a request: what `recount show request --json` prints.
package struct RequestAnswer: Codable, Sendable {
    /// The request with the names that `recount run` reads.
    package struct Asked: Codable, Sendable {
        /// Its identity, in hexadecimal.
        package var requestID: String
        /// What the circuit is called.
        package var circuit: String
        /// The proof, in hexadecimal.
        package var proof: String
        /// The public inputs, as decimal numbers.
        package var publicInputs: [String]
        /// The amount.
        package var amount: UInt64
        /// The recipient, in hexadecimal.
        package var recipient: String
        /// The submitter's own time.
        package var timestamp: UInt64
        /// The nullifiers, as decimal numbers.
        package var nullifiers: [String]
        /// The submitter's key, in hexadecimal.
        package var submitter: String
        /// What the submitter is called.
        package var submitterName: String
        /// The submitter's signature, in hexadecimal.
        package var signature: String
    }

    /// A validator that may vote.
    package struct Pinned: Codable, Sendable {
        /// The validator's number, from 0.
        package var validator: UInt16
        /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
        package var name: String
        /// Its key, in hexadecimal.
        package var key: String
        /// Its stake when the round opened.
        package var stake: UInt64
        /// Its reputation then, in thousandths of a point.
        package var reputation: UInt64
    }

    /// A vote that the ledger holds.
    package struct Counted: Codable, Sendable {
        /// The place of its entry in the log, from 0.
        package var entry: UInt64
        /// The validator's number, from 0.
        package var validator: UInt16
        /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
        package var name: String
        /// The vote.
        package var vote: VerificationVote
    }

    /// What followed: an entry about the request.
    package struct Followed: Codable, Sendable {
        /// The place of the entry in the log, from 0.
        package var entry: UInt64
        /// Its kind.
        package var kind: String
        /// What it says, in order; nothing where this was read from JSON, which has no order.
        package var fields: [NamedField]

        private enum CodingKeys: String, CodingKey { case entry, kind, fields }

        /// An entry with the names of those in it.
        package init(_ entry: LoggedEntry, _ names: LedgerNames) {
            self.entry = entry.index
            kind = entry.event.kind
            fields = entry.event.fields.map { $0.named(by: names) }
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            entry = try container.decode(UInt64.self, forKey: .entry)
            kind = try container.decode(String.self, forKey: .kind)
            fields = []
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(entry, forKey: .entry)
            try container.encode(kind, forKey: .kind)
            try container.encode(Field.record(fields), forKey: .fields)
        }
    }

    /// A message about the request that was refused.
    package struct Refused: Codable, Sendable {
        /// The entry that says so.
        package var entry: UInt64
        /// Why.
        package var refusal: String
    }

    /// The entry of the request.
    package var entry: UInt64
    /// Its batch.
    package var batch: UInt64
    /// What was asked.
    package var request: Asked
    /// The submitter, by its number.
    package var submitter: UInt32
    /// Who leads it.
    package var leader: UInt16
    /// What the leader is called.
    package var leaderName: String
    /// The approvals that it needs.
    package var threshold: UInt32
    /// When its round ends.
    package var deadline: UInt64
    /// Who may vote.
    package var pinned: [Pinned]
    /// The votes.
    package var votes: [Counted]
    /// The entry of the decision, once there is one.
    package var decisionEntry: UInt64?
    /// The vote that decided, by its entry.
    package var deciding: UInt64?
    /// Approvals less the threshold, at the decision.
    package var margin: Int64?
    /// Votes to approve when the round closed, also those after the decision; nil until then.
    package var closingApprovals: UInt32?
    /// How many of those who made the decision could have failed without another outcome, by all
    /// votes of the closed round; nil where no votes made it.
    package var spare: Int64?
    /// The decision, once there is one.
    package var result: ConsensusResult?
    /// What followed.
    package var events: [Followed]
    /// What was refused.
    package var refused: [Refused]

    /// What a log says about it.
    package init(_ history: RequestHistory) {
        entry = history.entry
        batch = history.height.rawValue
        request = Self.request(history)
        let names = history.names
        submitter = history.round.request.submitter.rawValue
        leader = history.round.opened.leader.rawValue
        leaderName = names.name(of: history.round.opened.leader)
        threshold = history.round.opened.threshold
        deadline = history.round.opened.deadline.rawValue
        pinned = history.round.pinned.members.map {
            Pinned(
                validator: $0.index.rawValue, name: names.name(of: $0.index), key: $0.key.hex,
                stake: $0.stake.rawValue, reputation: $0.reputation.rawValue)
        }
        votes = history.votes.map {
            Counted(
                entry: $0.entry, validator: $0.validator.rawValue,
                name: names.name(of: $0.validator),
                vote: VerificationVote($0.message, isListed: $0.isListed))
        }
        decisionEntry = history.decision?.entry
        deciding = history.decision?.event.deciding.rawValue
        margin = history.decision.map { Int64($0.event.margin) }
        let closing = history.closing
        closingApprovals = closing?.approvals
        spare = closing?.spare(history.decision?.event.reason)
        result = history.decision.map { decision in
            ConsensusResult(
                request: history.round.id, decision: decision.event,
                votes: history.votes.map {
                    VerificationVote($0.message, isListed: $0.isListed)
                })
        }
        events = history.events.map { Followed($0, names) }
        refused = history.refused.map { Refused(entry: $0.entry, refusal: "\($0.refusal)") }
    }

    private static func request(_ history: RequestHistory) -> Asked {
        let message = history.message
        return Asked(
            requestID: history.round.id.hex, circuit: history.circuitName,
            proof: message.proof.hex, publicInputs: message.publicInputs.map(decimal),
            amount: message.amount.rawValue, recipient: message.recipient.hex,
            timestamp: message.timestamp.rawValue, nullifiers: message.nullifiers.map(decimal),
            submitter: message.submitter.hex, submitterName: submitterName(history),
            signature: message.signature.hex)
    }

    /// What the submitter of the request is called.
    private static func submitterName(_ history: RequestHistory) -> String {
        let place = Int(history.round.request.submitter.rawValue)
        let known = history.names.submitters
        return known.indices.contains(place) ? known[place] : ""
    }

    private static func decimal(_ bytes: Bytes32) -> String {
        Fr(littleEndian: bytes.bytes)?.decimal ?? bytes.hex
    }

    /// A nullifier in hexadecimal.
    package static func hexadecimal(_ nullifier: String) -> String {
        Fr(decimal: nullifier)?.littleEndianBytes.hex ?? nullifier
    }
}
