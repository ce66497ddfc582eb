// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Two signed statements of one validator, on the order of batches, that contradict each other.
///
/// They convict by themselves: `Slot.isContradicted` holds of them.
package struct Offence: Hashable, Sendable {
    /// What both are about.
    package let slot: Slot
    /// The one; of amnesia the precommit.
    package let first: Statement
    /// The other; of amnesia the prevote.
    package let second: Statement

    /// Two statements in one slot; nil where they do not contradict each other.
    package init?(_ slot: Slot, _ first: Statement, _ second: Statement) {
        guard slot.isContradicted(by: first, second) else { return nil }
        self.slot = slot
        self.first = first
        self.second = second
    }

    /// A precommit and a prevote of one validator and height, where the lock was forgotten.
    ///
    /// Nil where they show no such thing.
    ///
    /// - Precondition: both are of one validator.
    package init?(precommit: ConsensusVote, prevote: ConsensusVote) {
        guard precommit.kind == .precommit, prevote.kind == .prevote,
            precommit.height == prevote.height
        else { return nil }
        invariant(
            precommit.validator == prevote.validator,
            "\(precommit.validator.rawValue) is held to a vote of \(prevote.validator.rawValue)")
        self.init(
            .amnesia(precommit.height, precommit: precommit.round, prevote: prevote.round),
            precommit.statement, prevote.statement)
    }

    /// What the ledger takes.
    package func evidence(against key: PublicKey) -> EvidenceMessage {
        EvidenceMessage(validator: key, slot: .consensus(slot), first: first, second: second)
    }

    /// Of what kind it is: the ledger convicts once of each on a height.
    package enum Kind: UInt8, Hashable, Sendable {
        case proposal = 1
        case prevote = 2
        case precommit = 3
        case amnesia = 5
    }

    /// Of what kind it is.
    package var kind: Kind {
        switch slot {
        case .proposal: .proposal
        case .prevote: .prevote
        case .precommit: .precommit
        case .amnesia, .vote, .result, .checkpoint, .settlement: .amnesia
        }
    }
}
