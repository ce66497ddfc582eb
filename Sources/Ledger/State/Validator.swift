// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A key that is or was a validator. It keeps its index for ever.
///
/// Invariants: `terms.count <= Limits.termsMax`; the last term has no end exactly where `isMember`,
/// and every other has one.
package struct Validator: Equatable, Sendable {
    /// Its identity.
    package let key: PublicKey
    /// Its name, which it keeps for ever.
    package let name: String
    /// Its stake; what it was at leaving for one that left.
    package internal(set) var stake: Stake
    /// Its reputation; stands still outside the rounds that pinned it once it has left.
    package internal(set) var reputation: Reputation
    /// Whether it is a validator now.
    package internal(set) var isMember: Bool
    /// The last times that it was a validator, oldest first; at most `Limits.termsMax`.
    ///
    /// The last one has no end exactly where it is a validator now.
    package internal(set) var terms: [Term]
    /// What it said last of what it runs, and the batch time then.
    package internal(set) var announced: RecordedAnnouncement?

    /// Begins a term; the oldest is forgotten where there are too many.
    mutating func begin(at height: Height) {
        invariant(!isMember, "a member joins again at \(height.rawValue)")
        isMember = true
        terms.append(Term(joined: height, left: nil))
        if terms.count > Limits.termsMax { terms.removeFirst() }
        invariant(terms.count <= Limits.termsMax, "\(terms.count) terms of one validator")
    }

    /// Ends the term.
    mutating func end(at height: Height) {
        isMember = false
        guard let last = terms.popLast() else { return }
        invariant(last.left == nil, "a term that has ended ends again at \(height.rawValue)")
        terms.append(Term(joined: last.joined, left: height))
    }
}

/// A time during which a key was a validator.
package struct Term: Equatable, Sendable, BorshCodable {
    /// The batch in which it joined.
    package let joined: Height
    /// The batch in which it left; nil where it has not.
    package let left: Height?

    /// Whether it is a validator at the end of a batch.
    package func holds(at batch: Height) -> Bool {
        joined <= batch && left.map { $0 > batch } ?? true
    }

    init(joined: Height, left: Height?) {
        self.joined = joined
        self.left = left
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(joined)
        writer.write(optional: left)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        joined = try Height(from: &reader)
        left = try reader.optional(Height.self)
    }
}

/// What a validator said of what it runs, and the batch time then.
package struct RecordedAnnouncement: Equatable, Sendable, BorshCodable {
    /// What it said.
    package let announcement: Announcement
    /// The batch time.
    package let time: Time

    /// The time is that of the batch which recorded it.
    init(_ announcement: Announcement, time: Time) {
        self.announcement = announcement
        self.time = time
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(announcement)
        writer.write(time)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        announcement = try Announcement(from: &reader)
        time = try Time(from: &reader)
    }
}

/// A key that may submit requests and jobs.
package struct Submitter: Equatable, Sendable {
    /// Its identity.
    package let key: PublicKey
    /// Its name, which it keeps for ever.
    package let name: String
    /// Rounds and jobs that it may have undecided at once; 0 serves it no more.
    package internal(set) var quota: UInt32
    /// Rounds and jobs of it that are not decided. One that is decided and waits for late votes
    /// counts no more: a silent validator would otherwise use up the quotas of others.
    package internal(set) var undecided: UInt32
}

/// A circuit with its number's worth of facts at hand.
package struct RegisteredCircuit: Equatable, Sendable {
    /// The definition.
    package let circuit: Circuit
    /// Its identity.
    package let id: CircuitID
}

/// Who is ranked for a height: the members and stakes sealed by a batch.
package struct RankedMember: Equatable, Sendable {
    /// The validator.
    package let index: ValidatorIndex
    /// Its key.
    package let key: PublicKey
    /// Its stake then.
    package let stake: Stake

    /// The stake is that which the batch sealed.
    package init(index: ValidatorIndex, key: PublicKey, stake: Stake) {
        self.index = index
        self.key = key
        self.stake = stake
    }
}

/// The members, stakes and threshold that a batch sealed, for those who rank proposers.
package struct SealedMembers: Equatable, Sendable {
    /// The members, by index.
    package let members: [RankedMember]
    /// The parameters then.
    package let parameters: Parameters

    /// The members are rising by index.
    package init(members: [RankedMember], parameters: Parameters) {
        self.members = members
        self.parameters = parameters
    }
}
