// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// A payment that the ledger has ordered, with the proof that it has.
///
/// The three entries are leaves of the tree that a later `BatchOpened` names: its `previousRoot`,
/// signed by its proposer, is the root of the whole log before it, and the `BatchSealed` of the
/// batch before says how large that log is.
package struct SingleOrder: Sendable {
    /// An entry with its place in the tree.
    package struct Leaf: Sendable {
        /// The encoded event.
        package let entry: [UInt8]
        /// Its index.
        package let index: UInt64
        /// The inclusion proof (RFC 6962 section 2.1.1).
        package let proof: [Digest]

        /// Joins the parts.
        package init(entry: [UInt8], index: UInt64, proof: [Digest]) {
            self.entry = entry
            self.index = index
            self.proof = proof
        }
    }

    /// The request as its submitter signed it.
    package let request: RequestMessage
    /// The `RequestSubmitted`.
    package let submitted: Leaf
    /// The `SettlementOrdered`.
    package let ordered: Leaf
    /// The `BatchSealed` just before `opened`.
    package let sealed: Leaf
    /// The opening of the batch after, whose signature covers the root.
    package let opened: BatchOpened

    /// Joins the parts.
    package init(
        request: RequestMessage, submitted: Leaf, ordered: Leaf, sealed: Leaf, opened: BatchOpened
    ) {
        self.request = request
        self.submitted = submitted
        self.ordered = ordered
        self.sealed = sealed
        self.opened = opened
    }
}

/// Why a bridge did not take an order. Nothing is paid or voided then.
package enum SingleOrderProblem: Error, Equatable, Sendable {
    /// An entry cannot be decoded or is of another kind.
    case wrongEntry(String)
    /// The order, the request and the message do not speak of the same payment.
    case contradiction(String)
    /// The submitter's signature does not hold.
    case requestUnsigned
    /// The proposer is not a validator that the bridge knows, or was not one.
    case unknownProposer(ValidatorIndex)
    /// The proposer's signature on the root does not hold.
    case rootUnsigned
    /// An inclusion proof does not hold.
    case notIncluded(String)
}

/// Pays what the ledger orders: each request id, and each nullifier, at most once.
package protocol SingleBridge: Sendable {
    /// The running number of the next change of membership or threshold that it has to be told.
    func nextChange() throws(NodeError) -> UInt64

    /// Takes in a change that T validators agreed on; others than the next are left alone.
    func follow(_ change: GovernanceMessage) throws(NodeError)

    /// Pays, or refuses for good, each order, and returns the signed reports, in order.
    ///
    /// Being told again gives the same report and pays nothing. What it reports is durable before.
    func settle(
        _ orders: [SingleOrder]
    ) throws(NodeError) -> [Result<SettlementMessage, SingleOrderProblem>]
}
