// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why a checkpoint must not be cosigned.
package enum CosignRefusal: Error, Equatable, Sendable {
    /// The checkpoint is of another log.
    case otherOrigin(expected: String, found: String)
    /// A log of no entries has one root, and this is another.
    case emptyRoot(Digest)
    /// The log is said to have shrunk since the last cosignature.
    case rollback(last: TreeHead, size: UInt64)
    /// The log is said to have another root at the very size that was cosigned last.
    case fork(last: TreeHead, root: Digest)
    /// The proof does not show that what was cosigned last is a prefix of the log.
    case notConsistent(last: TreeHead, head: TreeHead)
}

extension CosignRefusal: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .otherOrigin(let expected, let found):
            "the checkpoint is of \(found), and one of \(expected) was due"
        case .emptyRoot(let root): "a log of no entries cannot have the root \(root.hex)"
        case .rollback(let last, let size):
            "size \(size) is below \(last.size), which was cosigned"
        case .fork(let last, let root):
            "size \(last.size) was cosigned with root \(last.root.hex), and now has \(root.hex)"
        case .notConsistent(let last, let head):
            "no proof that size \(head.size), root \(head.root.hex), continues size \(last.size), "
                + "root \(last.root.hex)"
        }
    }
}

/// The question that comes before each cosignature.
///
/// A cosignature says that the log only ever grew, as far as its key saw (C2SP tlog-cosignature).
/// The caller keeps what was cosigned durably before the cosignature leaves.
package enum Cosigner {
    /// Returns normally where a key may cosign `checkpoint`, after it cosigned `last` (nil: nothing
    /// yet).
    ///
    /// `proof` is the RFC 6962 consistency proof between the two; empty where nothing was cosigned,
    /// where the last was of no entries, and where the sizes are equal. Throws, in this order:
    /// `.otherOrigin`, `.emptyRoot`, `.rollback`, `.fork`, `.notConsistent`.
    package static func check(
        _ checkpoint: Checkpoint, after last: TreeHead?, origin: String, proof: [Digest]
    ) throws(CosignRefusal) {
        guard checkpoint.originUTF8 == Array(origin.utf8) else {
            throw .otherOrigin(expected: origin, found: checkpoint.origin)
        }
        let head = checkpoint.head
        guard head.size > 0 || head.root == .ofNothing else { throw .emptyRoot(head.root) }
        guard let last else { return }
        guard head.size >= last.size else { throw .rollback(last: last, size: head.size) }
        guard head.size > last.size || head.root == last.root else {
            throw .fork(last: last, root: head.root)
        }
        let isConsistent =
            last.size == 0
            ? proof.isEmpty && last.root == .ofNothing
            : MerkleProof.verifyConsistency(
                oldSize: last.size, oldRoot: last.root, newSize: head.size, newRoot: head.root,
                proof: proof)
        guard isConsistent else { throw .notConsistent(last: last, head: head) }
    }
}
