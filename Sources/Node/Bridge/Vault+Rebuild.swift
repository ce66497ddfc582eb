// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
internal import Foundation
internal import GRDB
package import Ledger
internal import Storage

/// What a vault that was made anew from a log knows.
package struct VaultRebuilt: Sendable, Equatable {
    /// Requests that the log says were paid.
    package var paid = 0
    /// Requests that the log says failed for good.
    package var voided = 0
    /// Requests that were ordered and not reported: a person has to say whether they were paid.
    package var uncertain: [RequestID] = []
    /// Where the lost vault was set aside; nil where there was none.
    package var setAside: String?
}

extension Vault {
    /// Makes a vault anew from the log of a ledger, where it was lost.
    ///
    /// What the bridge has reported is known. What was ordered and not reported is uncertain, and
    /// is paid only after `confirm`. The log is to be the newest that there is: of an order that it
    /// lacks the new vault knows nothing, and would pay it again. What is at `path` is renamed.
    package static func rebuild(
        path: String, ledgerDirectory: String, balance: UInt64?, key: SigningKey
    ) throws(NodeError) -> VaultRebuilt {
        let opened = try FirstEntry.read(ledgerDirectory)
        guard opened.bridge == key.publicKey else { throw .vaultForeign(path: path) }
        let ledger = LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded))
        let lock = try takeLock(path)
        defer { lock.release() }
        let temporary = "\(path).new-\(randomBytes(6).hex)"
        defer { Files.discard("\(temporary).lock") }
        var result: VaultRebuilt
        do throws(NodeError) {
            let history = try PaymentHistory(ledgerDirectory, bridge: key.publicKey, ledger)
            let vault = try create(
                path: temporary, opened: opened, ledger: ledger, balance: balance, key: key)
            result = try vault.fill(history)
            try vault.close()
            if Files.exists(path) {
                var number = 1
                while Files.exists("\(path).lost-\(number)") { number += 1 }
                let aside = "\(path).lost-\(number)"
                try Files.onDisk { () throws(DiskError) in
                    try POSIXDisk().rename(path, to: aside)
                }
                result.setAside = aside
            }
            try Files.onDisk { () throws(DiskError) in
                try POSIXDisk().rename(temporary, to: path)
                try POSIXDisk().syncDirectory((path as NSString).deletingLastPathComponent)
            }
        } catch {
            Files.discard(temporary)
            throw error
        }
        return result
    }

    private func fill(_ history: PaymentHistory) throws(NodeError) -> VaultRebuilt {
        try Self.working(path) {
            try database.write { db in
                var result = VaultRebuilt()
                var total: UInt64 = 0
                for (change, batch) in history.changes { try Self.apply(change, in: batch, db) }
                for payment in history.payments {
                    try Self.insert(
                        payment.order, payment.state, why: "as the ledger of the day says", db)
                    switch payment.state {
                    case .voided: result.voided += 1
                    case .paid: result.paid += 1
                    case .uncertain: result.uncertain.append(payment.order.id)
                    }
                    guard payment.state != .voided else { continue }
                    // Until it is known, it counts as paid.
                    let (sum, overflow) = total.addingReportingOverflow(
                        payment.order.amount.rawValue)
                    total = overflow ? .max : sum
                }
                try db.execute(sql: "UPDATE total SET paid = ?", arguments: [Self.data(total)])
                return result
            }
        }
    }

    /// Takes a person's word on a payment that the vault is not sure of.
    ///
    /// One that was paid is reported as settled the next time that it is ordered; one that was not
    /// is paid then. Returns whether the payment was uncertain; nothing is changed where not.
    package func confirm(_ request: RequestID, isPaid: Bool) throws(NodeError) -> Bool {
        let id = Data(request.digest.bytes)
        return try Self.working(path) {
            try database.write { db in
                let row = try Row.fetchOne(
                    db, sql: "SELECT state, amount FROM payment WHERE request = ?",
                    arguments: [id])
                guard let row, row["state"] == PaymentState.uncertain.rawValue else {
                    return false
                }
                guard !isPaid else {
                    try db.execute(
                        sql: "UPDATE payment SET state = ?, why = ? WHERE request = ?",
                        arguments: [PaymentState.paid.rawValue, "paid, as a person said", id])
                    return true
                }
                let amount: Data = row["amount"]
                let value = amount.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                let total = try Self.total(db)
                try db.execute(
                    sql: "UPDATE total SET paid = ?",
                    arguments: [Self.data(total - min(total, value))])
                try db.execute(
                    sql: "DELETE FROM paid_nullifier WHERE request = ?", arguments: [id])
                try db.execute(sql: "DELETE FROM payment WHERE request = ?", arguments: [id])
                return true
            }
        }
    }
}

/// What the log of a ledger says of payments, and who could order batches.
private struct PaymentHistory {
    var changes: [(event: GovernanceApproved, batch: Height)] = []
    var payments: [(order: ProvedOrder, state: PaymentState)] = []

    /// Reads the whole log. Only reports that the bridge signed count.
    init(
        _ directory: String, bridge: PublicKey, _ ledger: LedgerID
    ) throws(NodeError) {
        let opened: OpenedLedger
        do throws(StorageError) {
            opened = try LedgerStore.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly)
        } catch { throw .storage(path: directory, error) }
        var height = Height(0)
        var requests: [EntryIndex: RequestSubmitted] = [:]
        var ordered: [EntryIndex] = []
        var reported: [EntryIndex: SettlementResult] = [:]
        do throws(FoldFailure) {
            try LedgerFold.forEach(opened.log, from: 0) { index, entry in
                switch entry.event {
                case .batchOpened(let batch): height = batch.height
                case .governanceApproved(let change): changes.append((change, height))
                case .requestSubmitted(let request): requests[EntryIndex(index)] = request
                case .roundClosed(let closed) where !ordered.contains(closed.about):
                    requests[closed.about] = nil
                case .settlementOrdered(let order): ordered.append(order.request)
                case .settlementReported(let report):
                    guard let id = opened.state.requestID(at: report.request) else { break }
                    let message = SettlementMessage(
                        request: id, bridge: bridge, reference: report.reference,
                        result: report.result, signature: report.signature)
                    if message.isSigned(in: ledger) { reported[report.request] = report.result }
                default: break
                }
                return true
            }
        } catch { throw .storage(path: directory, StorageError(error)) }
        for entry in ordered {
            guard let request = requests[entry], let id = opened.state.requestID(at: entry) else {
                throw .entryUnusable(
                    entry: entry.rawValue, problem: "it is ordered to be paid, and no request")
            }
            let state: PaymentState =
                switch reported[entry] {
                case .settled: .paid
                case .failed: .voided
                case nil: .uncertain
                }
            payments.append(
                (
                    ProvedOrder(
                        id: id, entry: entry, nullifiers: request.nullifiers,
                        amount: request.amount, recipient: request.recipient), state
                ))
        }
    }
}
