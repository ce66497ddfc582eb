// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

/// What a proved order says.
struct ProvedOrder {
    let id: RequestID
    let entry: EntryIndex
    let nullifiers: [Bytes32]
    let amount: Amount
    let recipient: Bytes32
}

extension SettlementOrder {
    /// Checks that the ledger ordered this payment.
    ///
    /// Checks, in order: the entries, that they speak of the same payment, the submitter's
    /// signature, the root and its precommits, the inclusion of both entries.
    func prove(in ledger: LedgerID, by office: Office) throws(OrderProblem) -> ProvedOrder {
        guard case .requestSubmitted(let request) = try submitted.event("the request") else {
            throw .wrongEntry("the request")
        }
        guard case .settlementOrdered(let order) = try ordered.event("the order") else {
            throw .wrongEntry("the order")
        }
        guard order.request.rawValue == submitted.index else {
            throw .contradiction("the order is of another request")
        }
        guard order.amount == request.amount, order.recipient == request.recipient else {
            throw .contradiction("the order pays another sum or recipient than the request")
        }
        guard isSame(request) else { throw .contradiction("the message is another request") }
        guard self.request.isSigned(in: ledger) else { throw .requestUnsigned }
        let size = try office.check(root, in: ledger)
        try submitted.check("the request", size: size, root: root.precommits.root)
        try ordered.check("the order", size: size, root: root.precommits.root)
        return ProvedOrder(
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
}

extension ProvedChange {
    /// Checks that the ledger took this change, and returns it with the number of its batch.
    ///
    /// Checks, in order: the entries and that they bracket the change, its number, the root and
    /// its precommits, the inclusion of the entries, T signatures of the newest members.
    func prove(
        in ledger: LedgerID, by office: Office, next: UInt64
    ) throws(OrderProblem) -> (event: GovernanceApproved, batch: Height) {
        guard case .governanceApproved(let change) = try approved.event("the change") else {
            throw .wrongEntry("the change")
        }
        guard case .batchOpened(let opening) = try opened.event("the opening") else {
            throw .wrongEntry("the opening")
        }
        guard case .batchSealed(let seal) = try closed.event("the seal of its batch") else {
            throw .wrongEntry("the seal of its batch")
        }
        guard opening.height == seal.height, seal.size == closed.index,
            opened.index < approved.index, approved.index < closed.index
        else { throw .contradiction("the change is not in that batch") }
        guard change.number == next else { throw .wrongNumber(change.number, next: next) }
        let size = try office.check(root, in: ledger)
        for (entry, name) in [
            (approved, "the change"), (opened, "the opening"), (closed, "the seal of its batch"),
        ] {
            try entry.check(name, size: size, root: root.precommits.root)
        }
        let signed = GovernanceMessage(
            number: change.number, change: change.change, endorsements: []
        ).signedBytes(in: ledger)
        var last = -1
        for signature in change.signatures {
            guard Int(signature.validator.rawValue) > last,
                let key = office.newest.key(of: signature.validator),
                key.verifies(signature.signature, of: signed)
            else { throw .changeUnsigned }
            last = Int(signature.validator.rawValue)
        }
        guard change.signatures.count >= office.newest.threshold else { throw .changeUnsigned }
        return (change, seal.height)
    }
}
