// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// Two logs that one key has signed, of which the older is not the start of the newer.
///
/// A checkpoint signs a size and a root. A precommit signs the log before its batch: what was
/// decided then, since nobody honest votes at a height before the one below is decided; the batch
/// itself may never be.
package struct TwoHistories: Hashable, Sendable, BorshCodable {
    /// Who signed both.
    package let validator: PublicKey
    /// The smaller log.
    package let older: SignedHead
    /// The larger log.
    package let newer: SignedHead
    /// The root that the newer log has at the size of the older.
    package let root: Digest
    /// The proof of that (RFC 6962, consistency).
    package let proof: [Digest]

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(
        validator: PublicKey, older: SignedHead, newer: SignedHead, root: Digest, proof: [Digest]
    ) {
        self.validator = validator
        self.older = older
        self.newer = newer
        self.root = root
        self.proof = proof
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(older)
        writer.write(newer)
        writer.write(root)
        writer.write(proof.map(\.value))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try reader.publicKey()
        older = try SignedHead(from: &reader)
        newer = try SignedHead(from: &reader)
        root = try reader.digest()
        proof = try reader.list32(of: "TwoHistories.proof", bound: SignedHead.proofMax)
            .map { Digest($0) }
    }
}

/// A log that a key has signed.
package enum SignedHead: Hashable, Sendable, BorshCodable {
    /// Hashes of a proof in a tree of at most 2^64 leaves.
    static let proofMax = 128

    /// Tag 0: a checkpoint, as its log's own (nil), or cosigned as of a second.
    case checkpoint(TreeHead, seconds: UInt64?, Signature)
    /// Tag 1: a precommit of the log that ends with `end`, in which `opening` is entry `place`.
    case precommit(
        round: UInt32, Signature, end: SealedEnd, opening: [UInt8], place: UInt64, proof: [Digest])

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .checkpoint(let head, let seconds, let signature):
            writer.write(UInt8(0))
            writer.write(head.size)
            writer.write(head.root)
            writer.write(UInt8(seconds == nil ? 0 : 1))
            if let seconds { writer.write(seconds) }
            writer.write(signature)
        case .precommit(let round, let signature, let end, let opening, let place, let proof):
            writer.write(UInt8(1))
            writer.write(round)
            writer.write(signature)
            writer.write(end)
            writer.write(opening)
            writer.write(place)
            writer.write(proof.map(\.value))
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0:
            let head = TreeHead(size: try reader.integer(), root: try reader.digest())
            let flag = reader.offset
            let seconds: UInt64?
            switch try reader.integer(UInt8.self) {
            case 0: seconds = nil
            case 1: seconds = try reader.integer()
            case let tag: throw .unknownTag(type: "UInt64?", tag: tag, offset: flag)
            }
            self = .checkpoint(head, seconds: seconds, try reader.signature())
        case 1:
            self = .precommit(
                round: try reader.integer(), try reader.signature(),
                end: try SealedEnd(from: &reader),
                opening: try reader.blob(of: "SignedHead.opening", bound: Limits.entryBytesMax),
                place: try reader.integer(),
                proof: try reader.list32(of: "SignedHead.proof", bound: Self.proofMax)
                    .map { Digest($0) })
        case let tag: throw .unknownTag(type: "SignedHead", tag: tag, offset: start)
        }
    }
}

extension SignedHead {
    /// The log that `key` has signed by it, in so far as it was decided.
    func head(by key: PublicKey, in ledger: LedgerID, _ field: String) throws(EvidenceFlaw)
        -> TreeHead
    {
        switch self {
        case .checkpoint(let head, let seconds, let signature):
            let bytes = CheckpointStatement.signedBytes(
                size: head.size, root: head.root, seconds: seconds, ledger: ledger)
            guard key.verifies(signature, of: bytes) else { throw .notSigned(field: field) }
            return head
        case .precommit(let round, let signature, let end, let opening, let place, let proof):
            let (sealed, frontier) = try end.end("seal of the \(field)")
            let bytes = ConsensusStatement.signedBytes(
                .precommit(sealed.height, round: round), value: frontier.root, validRound: -1,
                key: key, ledger: ledger)
            guard let bytes, key.verifies(signature, of: bytes) else {
                throw .notSigned(field: field)
            }
            guard
                case .batchOpened(let opened) = try Event.read(opening, "opening of the \(field)"),
                opened.height == sealed.height,
                MerkleProof.verifyInclusion(
                    leafHash: MerkleFrontier.leafHash(opening.span), index: place,
                    size: frontier.count, proof: proof, root: frontier.root)
            else { throw .unrelated(field: "opening of the \(field)") }
            return TreeHead(size: place, root: opened.previousRoot)
        }
    }
}

extension TwoHistories: Convicting {
    /// Checks, in order: both signatures with what they cover, the sizes, the proof, the roots.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        guard validator.isValid else { throw .notSigned(field: "older log") }
        let one = try older.head(by: validator, in: ledger, "older log")
        let other = try newer.head(by: validator, in: ledger, "newer log")
        guard one.size <= other.size,
            MerkleProof.verifyConsistency(
                oldSize: one.size, oldRoot: root, newSize: other.size, newRoot: other.root,
                proof: proof)
        else { throw .unrelated(field: "proof") }
        guard one.root != root else {
            throw .innocent("the older log is the start of the newer")
        }
        return [validator]
    }

    func sentence(_ names: [String]) -> String {
        "\(names.listed) signed two histories, of which neither is the start of the other."
    }
}
