// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Figures

/// The hashing of a vote as a leaf, and of an inner node: four blocks of SHA-256.
struct HashBenchmark {
    private let leaves: [[UInt8]]

    /// Leaves of the size of a vote.
    init() {
        leaves = (0..<1_024).map { number in
            (0..<103).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        }
    }

    /// One core: the ways by turns on the same leaves.
    func measure(runs: Int, _ note: (String) -> Void) -> [Figure] {
        note(
            Digest.isInHardware
                ? "SHA-256 by the processor's own instructions"
                : "the processor has no instructions for SHA-256, or RECOUNT_PORTABLE is set")
        var (ours, paired, theirs): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<runs {
            ours.append(nanoseconds { MerkleFrontier.nodeHash($0, MerkleFrontier.leafHash($1)) })
            theirs.append(
                nanoseconds { last, leaf in
                    let hash = Digest(portablyHashing: leaf, prefix: 0)
                    return Digest(portablyHashing: (last.bytes + hash.bytes).span, prefix: 1)
                })
            paired.append(pairs())
        }
        return [
            Figure("SHA-256 of a leaf and a node, four blocks", unit: "ns", values: ours),
            Figure("  beside: swift-crypto", unit: "ns", values: theirs),
            Figure("SHA-256 of two leaves together, each", unit: "ns", values: paired),
        ]
    }

    /// For each leaf.
    private func nanoseconds(_ body: (Digest, Span<UInt8>) -> Digest) -> Double {
        let rounds = 400
        let (seconds, root) = timed {
            var last = Digest.zero
            for _ in 0..<rounds { for leaf in leaves { last = body(last, leaf.span) } }
            return last
        }
        precondition(root != .zero)
        return seconds * 1e9 / Double(rounds * leaves.count)
    }

    private func pairs() -> Double {
        let rounds = 400
        let (seconds, last) = timed {
            var last = Digest.zero
            for _ in 0..<rounds {
                for place in stride(from: 0, to: leaves.count, by: 2) {
                    let (one, other) = (leaves[place], leaves[place + 1])
                    last = MerkleFrontier.leafHashes(one.span, other.span).1
                }
            }
            return last
        }
        precondition(last != .zero)
        return seconds * 1e9 / Double(rounds * leaves.count)
    }
}
