// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A key that is or was a validator. It keeps its index for ever.
package struct Validator: Equatable, Sendable {
    /// Its identity.
    package let key: PublicKey
    /// Its stake; what it was at leaving for one that left.
    package internal(set) var stake: Stake
    /// Its reputation; stands still outside the rounds that pinned it once it has left.
    package internal(set) var reputation: Reputation
    /// Whether it is a validator now.
    package internal(set) var isMember: Bool
}

/// A key that may submit requests and jobs.
package struct Submitter: Equatable, Sendable {
    /// Its identity.
    package let key: PublicKey
    /// Rounds and jobs that it may have unclosed at once; 0 serves it no more.
    package internal(set) var quota: UInt32
    /// Rounds and jobs that it has unclosed.
    package internal(set) var unclosed: UInt32
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
}

/// The members, stakes and threshold that a batch sealed (DESIGN section 4, "Leader").
package struct SealedMembers: Equatable, Sendable {
    /// The members, by index.
    package let members: [RankedMember]
    /// The parameters then.
    package let parameters: Parameters
}
