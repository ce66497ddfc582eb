// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// An entry with its place in the tree of a log.
package struct ProvedEntry: Sendable {
    /// The encoded event.
    package let bytes: [UInt8]
    /// The place of the entry in the log, from 0.
    package let index: UInt64
    /// The inclusion proof (RFC 6962 section 2.1.1).
    package let proof: [Digest]

    /// Takes the parts as they are: the bridge checks them.
    package init(bytes: [UInt8], index: UInt64, proof: [Digest]) {
        self.bytes = bytes
        self.index = index
        self.proof = proof
    }
}

/// The root of a log after a batch, with the word of those who ordered it.
package struct ProvedRoot: Sendable {
    /// The precommits on the root: those that the opening of the next batch carries, or that a node
    /// heard; at least T, by index.
    package let precommits: Precommits
    /// The `BatchSealed` of that batch, the last entry under the root.
    package let sealed: ProvedEntry

    /// Takes the parts as they are: the bridge checks them.
    package init(precommits: Precommits, sealed: ProvedEntry) {
        self.precommits = precommits
        self.sealed = sealed
    }
}

extension Precommits {
    /// The precommits of the batch before, as an opening carries them.
    package init(carriedBy opened: BatchOpened) {
        self.init(
            height: Height(opened.height.rawValue - min(opened.height.rawValue, 1)),
            round: opened.precommitRound, root: opened.previousRoot,
            signatures: opened.precommits)
    }
}

/// A payment that the ledger has ordered, with the proof that it has.
package struct SettlementOrder: Sendable {
    /// The request as its submitter signed it.
    package let request: RequestMessage
    /// The `RequestSubmitted`.
    package let submitted: ProvedEntry
    /// The `SettlementOrdered`.
    package let ordered: ProvedEntry
    /// The root that both are under.
    package let root: ProvedRoot

    /// Takes the parts as they are: the bridge checks them.
    package init(
        request: RequestMessage, submitted: ProvedEntry, ordered: ProvedEntry, root: ProvedRoot
    ) {
        self.request = request
        self.submitted = submitted
        self.ordered = ordered
        self.root = root
    }
}

/// A change that T validators agreed on, with the proof that the ledger took it, and in which
/// batch.
package struct ProvedChange: Sendable {
    /// The `GovernanceApproved`.
    package let approved: ProvedEntry
    /// The `BatchOpened` of its batch.
    package let opened: ProvedEntry
    /// The `BatchSealed` of its batch.
    package let closed: ProvedEntry
    /// The root that the three are under.
    package let root: ProvedRoot

    /// Takes the parts as they are: the bridge checks them.
    package init(
        approved: ProvedEntry, opened: ProvedEntry, closed: ProvedEntry, root: ProvedRoot
    ) {
        self.approved = approved
        self.opened = opened
        self.closed = closed
        self.root = root
    }
}

/// Why a bridge did not take an order or a change. Nothing is paid, voided or followed then.
package enum OrderProblem: Error, Equatable, Sendable {
    /// An entry cannot be decoded or is of another kind.
    case wrongEntry(String)
    /// The parts do not speak of the same thing.
    case contradiction(String)
    /// The submitter's signature does not hold.
    case requestUnsigned
    /// The precommits are not by index, or one stands twice.
    case precommitsUnordered
    /// A precommit is of a key that could not order that batch.
    case notInOffice(ValidatorIndex)
    /// The signature of a precommit does not hold.
    case precommitUnsigned(ValidatorIndex)
    /// Too few of those in office then precommitted the root.
    case tooFewPrecommits(counted: Int, needed: Int)
    /// Enough precommitted, but too many of them have left since: prove it by a later root.
    case signersLeft(counted: Int, needed: Int)
    /// An inclusion proof does not hold.
    case notIncluded(String)
    /// The vault was lost and made anew: whether this was paid is to be said by a person.
    case uncertain(RequestID)
    /// The change is not the next that the bridge is to follow.
    case wrongNumber(UInt64, next: UInt64)
    /// The change is not signed by T of the members before it.
    case changeUnsigned
}

extension OrderProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .wrongEntry(let what): "\(what) is not the entry that it should be"
        case .contradiction(let what): what
        case .requestUnsigned: "the submitter has not signed the request"
        case .precommitsUnordered: "the precommits are not in the order of the validators"
        case .notInOffice(let index):
            "validator \(index.rawValue) had no word on the batch of the root"
        case .precommitUnsigned(let index):
            "the precommit of validator \(index.rawValue) does not hold"
        case .tooFewPrecommits(let counted, let needed):
            "\(counted) precommits are under the root, and \(needed) are needed"
        case .signersLeft(let counted, let needed):
            "only \(counted) of those who precommitted the root are validators still, and"
                + " \(needed) are needed; a later root is wanted"
        case .notIncluded(let what): "\(what) is not under the root"
        case .uncertain(let request):
            "the vault was made anew, and does not know whether \(request.hex) was paid; say it"
                + " with `recount bridge confirm`"
        case .wrongNumber(let number, let next):
            "change \(number) cannot be followed, \(next) is the next"
        case .changeUnsigned: "the change is not signed by T of the validators before it"
        }
    }
}

/// Pays what the ledger orders: each request id, and each nullifier, at most once.
package protocol Bridge: Sendable {
    /// The running number of the next change that it has to be told.
    func nextChange() throws(NodeError) -> UInt64

    /// Takes in the next change. Returns what is wrong with it, where something is.
    func follow(_ change: ProvedChange) throws(NodeError) -> OrderProblem?

    /// Pays, or refuses for good, each order, and returns the signed reports, in order.
    ///
    /// Being told again gives the same report and pays nothing. What it reports is durable before.
    func settle(
        _ orders: [SettlementOrder]
    ) throws(NodeError) -> [Result<SettlementMessage, OrderProblem>]
}
