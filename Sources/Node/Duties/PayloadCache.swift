// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The payloads that a node had in its hands last: each has the hash that it is found by.
///
/// Invariants: `order` has each of `payloads` once, the oldest first; `size` is the sum of their
/// bytes, `size <= bytesMax`, and there are no more than `countMax`.
package struct PayloadCache {
    private let bytesMax: Int
    private let countMax: Int
    private var payloads: [Digest: [UInt8]] = [:]
    private var order: [Digest] = []
    private var size = 0

    /// An empty one.
    package init(bytesMax: Int, countMax: Int) {
        (self.bytesMax, self.countMax) = (bytesMax, countMax)
    }

    /// A payload; nil where it is not among the last.
    package subscript(hash: Digest) -> [UInt8]? { payloads[hash] }

    /// Takes in a payload whose hash is known to be right; the oldest go where there is no room.
    package mutating func insert(_ hash: Digest, _ bytes: [UInt8]) {
        guard payloads[hash] == nil, bytes.count <= bytesMax else { return }
        payloads[hash] = bytes
        order.append(hash)
        size += bytes.count
        let excess = order.count - countMax
        var goes = 0
        while size > bytesMax || goes < excess {
            size -= payloads.removeValue(forKey: order[goes])?.count ?? 0
            goes += 1
        }
        order.removeFirst(goes)
        invariant(order.count == payloads.count, "\(order.count) in order of \(payloads.count)")
        invariant(size >= 0, "payloads of \(size) bytes")
    }

    /// Forgets a payload, which the node has no longer.
    package mutating func remove(_ hash: Digest) {
        guard let bytes = payloads.removeValue(forKey: hash) else { return }
        size -= bytes.count
        order.removeAll { $0 == hash }
    }
}
