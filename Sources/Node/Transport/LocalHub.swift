// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Synchronization

/// The parties of one process, joined: what one sends the others take at once.
///
/// The hub keeps nothing. Each receiver has bounded queues of its own (see `PeerQueues`), so that
/// a slow one holds nobody up, and a flood costs the receiver no more than one queue.
package final class LocalHub: Sendable {
    /// What a party is to the others.
    package enum Part: Sendable {
        /// It hears what is sent to all.
        case validator
        /// It hears only what is sent to it.
        case client
    }

    private struct Port: Sendable {
        let part: Part
        var onArrival: (@Sendable (Arrival) -> Void)?
    }

    private struct Contents {
        var ports: [PublicKey: Port] = [:]
        /// The keys of `ports`, in order of joining.
        var order: [PublicKey] = []
    }

    /// Whether a message gets from one to the other.
    package typealias Carries =
        @Sendable (_ bytes: [UInt8], _ sender: PublicKey, _ receiver: PublicKey) -> Bool

    private let contents = Mutex(Contents())
    private let carries: Carries

    /// Joins nobody yet. What it does not carry is lost, as on any network.
    package init(carries: @escaping Carries = { _, _, _ in true }) { self.carries = carries }

    /// Adds a party, or lets it in again.
    package func join(_ key: PublicKey, as part: Part) -> LocalPort {
        contents.withLock { contents in
            if contents.ports[key] == nil { contents.order.append(key) }
            contents.ports[key] = Port(part: part)
        }
        return LocalPort(hub: self, key: key)
    }

    /// Takes a party out: nothing reaches it any more.
    package func leave(_ key: PublicKey) {
        contents.withLock { contents in
            contents.ports[key] = nil
            contents.order.removeAll { $0 == key }
        }
    }

    fileprivate func receive(
        for key: PublicKey, _ body: @escaping @Sendable (Arrival) -> Void
    ) {
        contents.withLock { $0.ports[key]?.onArrival = body }
    }

    fileprivate func send(_ bytes: [UInt8], from sender: PublicKey, to receiver: PublicKey) {
        let onArrival = contents.withLock { contents in
            contents.ports[sender] == nil ? nil : contents.ports[receiver]?.onArrival
        }
        guard let onArrival, carries(bytes, sender, receiver) else { return }
        onArrival(Arrival(bytes, from: sender))
    }

    fileprivate func sendToAll(_ bytes: [UInt8], from sender: PublicKey) {
        let all = contents.withLock { contents -> [(PublicKey, @Sendable (Arrival) -> Void)] in
            guard contents.ports[sender] != nil else { return [] }
            return contents.order.compactMap { key in
                guard key != sender, let port = contents.ports[key], port.part == .validator
                else { return nil }
                return port.onArrival.map { (key, $0) }
            }
        }
        for (receiver, onArrival) in all where carries(bytes, sender, receiver) {
            onArrival(Arrival(bytes, from: sender))
        }
    }
}

/// A party's own end of a hub.
package struct LocalPort: Transport {
    private let hub: LocalHub
    private let key: PublicKey

    fileprivate init(hub: LocalHub, key: PublicKey) {
        self.hub = hub
        self.key = key
    }

    package func send(_ bytes: [UInt8], to receiver: PublicKey) {
        hub.send(bytes, from: key, to: receiver)
    }

    package func sendToAll(_ bytes: [UInt8]) { hub.sendToAll(bytes, from: key) }

    package func receive(_ onArrival: @escaping @Sendable (Arrival) -> Void) {
        hub.receive(for: key, onArrival)
    }
}
