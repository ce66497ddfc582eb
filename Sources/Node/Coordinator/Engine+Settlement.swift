// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger

extension Engine {
    /// Keeps an order until the bridge has reported on it.
    ///
    /// The leader submits at once, the next in rank at `nextTurn`, the one after it as much later
    /// again; the first of them that is up does.
    mutating func takeOrder(_ event: SettlementOrdered, at entry: EntryIndex) {
        let place = turns[event.request] ?? (isUp(event.leader) ? 0 : 1)
        let wait = state.parameters.settlementMilliseconds
        let later = UInt64(max(0, place - 1)).multipliedReportingOverflow(by: wait).partialValue
        orders[event.request] = PendingOrder(
            ordered: entry, turn: place == 0 ? Time(0) : event.nextTurn.adding(milliseconds: later))
    }

    mutating func tellSettlement(_ event: SettlementReported) {
        orders[event.request] = nil
        guard let id = state.requestID(at: event.request) else { return }
        if event.result == .settled { summary.settled += 1 } else { summary.failed += 1 }
        onEvent(
            .settled(
                request: id, event.result,
                reference: String(validating: event.reference, as: UTF8.self)
                    ?? event.reference.hex))
    }

    /// Takes the orders that the last opening proves, and whose turn it is, to the bridge.
    mutating func settleOrders() throws(NodeError) {
        guard !isBridgeBusy, let opening = lastOpening else { return }
        let now = ledgerNow()
        let due = orders.filter { entry, order in
            !order.isOut && !stuckOrders.contains(entry) && order.turn <= now
                && order.ordered < state.batchEntry
        }.keys.sorted().prefix(NodeLimits.settlementsPerVisitMax)
        guard !due.isEmpty else { return }
        var proved: [SingleOrder] = []
        for entry in due {
            guard let order = orders[entry] else { continue }
            proved.append(try proof(of: entry, ordered: order.ordered, by: opening))
            orders[entry]?.isOut = true
        }
        isBridgeBusy = true
        tasksOut += 1
        let inbox = inbox
        let vault = vault
        let entries = Array(due)
        let orders = proved
        pool.submit {
            let result = Result { () throws(NodeError) in try vault.settle(orders) }
            inbox.put(result: .settled(entries, result))
        }
    }

    /// The order with its proof under the root that an opening signs.
    private func proof(
        of request: EntryIndex, ordered: EntryIndex, by opening: BatchOpened
    ) throws(NodeError) -> SingleOrder {
        let size = state.batchEntry.rawValue
        let submitted = try event(at: request)
        guard case .request(let message)? = state.message(of: submitted) else {
            throw .entryUnusable(entry: request.rawValue, problem: "it is not the request ordered")
        }
        return SingleOrder(
            request: message, submitted: try leaf(request.rawValue, size),
            ordered: try leaf(ordered.rawValue, size), sealed: try leaf(size - 1, size),
            opened: opening)
    }

    private func leaf(_ index: UInt64, _ size: UInt64) throws(NodeError) -> SingleOrder.Leaf {
        do throws(LogError) {
            return SingleOrder.Leaf(
                entry: try log.entry(at: index), index: index,
                proof: try log.inclusionProof(index: index, size: size))
        } catch {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
    }
}
