// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import BN254
internal import Cryptography
internal import Ledger
internal import Node

/// What became of a request: what `recount show request --json` prints.
package struct RequestAnswer: Encodable, Sendable {
    struct Pinned: Encodable {
        var index: UInt16
        var name: String
        var key: String
        var stake: UInt64
        var reputation: UInt64
    }

    struct Counted: Encodable {
        var entry: UInt64
        var index: UInt16
        var name: String
        var vote: VerificationVote
    }

    struct Refused: Encodable {
        var entry: UInt64
        var refusal: String
    }

    var entry: UInt64
    var batch: UInt64
    var request: Field
    var leader: UInt16
    var leaderName: String
    var threshold: UInt32
    var deadline: UInt64
    var pinned: [Pinned]
    var votes: [Counted]
    var decisionEntry: UInt64?
    var result: ConsensusResult?
    var events: [Field]
    var refused: [Refused]

    /// What a log says about it.
    package init(_ history: RequestHistory) {
        entry = history.entry
        batch = history.height.rawValue
        request = Self.request(history)
        let names = history.names
        leader = history.round.opened.leader.rawValue
        leaderName = names.name(of: history.round.opened.leader)
        threshold = history.round.opened.threshold
        deadline = history.round.opened.deadline.rawValue
        pinned = history.round.pinned.members.map {
            Pinned(
                index: $0.index.rawValue, name: names.name(of: $0.index), key: $0.key.hex,
                stake: $0.stake.rawValue, reputation: $0.reputation.rawValue)
        }
        votes = history.votes.map {
            Counted(
                entry: $0.entry, index: $0.validator.rawValue,
                name: names.name(of: $0.validator), vote: VerificationVote($0.message))
        }
        decisionEntry = history.decision?.entry
        result = history.decision.map { decision in
            ConsensusResult(
                request: history.round.id, decision: decision.event,
                votes: history.votes.map(\.message))
        }
        events = history.events.map { entry in
            .record([
                NamedField("entry", .number(entry.index)),
                NamedField("kind", .text(entry.event.kind)),
                NamedField("fields", .record(entry.event.fields.map { $0.named(by: names) })),
            ])
        }
        refused = history.refused.map { Refused(entry: $0.entry, refusal: "\($0.refusal)") }
    }

    /// The request with the names that `recount run` reads.
    private static func request(_ history: RequestHistory) -> Field {
        let message = history.message
        return .record([
            NamedField("request_id", .hex(history.round.id.hex)),
            NamedField("circuit", .text(history.circuitName)),
            NamedField("proof", .hex(message.proof.hex)),
            NamedField("public_inputs", .list(message.publicInputs.map(decimal))),
            NamedField("amount", .number(message.amount.rawValue)),
            NamedField("recipient", .hex(message.recipient.hex)),
            NamedField("timestamp", .time(message.timestamp.rawValue)),
            NamedField("nullifiers", .list(message.nullifiers.map(decimal))),
            NamedField("submitter", .hex(message.submitter.hex)),
            NamedField("submitter_name", .text(submitterName(history))),
            NamedField("signature", .hex(message.signature.hex)),
        ])
    }

    /// What the submitter of the request is called.
    package static func submitterName(_ history: RequestHistory) -> String {
        let place = Int(history.round.request.submitter.rawValue)
        let known = history.names.submitters
        return known.indices.contains(place) ? known[place] : ""
    }

    private static func decimal(_ bytes: Bytes32) -> Field {
        .text(Fr(littleEndian: bytes.bytes)?.decimal ?? bytes.hex)
    }
}
