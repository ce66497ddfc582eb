// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension FuzzTarget {
    /// SHA-256 by the processor's own instructions, held against the one without them.
    static let hashing = FuzzTarget(
        name: "hashing", about: "SHA-256 by instructions of its own; the same as without",
        bytesMax: 1024,
        seeds: {
            [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 200].map { count in
                Seed(
                    name: "bytes-\(count)",
                    bytes: [UInt8(count / 2), 0] + [UInt8](repeating: 7, count: count))
            }
        },
        run: { bytes in
            var parts = Parts(bytes)
            let first = parts.list()
            let second = parts.rest
            for message in [first, second, bytes] {
                law(
                    Digest(hashing: message) == Digest(portablyHashing: message.span), "a digest")
                law(
                    Digest(prefix: 0, hashing: message.span)
                        == Digest(portablyHashing: message.span, prefix: 0), "a leaf")
            }
            let pair = MerkleFrontier.leafHashes(first.span, second.span)
            law(pair.0 == Digest(portablyHashing: first.span, prefix: 0), "the first leaf")
            law(pair.1 == Digest(portablyHashing: second.span, prefix: 0), "the second leaf")
        })
}
