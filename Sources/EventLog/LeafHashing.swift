// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch
internal import Synchronization

/// Hashing of many leaves.
enum LeafHashing {
    /// Fewer entries are hashed faster than another core is woken.
    static let parallelMin = 256

    /// The hashes of entries as leaves of the log's tree, in order.
    static func leaves(of entries: ArraySlice<[UInt8]>) -> [Digest] {
        guard entries.count >= parallelMin else {
            return entries.map { MerkleFrontier.leafHash($0.span) }
        }
        let middle = entries.startIndex + entries.count / 2
        let halves = [entries[..<middle], entries[middle...]]
        let results = Mutex<[[Digest]]>([[], []])
        DispatchQueue.concurrentPerform(iterations: 2) { half in
            let leaves = halves[half].map { MerkleFrontier.leafHash($0.span) }
            results.withLock { $0[half] = leaves }
        }
        return results.withLock { $0[0] + $0[1] }
    }
}
