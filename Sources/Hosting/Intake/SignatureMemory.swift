// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Ledger
internal import Synchronization

/// Which messages of a ledger were found signed, so that one that comes again costs a hash.
///
/// Whether signatures hold follows from the bytes alone: a key keeps its number for ever. So hosts
/// of one ledger in one process may share it. It may be used from several threads at once.
package final class SignatureMemory: Sendable {
    /// What was found of a message.
    struct Found {
        /// Whether the proof in it is well formed; nil where it holds none.
        let isProofWellFormed: Bool?
    }

    /// Invariants: `found` has the keys of `order`, each once; `order.count <= knownMax`, which
    /// `next` is below.
    private struct Known {
        var found: [Digest: Found] = [:]
        var order: [Digest] = []
        var next = 0
    }

    /// Messages that are remembered.
    private static let knownMax = 32_768

    /// Checks signatures, with tables of the keys that signed often.
    package let checker: SignatureChecker
    private let known = Mutex(Known())

    /// Remembers nothing yet.
    package init(checker: SignatureChecker = SignatureChecker()) { self.checker = checker }

    func found(_ digest: Digest) -> Found? { known.withLock { $0.found[digest] } }

    func note(_ digest: Digest, _ found: Found) {
        known.withLock { known in
            guard known.found.updateValue(found, forKey: digest) == nil else { return }
            if known.order.count < Self.knownMax {
                known.order.append(digest)
            } else {
                known.found[known.order[known.next]] = nil
                known.order[known.next] = digest
                known.next = (known.next + 1) % Self.knownMax
            }
            invariant(
                known.found.count == known.order.count,
                "\(known.found.count) messages, \(known.order.count) of them to be forgotten")
            invariant(
                known.order.count <= Self.knownMax, "\(known.order.count) messages are remembered")
        }
    }
}
