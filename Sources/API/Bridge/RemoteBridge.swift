// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
package import Ledger
package import Node
internal import Synchronization

/// What a bridge tells whoever runs it.
package enum BridgeTold: Sendable {
    /// A node has taken the reports of payments, each told once.
    case handedIn([RequestID])
    /// The ledger shows the reports of these payments.
    case reported([RequestID])
    /// A node refuses a report that holds: told once, until it takes one again.
    case refused(NodeURL, RequestID, String)
    /// A payment is not made until a person does something.
    case stuck(RequestID, String)
    /// A node gave nothing that helps, or lied.
    case problem(String)
    /// All that a node has is read, up to so many entries.
    case read(NodeURL, size: UInt64)
}

/// A bridge that runs away from all nodes: it asks them over HTTP, pays by its vault what T
/// validators ordered, and reports through whichever node takes it.
///
/// A node that cannot be believed is named and left alone for a while. A payment counts as reported
/// once the ledger shows it, whatever a node says that took the report or refused it: until then
/// it is handed in again and again, each time at another node first. Nothing is paid twice,
/// whatever the nodes say and wherever the process ends: the vault has the row before the report
/// exists, and gives the same report for ever.
package final class RemoteBridge {
    private struct Place {
        let node: RemoteNode
        /// Not asked before then.
        var askAt: ContinuousClock.Instant = .now
        var failures = 0
        /// Whether it refused the last report that it was given.
        var isRefusing = false
    }

    /// A payment whose report was handed in, and that the ledger does not show as reported.
    private struct Pending {
        let id: RequestID
        /// Not handed in again before then.
        var againAt: ContinuousClock.Instant = .now
        var attempts = 0
        var isTaken = false
    }

    /// Orders that are settled at once.
    private static let ordersAtOnce = 16
    /// The longest that a node is left alone, in seconds.
    private static let restSecondsMax = 60
    /// How long a report is given to come into the ledger until it is made again, in seconds; where
    /// no node takes it twice as long each time, up to a minute.
    private static let againSeconds: Int64 = 5
    private static let fileBytesMax = 64 << 20

    private let home: BridgeHome
    private let vault: Vault
    private let tell: (BridgeTold) -> Void
    private var places: [Place]
    private var log: ReadLog
    /// By the entry of the request; no more than the orders of `log`.
    private var pending: [EntryIndex: Pending] = [:]
    private var stuck: [RequestID: String] = [:]
    private var isFailing = false

    /// Opens the vault, and what was read before.
    package init(
        home: BridgeHome, nodes: [NodeURL], secondsMax: Int64 = 30,
        tell: @escaping (BridgeTold) -> Void
    ) throws(NodeError) {
        self.home = home
        self.tell = tell
        places = nodes.map { Place(node: RemoteNode($0, seconds: secondsMax)) }
        vault = try home.openVault()
        log = Self.saved(home) ?? ReadLog()
    }

    /// Closes the vault.
    package func close() throws(NodeError) { try vault.close() }

    /// Asks each node whose turn it is once. Throws where the bridge itself cannot go on.
    package func step() throws(NodeError) {
        var asked = 0
        var failed = 0
        for place in places.indices where places[place].askAt <= .now {
            asked += 1
            do throws(BridgeProblem) {
                try visit(places[place].node)
                places[place].failures = 0
            } catch {
                if case .own(let error) = error { throw error }
                failed += 1
                rest(place, error)
            }
        }
        if asked > failed {
            isFailing = false
        } else if places.allSatisfy({ $0.failures > 0 }), !isFailing {
            isFailing = true
            tell(.problem("no node gives anything that holds; the bridge waits and asks again"))
        }
    }

    private func rest(_ place: Int, _ problem: BridgeProblem) {
        if places[place].failures == 0 { tell(.problem("\(problem)")) }
        places[place].failures += 1
        let seconds = min(1 << min(places[place].failures, 6), Self.restSecondsMax)
        places[place].askAt = .now + .seconds(seconds)
    }

    private func visit(_ node: RemoteNode) throws(BridgeProblem) {
        let witness = NodeWitness(node: node, vault: vault, ledger: home.ledger)
        let before = log.frontier.count
        let found = try witness.read(from: log) { (known) throws(BridgeProblem) in
            log = known
            do throws(NodeError) { try save() } catch { throw .own(error) }
        }
        noteReported()
        guard let (read, root) = found else { return }
        if read.frontier.count > before { tell(.read(node.url, size: read.frontier.count)) }
        let due = read.orders.filter { (pending[$0.request]?.againAt ?? .now) <= .now }
        var start = 0
        while start < due.count {
            let end = min(due.count, start + Self.ordersAtOnce)
            try settle(due[start..<end], read, root, witness)
            start = end
        }
    }

    private func settle(
        _ orders: ArraySlice<ReadLog.Order>, _ read: ReadLog, _ root: ProvedRoot,
        _ witness: NodeWitness
    ) throws(BridgeProblem) {
        let proved = try witness.proved(orders, read, root)
        let results: [Result<SettlementMessage, OrderProblem>]
        do throws(NodeError) { results = try vault.settle(proved) } catch { throw .own(error) }
        var taken: [RequestID] = []
        var failed: [NodeURL: ClientError] = [:]
        for (order, (payment, result)) in zip(orders, zip(proved, results)) {
            let id = payment.request.id(in: home.ledger)
            switch result {
            case .success(let report):
                stuck[id] = nil
                if hand(report, id, at: order.request, witness.node, &failed) { taken.append(id) }
            case .failure(.uncertain): hold(id, "\(OrderProblem.uncertain(id))")
            case .failure(let problem): throw witness.lie("the order of \(id.hex): \(problem)")
            }
        }
        if !taken.isEmpty { tell(.handedIn(taken)) }
        if let failure = failed[witness.node.url] { throw .client(failure) }
    }

    /// Tells of the payments that the ledger now shows as reported.
    private func noteReported() {
        let open = Set(log.orders.map(\.request))
        let done = pending.keys.filter { !open.contains($0) }.sorted()
        let ids = done.compactMap { pending.removeValue(forKey: $0)?.id }
        if !ids.isEmpty { tell(.reported(ids)) }
    }

    private func hold(_ id: RequestID, _ why: String) {
        if stuck.updateValue(why, forKey: id) == nil { tell(.stuck(id, why)) }
    }

    private struct Taken: Decodable {
        var state: String
    }

    /// Hands a report in, at first at the node that gave the order, and each time after that at
    /// the next one first: one that takes it may pass nothing on. True where a node takes it that
    /// none had taken before.
    ///
    /// - Parameter failed: Nodes that did not answer, which are not asked again in this pass.
    private func hand(
        _ report: SettlementMessage, _ id: RequestID, at request: EntryIndex,
        _ first: RemoteNode, _ failed: inout [NodeURL: ClientError]
    ) -> Bool {
        var item = pending[request] ?? Pending(id: id)
        let start = (places.firstIndex { $0.node.url == first.url } ?? 0) + item.attempts
        var isTaken = false
        for step in places.indices where !isTaken {
            let place = (start + step) % places.count
            guard failed[places[place].node.url] == nil else { continue }
            isTaken = hand(report, item, at: place, &failed)
        }
        let isNew = isTaken && !item.isTaken
        item.isTaken = item.isTaken || isTaken
        item.attempts += 1
        let seconds = isTaken ? Self.againSeconds : Self.againSeconds << min(item.attempts, 4)
        item.againAt = .now + .seconds(min(seconds, Int64(Self.restSecondsMax)))
        pending[request] = item
        return isNew
    }

    /// Hands a report in at one node; whether it takes it.
    private func hand(
        _ report: SettlementMessage, _ item: Pending, at place: Int,
        _ failed: inout [NodeURL: ClientError]
    ) -> Bool {
        let node = places[place].node
        do throws(ClientError) {
            _ = try node.post(
                Taken.self, ["settlements"], Message.settlement(report).encoded,
                contentType: "application/octet-stream")
            places[place].isRefusing = false
            return true
        } catch {
            guard case .refused(_, let no) = error, !error.isPassing else {
                failed[node.url] = error
                return false
            }
            // The ledger may have it since it was read: the next reading shows it.
            let isLikely = no.error == Refusal.alreadyRecorded.jsonName && item.attempts == 0
            if !isLikely, !places[place].isRefusing {
                places[place].isRefusing = true
                tell(.refused(node.url, item.id, "\(error)"))
            }
            return false
        }
    }

    // MARK: What was read

    private static func file(_ home: BridgeHome) -> String { home.path + "/followed" }

    /// What was read before: nothing where it is lost, damaged or of another ledger.
    private static func saved(_ home: BridgeHome) -> ReadLog? {
        do {
            let bytes = try POSIXDisk().contents(of: file(home), max: fileBytesMax)
            guard bytes.count > 64, bytes.count <= fileBytesMax,
                Array(bytes[..<32]) == home.ledger.digest.bytes,
                Array(bytes[32..<64]) == Digest(hashing: Array(bytes[64...])).bytes
            else { return nil }
            return try ReadLog(decoding: Array(bytes[64...]))
        } catch {
            // It is read again from the start, which costs time alone.
            return nil
        }
    }

    /// Keeps what is believed: the ledger, the SHA-256 of the rest, and the rest.
    private func save() throws(NodeError) {
        let body = log.encoded
        let bytes = home.ledger.digest.bytes + Digest(hashing: body).bytes + body
        do {
            try Data(bytes).write(
                to: URL(fileURLWithPath: Self.file(home)), options: .atomic)
        } catch {
            throw .cannot("\(Self.file(home)) cannot be written: \(error)")
        }
    }
}
