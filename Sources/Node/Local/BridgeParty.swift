// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger
internal import Replication
internal import Synchronization

/// The bridge as a party of its own: it hears orders from validators, and answers with its reports.
///
/// One thread has the vault. Whoever asks is answered; what is paid rests on the proof alone.
package final class BridgeParty: Sendable {
    private struct Contents {
        var queues = PeerQueues()
        var isStopped = false
        /// Orders that it did not believe, or that a person has to decide on.
        var stuck: Set<RequestID> = []
    }

    private let home: BridgeHome
    private let transport: any Transport
    private let tell: @Sendable (NodeEvent) -> Void
    private let monitor = Monitor()
    private let contents = Mutex(Contents())
    private let end = NodeEnd()

    /// Opens the vault and starts the thread; throws what opening throws, and nothing runs then.
    package init(
        home: BridgeHome, transport: any Transport, onEnd: @escaping @Sendable () -> Void = {},
        tell: @escaping @Sendable (NodeEvent) -> Void
    ) throws(NodeError) {
        self.home = home
        self.transport = transport
        self.tell = tell
        let opening = NodeEnd()
        let thread = Thread { [self] in
            do throws(NodeError) {
                let vault = try home.openVault()
                opening.set(nil)
                transport.receive { [self] in put($0) }
                var failure: NodeError?
                do throws(NodeError) { try work(vault) } catch { failure = error }
                try vault.close()
                end.set(failure)
            } catch {
                opening.set(error)
                end.set(error)
            }
            onEnd()
        }
        thread.name = "recount-bridge"
        thread.stackSize = 8 << 20
        thread.start()
        if let error = opening.wait() { throw error }
    }

    /// Orders that will not be reported before a person has done something.
    package var stuckCount: Int { contents.withLock { $0.stuck.count } }

    /// Whether it has ended; the error where it did not end in order.
    package var ended: (isOver: Bool, error: NodeError?) { end.value }

    /// Asks it to end.
    package func stop() {
        monitor.locked {
            contents.withLock { $0.isStopped = true }
            monitor.wakeAll()
        }
    }

    /// Waits for its end; returns the error where it did not end in order.
    @discardableResult
    package func wait() -> NodeError? { end.wait() }

    private func put(_ message: Arrival) {
        // What comes to it is for it alone.
        message.judge?(.ignore)
        guard message.bytes.count <= NodeLimits.dutyMessageBytesMax else { return }
        monitor.locked {
            _ = contents.withLock { $0.queues.add(message) }
            monitor.wakeAll()
        }
    }

    /// What waits, once something does; nil when it is to end.
    private func popArrivals() -> [Arrival]? {
        monitor.locked {
            while true {
                let (taken, isStopped) = contents.withLock {
                    ($0.queues.pop(NodeLimits.settlementsPerVisitMax), $0.isStopped)
                }
                if isStopped { return nil }
                if !taken.isEmpty { return taken }
                monitor.wait()
            }
        }
    }

    private func work(_ vault: Vault) throws(NodeError) {
        // It may have been away while validators came and left.
        transport.sendToAll(DutyMessage.wantChanges(try vault.nextChange()).encoded)
        while let taken = popArrivals() {
            var orders: [(order: SettlementOrder, sender: PublicKey)] = []
            for message in taken {
                switch Self.read(message.bytes) {
                case .orders(let list): orders += list.map { ($0, message.sender) }
                case .changes(let changes): try follow(changes, vault, message.sender)
                default: break
                }
            }
            if !orders.isEmpty { try settle(orders, vault) }
        }
    }

    private static func read(_ bytes: [UInt8]) -> DutyMessage? {
        do throws(Ledger.DecodingError) { return try DutyMessage(decoding: bytes) } catch {
            return nil
        }
    }

    private func follow(
        _ changes: [ProvedChange], _ vault: Vault, _ sender: PublicKey
    ) throws(NodeError) {
        var isFollowed = false
        for change in changes where try vault.follow(change) == nil { isFollowed = true }
        guard isFollowed, changes.count == NodeLimits.changesPerMessageMax else { return }
        transport.send(DutyMessage.wantChanges(try vault.nextChange()).encoded, to: sender)
    }

    private func settle(
        _ orders: [(order: SettlementOrder, sender: PublicKey)], _ vault: Vault
    ) throws(NodeError) {
        let results = try vault.settle(orders.map(\.order))
        for ((order, sender), result) in zip(orders, results) {
            let id = order.request.id(in: home.ledger)
            switch result {
            case .success(let report):
                contents.withLock { _ = $0.stuck.remove(id) }
                transport.send(
                    PeerMessage.command(.settlement(report)).encoded, to: sender)
            case .failure(let problem):
                try heed(problem, of: id, vault, sender)
            }
        }
    }

    private func heed(
        _ problem: OrderProblem, of id: RequestID, _ vault: Vault, _ sender: PublicKey
    ) throws(NodeError) {
        switch problem {
        case .notInOffice, .tooFewPrecommits, .signersLeft:
            transport.send(DutyMessage.wantChanges(try vault.nextChange()).encoded, to: sender)
            return
        default: break
        }
        let isNew = contents.withLock { $0.stuck.insert(id).inserted }
        if isNew {
            tell(.warning("the bridge does not pay \(id.hex.prefix(16)): \(problem)"))
        }
    }
}
