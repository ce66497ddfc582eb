// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A validator whose vote counts in a round, as it was when the round opened.
package struct PinnedMember: Equatable, Sendable {
    /// The validator.
    package let index: ValidatorIndex
    /// Its key.
    package let key: PublicKey
    /// Its stake then.
    package let stake: Stake
    /// Its reputation then.
    package let reputation: Reputation

    /// Stake and reputation are those at the opening of the round.
    package init(index: ValidatorIndex, key: PublicKey, stake: Stake, reputation: Reputation) {
        self.index = index
        self.key = key
        self.stake = stake
        self.reputation = reputation
    }
}

/// The validators whose votes count in a round, by index.
package struct PinnedSet: Equatable, Sendable {
    /// The members, by index.
    package let members: [PinnedMember]

    /// Takes them, by index.
    package init(members: [PinnedMember]) { self.members = members }

    /// SHA-256 of Borsh of `recount/pinned/v1`, then index, key, stake and reputation of each.
    package var digest: Digest {
        var writer = BorshWriter(domain: "recount/pinned/v1")
        writer.write(UInt32(members.count))
        for member in members {
            writer.write(member.index)
            writer.write(member.key)
            writer.write(member.stake)
            writer.write(member.reputation)
        }
        return Digest(hashing: writer.bytes)
    }

    /// Returns the place of a validator, or nil where it is not pinned.
    package func position(of validator: ValidatorIndex) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].index < validator { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].index == validator ? low : nil
    }
}

/// A vote that a round has recorded.
package struct RecordedVote: Equatable, Sendable {
    /// Its entry.
    package let entry: EntryIndex
    /// What it says.
    package let event: VoteCast
    /// Whether the entry is a list, so that the signature covers the root of all its votes.
    package let isListed: Bool
}

extension BorshWriter {
    /// Appends a `u32` count and the votes, each 0, or 1 (2 for one of a list), entry and vote.
    mutating func write(_ votes: [RecordedVote?]) {
        write(UInt32(votes.count))
        for vote in votes {
            guard let vote else {
                write(UInt8(0))
                continue
            }
            write(UInt8(vote.isListed ? 2 : 1))
            write(vote.entry)
            write(vote.event)
        }
    }
}

extension BorshReader {
    /// Reads what `write` appends, of at most `bound` votes.
    mutating func recordedVotes(bound: Int) throws(DecodingError) -> [RecordedVote?] {
        let count = try count(of: "RecordedVote?", bound: bound)
        var votes: [RecordedVote?] = []
        for _ in 0..<count {
            let start = offset
            switch try integer(UInt8.self) {
            case 0: votes.append(nil)
            case let tag where tag <= 2:
                let entry = try EntryIndex(from: &self)
                votes.append(
                    RecordedVote(
                        entry: entry, event: try VoteCast(from: &self), isListed: tag == 2))
            case let tag: throw .unknownTag(type: "RecordedVote?", tag: tag, offset: start)
            }
        }
        return votes
    }
}

/// How many said what.
package struct Tally: Equatable, Sendable {
    /// Votes to approve.
    package var approvals = 0
    /// Votes to reject.
    package var rejections = 0
    /// Abstentions.
    package var abstentions = 0

    /// The number of votes.
    package var votes: Int { approvals + rejections + abstentions }

    /// Nothing counted yet.
    package init() {}

    mutating func count(_ vote: Vote) {
        switch vote {
        case .approve: approvals += 1
        case .reject: rejections += 1
        case .abstain: abstentions += 1
        }
    }
}

/// The voting on a request, from its opening to its close.
///
/// Invariants: `votes.count == pinned.members.count`; a vote once recorded stays; there is at most
/// one decision, and it stays.
package struct Round: Equatable, Sendable {
    /// The entry that introduced the request.
    package let entry: EntryIndex
    /// The identity of the request.
    package let id: RequestID
    /// The request.
    package let request: RequestSubmitted
    /// Whose votes count.
    package let pinned: PinnedSet
    /// What `RoundOpened` says.
    package let opened: RoundOpened
    /// The parameter of that name when the round opened.
    package let settlementMilliseconds: UInt64
    /// The votes so far, by place in `pinned`.
    package internal(set) var votes: [RecordedVote?]
    /// The decision, once there is one.
    package internal(set) var decided: OutcomeDecided?

    /// A round as it opens.
    package init(
        entry: EntryIndex, id: RequestID, request: RequestSubmitted, pinned: PinnedSet,
        opened: RoundOpened, settlementMilliseconds: UInt64
    ) {
        self.init(
            entry: entry, id: id, request: request, pinned: pinned, opened: opened,
            settlementMilliseconds: settlementMilliseconds,
            votes: Array(repeating: nil, count: pinned.members.count), decided: nil)
    }

    /// A round with what it has recorded.
    init(
        entry: EntryIndex, id: RequestID, request: RequestSubmitted, pinned: PinnedSet,
        opened: RoundOpened, settlementMilliseconds: UInt64, votes: [RecordedVote?],
        decided: OutcomeDecided?
    ) {
        self.entry = entry
        self.id = id
        self.request = request
        self.pinned = pinned
        self.opened = opened
        self.settlementMilliseconds = settlementMilliseconds
        self.votes = votes
        self.decided = decided
        invariant(
            votes.count == pinned.members.count,
            "\(votes.count) places for \(pinned.members.count) voters")
    }

    /// What became of a vote that was to be recorded.
    enum Recording { case recorded, voted, notPinned }

    /// Records the vote of a pinned validator that has not voted.
    mutating func record(_ vote: RecordedVote) -> Recording {
        guard let place = pinned.position(of: vote.event.validator) else { return .notPinned }
        guard votes[place] == nil else { return .voted }
        votes[place] = vote
        return .recorded
    }

    /// T of this round.
    package var threshold: Int { Int(opened.threshold) }

    /// How many have said what so far.
    package var tally: Tally {
        var tally = Tally()
        for case let vote? in votes { tally.count(vote.event.vote) }
        return tally
    }

    /// Whether everybody asked has voted.
    package var isComplete: Bool { votes.allSatisfy { $0 != nil } }
}

/// What is kept of a request once it is decided, for ever.
package struct DecidedRequest: Equatable, Sendable {
    /// The identity of the request.
    package let id: RequestID
    /// The decision.
    package let decision: OutcomeDecided
    /// The nullifiers of the request.
    package let nullifiers: [Bytes32]
    /// Who could vote, by index.
    package let validators: [ValidatorIndex]
    /// The votes at the close, by place in `validators`; empty until then.
    package let votes: [Vote?]
    /// Whether the round is closed.
    package let isClosed: Bool
    /// The settlement, where one was ordered.
    package let settlement: SettlementOrdered?
    /// The bridge's report, once there is one.
    package let report: SettlementReported?
}
