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
    /// So many payments are newly reported; with those reported again.
    case reported([RequestID])
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
/// A node that cannot be believed is named and left alone for a while. Nothing is paid twice,
/// whatever the nodes say and wherever the process ends: the vault has the row before the report
/// exists, and gives the same report for ever.
package final class RemoteBridge {
    private struct Place {
        let node: RemoteNode
        /// Not asked before then.
        var askAt: ContinuousClock.Instant = .now
        var failures = 0
    }

    /// Orders that are settled at once.
    private static let ordersAtOnce = 16
    /// The longest that a node is left alone, in seconds.
    private static let restSecondsMax = 60
    /// How long a report is given to come into the ledger until it is made again, in seconds.
    private static let againSeconds: Int64 = 5
    private static let fileBytesMax = 64 << 20

    private let home: BridgeHome
    private let vault: Vault
    private let tell: (BridgeTold) -> Void
    private var places: [Place]
    private var log: ReadLog
    /// When those that were reported are reported again.
    private var reportedAt: [EntryIndex: ContinuousClock.Instant] = [:]
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
        guard let (read, root) = found else { return }
        if read.frontier.count > before { tell(.read(node.url, size: read.frontier.count)) }
        reportedAt = reportedAt.filter { pair in read.orders.contains { $0.request == pair.key } }
        let due = read.orders.filter { (reportedAt[$0.request] ?? .now) <= .now }
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
        var reports: [RequestID] = []
        for (order, (payment, result)) in zip(orders, zip(proved, results)) {
            let id = payment.request.id(in: home.ledger)
            switch result {
            case .success(let report):
                stuck[id] = nil
                try hand(report, in: witness.node)
                reportedAt[order.request] = .now + .seconds(Self.againSeconds)
                reports.append(id)
            case .failure(.uncertain): hold(id, "\(OrderProblem.uncertain(id))")
            case .failure(let problem): throw witness.lie("the order of \(id.hex): \(problem)")
            }
        }
        if !reports.isEmpty { tell(.reported(reports)) }
    }

    private func hold(_ id: RequestID, _ why: String) {
        if stuck.updateValue(why, forKey: id) == nil { tell(.stuck(id, why)) }
    }

    private struct Taken: Decodable {
        var state: String
    }

    /// Hands a report in: at the node that gave the order, or at another.
    private func hand(_ report: SettlementMessage, in first: RemoteNode) throws(BridgeProblem) {
        var failure: ClientError?
        for node in [first] + places.map(\.node).filter({ $0.url != first.url }) {
            do throws(ClientError) {
                _ = try node.post(
                    Taken.self, ["settlements"], Message.settlement(report).encoded,
                    contentType: "application/octet-stream")
                return
            } catch {
                // What the ledger has already is well reported.
                if case .refused(_, let no) = error, no.status == 422 { return }
                failure = failure ?? error
            }
        }
        if let failure { throw .client(failure) }
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
