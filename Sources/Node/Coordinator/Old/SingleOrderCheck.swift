// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// What a proved order says.
struct SingleProvedOrder {
    let id: RequestID
    let entry: EntryIndex
    let nullifiers: [Bytes32]
    let amount: Amount
    let recipient: Bytes32
}

extension SingleOrder {
    /// Checks that the ledger ordered this payment.
    ///
    /// Checks, in order: the entries, that they speak of the same payment, the submitter's
    /// signature, the proposer, its signature on the root, the three inclusion proofs.
    func prove(
        in ledger: LedgerID, proposer key: (ValidatorIndex) -> PublicKey?
    ) throws(SingleOrderProblem) -> SingleProvedOrder {
        guard case .requestSubmitted(let request) = try Self.event(submitted) else {
            throw .wrongEntry("the request")
        }
        guard case .settlementOrdered(let order) = try Self.event(ordered) else {
            throw .wrongEntry("the order")
        }
        guard case .batchSealed(let seal) = try Self.event(sealed) else {
            throw .wrongEntry("the seal")
        }
        guard order.request.rawValue == submitted.index else {
            throw .contradiction("the order is of another request")
        }
        guard order.amount == request.amount, order.recipient == request.recipient else {
            throw .contradiction("the order pays another sum or recipient than the request")
        }
        guard isSame(request) else { throw .contradiction("the message is another request") }
        guard seal.size == sealed.index, seal.height.rawValue + 1 == opened.height.rawValue,
            opened.height.rawValue > 0
        else { throw .contradiction("the seal is not that of the batch before") }
        guard self.request.isSigned(in: ledger) else { throw .requestUnsigned }
        guard let proposer = key(opened.proposer) else {
            throw .unknownProposer(opened.proposer)
        }
        let signed = BatchOpening.signedBytes(
            height: opened.height, time: opened.time, round: opened.round,
            previousRoot: opened.previousRoot, proposer: proposer, in: ledger)
        guard proposer.verifies(opened.signature, of: signed) else { throw .rootUnsigned }
        for (leaf, name) in [
            (submitted, "the request"), (ordered, "the order"), (sealed, "the seal"),
        ] {
            guard
                MerkleProof.verifyInclusion(
                    leafHash: MerkleFrontier.leafHash(leaf.entry.span), index: leaf.index,
                    size: seal.size + 1, proof: leaf.proof, root: opened.previousRoot)
            else { throw .notIncluded(name) }
        }
        return SingleProvedOrder(
            id: self.request.id(in: ledger), entry: order.request, nullifiers: request.nullifiers,
            amount: order.amount, recipient: order.recipient)
    }

    /// Whether the message is the one behind the entry. Circuit and submitter stand there as
    /// numbers; the signature, which is the same, covers what they mean.
    private func isSame(_ event: RequestSubmitted) -> Bool {
        request.nullifiers == event.nullifiers && request.amount == event.amount
            && request.recipient == event.recipient && request.proof == event.proof
            && request.publicInputs == event.publicInputs && request.timestamp == event.timestamp
            && request.signature == event.signature
    }

    private static func event(_ leaf: Leaf) throws(SingleOrderProblem) -> Event {
        do throws(Ledger.DecodingError) {
            return try Event(decoding: leaf.entry)
        } catch {
            throw .wrongEntry("\(error)")
        }
    }
}
