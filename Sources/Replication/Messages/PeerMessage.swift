// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Prevotes for a value that a node lacks: all those that are ground, up to a round.
///
/// They are sent by whole rounds, the earliest first, so that each counts as it comes.
package struct WantedPrevotes: BorshCodable, Hashable, Sendable {
    /// What they are for.
    package var value: Digest
    /// The last round of which they are wanted.
    package var through: UInt32
    /// The rounds of which the node holds a quorum of them, rising.
    package var held: [UInt32]

    /// Rounds count from 0, and `held` is rising.
    package init(value: Digest, through: UInt32, held: [UInt32]) {
        self.value = value
        self.through = through
        self.held = held
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(value)
        writer.write(through)
        writer.write(UInt32(held.count))
        for round in held { writer.write(round) }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        value = try reader.digest()
        through = try reader.integer()
        let start = reader.offset
        let count: UInt32 = try reader.integer()
        guard count <= ReplicationLimits.heldQuorumsMax else {
            throw .overBound(
                type: "WantedPrevotes", count: UInt64(count),
                bound: UInt64(ReplicationLimits.heldQuorumsMax), offset: start)
        }
        held = []
        for _ in 0..<count {
            let place = reader.offset
            let round: UInt32 = try reader.integer()
            guard held.last.map({ $0 < round }) ?? true else {
                throw .notCanonical(type: "WantedPrevotes", offset: place)
            }
            held.append(round)
        }
    }
}

/// Where a node stands, so that its peers send what it lacks.
///
/// Signed by nobody: it costs its sender nothing to lie, and its receiver a bounded answer.
package struct Status: BorshCodable, Hashable, Sendable {
    /// The height that it works on: one above its last batch.
    package var height: Height
    /// Its round there.
    package var round: UInt32
    /// Whether it has the proposal of that round.
    package var hasProposal: Bool
    /// The validators whose prevotes of that round it has, by index.
    package var prevotes: [ValidatorIndex]
    /// The validators whose precommits of that round it has, by index.
    package var precommits: [ValidatorIndex]
    /// The prevotes of earlier rounds that it lacks.
    package var wanted: [WantedPrevotes]

    /// At most `Limits.membersMax` in each list, rising.
    package init(
        height: Height, round: UInt32, hasProposal: Bool, prevotes: [ValidatorIndex],
        precommits: [ValidatorIndex], wanted: [WantedPrevotes]
    ) {
        self.height = height
        self.round = round
        self.hasProposal = hasProposal
        self.prevotes = prevotes
        self.precommits = precommits
        self.wanted = wanted
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(UInt8(hasProposal ? 1 : 0))
        writer.write(prevotes)
        writer.write(precommits)
        writer.write(wanted)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        round = try reader.integer()
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: hasProposal = false
        case 1: hasProposal = true
        case let tag: throw .unknownTag(type: "Bool", tag: tag, offset: start)
        }
        prevotes = try reader.list(bound: Limits.membersMax)
        precommits = try reader.list(bound: Limits.membersMax)
        wanted = try reader.list(bound: ReplicationLimits.wantedPrevotesMax)
    }
}

/// What one node says to another: Borsh, a `u8` tag before the fields.
package enum PeerMessage: BorshCodable, Hashable, Sendable {
    /// Tag 0: a proposal of a leader, from it or passed on.
    case proposal(Proposal)
    /// Tag 1: a prevote or precommit, from its validator or passed on.
    case vote(ConsensusVote)
    /// Tag 2: a message for the ledger, a vote on a request among them.
    case command(Message)
    /// Tag 3: where the sender stands.
    case status(Status)
    /// Tag 4: the sender has heard of these requests and asks for them.
    case want([RequestID])
    /// Tag 5: a batch that the receiver lacks.
    case batch(DecidedBatch)
    /// Tag 6: the sender starts from far behind and asks for a part of a snapshot.
    case wantSnapshot(SnapshotWant)
    /// Tag 7: a part of a snapshot.
    case snapshotPart(SnapshotPart)

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .proposal(let proposal):
            writer.write(UInt8(0))
            writer.write(proposal)
        case .vote(let vote):
            writer.write(UInt8(1))
            writer.write(vote)
        case .command(let message):
            writer.write(UInt8(2))
            writer.write(message)
        case .status(let status):
            writer.write(UInt8(3))
            writer.write(status)
        case .want(let requests):
            writer.write(UInt8(4))
            writer.write(requests)
        case .batch(let batch):
            writer.write(UInt8(5))
            writer.write(batch)
        case .wantSnapshot(let want):
            writer.write(UInt8(6))
            writer.write(want)
        case .snapshotPart(let part):
            writer.write(UInt8(7))
            writer.write(part)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .proposal(try Proposal(from: &reader))
        case 1: self = .vote(try ConsensusVote(from: &reader))
        case 2: self = .command(try Message(from: &reader))
        case 3: self = .status(try Status(from: &reader))
        case 4: self = .want(try reader.list(bound: ReplicationLimits.wantedMax))
        case 5: self = .batch(try DecidedBatch(from: &reader))
        case 6: self = .wantSnapshot(try SnapshotWant(from: &reader))
        case 7: self = .snapshotPart(try SnapshotPart(from: &reader))
        case let tag: throw .unknownTag(type: "PeerMessage", tag: tag, offset: start)
        }
    }
}
