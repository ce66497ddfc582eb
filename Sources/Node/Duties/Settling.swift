// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// Takes orders of payment to the bridge, with proofs from the node's own log.
///
/// The leader of a request does at once; the next in rank when its turn has come, the one after it
/// as much later again. An order goes again, ever later, until the ledger holds the report on it.
/// The precommits of the last batch prove all that is under its root. Changes of membership go to
/// the bridge as well, from the proposer of their batch and from whoever the bridge asks.
final class Settling: Duty {
    private struct Order {
        /// The entry of the `SettlementOrdered`.
        let ordered: EntryIndex
        /// When this node's turn comes, in ledger time.
        let turn: Time
        /// The uptime from which on it may be sent (again).
        var sendAt: UInt64 = 0
        var count = 0
    }

    private static let againMilliseconds: UInt64 = 100

    private var orders: [EntryIndex: Order] = [:]
    /// Who submits the order of an open round, in rank.
    private var rankings: [EntryIndex: [ValidatorIndex]] = [:]
    /// The changes that this node is to tell the bridge of.
    private var changes: [EntryIndex] = []
    private var wakeAt: UInt64 = .max
    /// The first change that the bridge asks for.
    private var asked: UInt64?
    /// The uptime from which on it is answered again.
    private var answerAt: UInt64 = 0
    /// The entries of the changes that were found so far, by number.
    private var places: [UInt64: EntryIndex] = [:]
    /// How many entries of the log were looked at for them.
    private var scanned: UInt64 = 0

    var nextWake: UInt64 { wakeAt }

    func start(_ node: NodeCore) throws(NodeError) {
        for entry in node.state.openRounds { rank(entry, node) }
        for request in node.state.pendingSettlements {
            guard let decided = node.state.decided(at: request) else { continue }
            // The order follows the vote that decided, the outcome, and the nullifiers.
            var entry = decided.decision.deciding.rawValue
            while entry < node.host.log.size {
                if case .settlementOrdered(let event)? = try node.event(at: entry),
                    event.request == request
                {
                    add(event, at: EntryIndex(entry), node)
                    break
                }
                entry += 1
            }
        }
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        var isOwn = false
        for (entry, event) in batch.entries {
            switch event {
            case .batchOpened(let event): isOwn = event.proposer == node.index
            case .roundOpened(let event): rank(event.request, node)
            case .settlementOrdered(let event): add(event, at: entry, node)
            case .settlementReported(let event): orders[event.request] = nil
            case .roundClosed(let event): rankings[event.about] = nil
            case .governanceApproved(let change):
                places[change.number] = entry
                guard isOwn else { continue }
                changes.append(entry)
                wakeAt = 0
            default: break
            }
        }
    }

    private func rank(_ entry: EntryIndex, _ node: NodeCore) {
        guard let round = node.state.openRound(at: entry) else { return }
        rankings[entry] = node.state.requestRanking(round.pinned, round.id)
    }

    private func add(_ event: SettlementOrdered, at entry: EntryIndex, _ node: NodeCore) {
        guard let place = place(of: event, node) else { return }
        let wait = node.state.parameters.settlementMilliseconds
        let later = UInt64(max(0, place - 1)).multipliedReportingOverflow(by: wait).partialValue
        orders[event.request] = Order(
            ordered: entry,
            turn: place == 0 ? Time(0) : event.nextTurn.adding(milliseconds: later))
        wakeAt = 0
    }

    /// This node's place in rank. Of a round that was closed before the node began, the leader is
    /// known, and the others follow it by number.
    private func place(of event: SettlementOrdered, _ node: NodeCore) -> Int? {
        guard let own = node.index else { return nil }
        if let ranking = rankings[event.request] { return ranking.firstIndex(of: own) }
        let members = node.state.members
        guard let first = members.firstIndex(of: event.leader) ?? members.indices.first,
            let place = members.firstIndex(of: own)
        else { return nil }
        return (place - first + members.count) % members.count
    }

    // MARK: To the bridge

    func attend(_ node: NodeCore) throws(NodeError) {
        wakeAt = .max
        try answer(node)
        guard !orders.isEmpty || !changes.isEmpty else { return }
        let uptime = node.uptime
        guard let root = try root(node) else {
            wakeAt = min(wakeAt, uptime + Self.againMilliseconds)
            return
        }
        let now = node.ledgerNow
        var due: [SettlementOrder] = []
        for request in orders.keys.sorted() {
            guard var order = orders[request], order.ordered.rawValue < root.sealed.index else {
                continue
            }
            var at = max(order.sendAt, uptime)
            if order.turn > now { at = max(at, uptime + (order.turn.rawValue - now.rawValue)) }
            if at <= uptime, due.count < NodeLimits.ordersPerMessageMax {
                due.append(try proved(request, order, root, node))
                let wait = NodeLimits.orderMilliseconds << UInt64(min(order.count, 8))
                order.count += 1
                order.sendAt = uptime + min(wait, NodeLimits.orderMillisecondsMax)
                orders[request] = order
                at = order.sendAt
            }
            wakeAt = min(wakeAt, max(at, uptime + 1))
        }
        if !due.isEmpty { node.send(.orders(due), to: node.state.bridge) }
        if !changes.isEmpty {
            let proved = try changes.prefix(NodeLimits.changesPerMessageMax)
                .map { (entry) throws(NodeError) in try change(at: entry, root, node) }
            changes.removeFirst(min(changes.count, NodeLimits.changesPerMessageMax))
            node.send(.changes(proved), to: node.state.bridge)
            if !changes.isEmpty { wakeAt = uptime + 1 }
        }
    }

    /// The root of the whole log, with those who precommitted it; nil where the node lacks them.
    private func root(_ node: NodeCore) throws(NodeError) -> ProvedRoot? {
        let log = node.host.log
        guard let precommits = node.host.proof, !node.host.isBackfilling,
            precommits.height.rawValue > 0, log.size > 0, precommits.root == log.root
        else { return nil }
        return ProvedRoot(
            precommits: precommits, sealed: try node.proved(log.size - 1, size: log.size))
    }

    private func proved(
        _ request: EntryIndex, _ order: Order, _ root: ProvedRoot, _ node: NodeCore
    ) throws(NodeError) -> SettlementOrder {
        let size = root.sealed.index + 1
        guard let event = try node.event(at: request.rawValue),
            case .request(let message)? = node.state.message(of: event)
        else {
            throw .entryUnusable(entry: request.rawValue, problem: "it is not the request ordered")
        }
        return SettlementOrder(
            request: message, submitted: try node.proved(request.rawValue, size: size),
            ordered: try node.proved(order.ordered.rawValue, size: size), root: root)
    }

    private func change(
        at entry: EntryIndex, _ root: ProvedRoot, _ node: NodeCore
    ) throws(NodeError) -> ProvedChange {
        let size = root.sealed.index + 1
        var first = entry.rawValue
        while first > 0, !Self.isOpening(try node.event(at: first)) { first -= 1 }
        var last = entry.rawValue
        while last + 1 < size, !Self.isSeal(try node.event(at: last)) { last += 1 }
        return ProvedChange(
            approved: try node.proved(entry.rawValue, size: size),
            opened: try node.proved(first, size: size),
            closed: try node.proved(last, size: size), root: root)
    }

    private static func isOpening(_ event: Event?) -> Bool {
        if case .batchOpened? = event { true } else { false }
    }

    private static func isSeal(_ event: Event?) -> Bool {
        if case .batchSealed? = event { true } else { false }
    }

    /// The bridge asks for the changes that it lacks.
    func receive(
        _ message: DutyMessage, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        guard case .wantChanges(let number) = message, sender == node.state.bridge,
            number < node.state.nextChange, !node.host.isBackfilling
        else { return }
        // Of several questions the last counts: it has what it asked for before.
        asked = number
        wakeAt = min(wakeAt, answerAt)
    }

    // MARK: Changes by number

    /// Answers the bridge, as soon as it may have an answer and the changes are found.
    private func answer(_ node: NodeCore) throws(NodeError) {
        guard let number = asked else { return }
        guard node.uptime >= answerAt else { return wakeAt = min(wakeAt, answerAt) }
        let numbers =
            number..<min(
                node.state.nextChange, number + UInt64(NodeLimits.changesPerMessageMax))
        let found = numbers.compactMap { places[$0] }
        guard found.count == numbers.count else {
            try scan(node)
            wakeAt = min(wakeAt, node.uptime)
            return
        }
        asked = nil
        answerAt = node.uptime + NodeLimits.changesAgainMilliseconds
        changes = found
    }

    /// Looks for changes in the next part of the log: all of it is gone through once, a part at a
    /// turn, so that whoever asks holds up nothing.
    private func scan(_ node: NodeCore) throws(NodeError) {
        let end = min(node.host.log.size, scanned + NodeLimits.entriesScannedAtOnce)
        // What came since the node began is known; the rest says nothing that is lacking.
        guard scanned < end else { return asked = nil }
        while scanned < end {
            if case .governanceApproved(let change)? = try node.event(at: scanned) {
                places[change.number] = EntryIndex(scanned)
            }
            scanned += 1
        }
    }
}

extension NodeCore {
    /// An entry of the log; nil where it is no event.
    func event(at entry: UInt64) throws(NodeError) -> Event? {
        do throws(LogError) { return Self.event(try host.log.entry(at: entry)) } catch {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
    }

    /// An entry with its proof under the root of the first `size` entries.
    func proved(_ entry: UInt64, size: UInt64) throws(NodeError) -> ProvedEntry {
        do throws(LogError) {
            return ProvedEntry(
                bytes: try host.log.entry(at: entry), index: entry,
                proof: try host.log.inclusionProof(index: entry, size: size))
        } catch {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
    }
}
