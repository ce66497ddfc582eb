// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// Who may order batches, and by how many signatures, from a batch on.
struct Era: Equatable {
    /// The batch whose changes made it; 0 for the first entry.
    let batch: Height
    /// T.
    var threshold: Int
    /// The members, by index.
    var members: [Member]

    /// A member's index and key.
    struct Member: Equatable {
        let index: ValidatorIndex
        let key: PublicKey
    }

    func key(of index: ValidatorIndex) -> PublicKey? {
        members.first { $0.index == index }?.key
    }
}

/// The validators in office, as far as the bridge has followed the ledger.
///
/// Batch h is ordered by the members that h - 2 sealed.
struct Office {
    /// By ascending batch, at least one; the first is of batch 0.
    let eras: [Era]

    init(_ eras: [Era]) {
        invariant(!eras.isEmpty, "a bridge knows no validators")
        self.eras = eras
    }

    /// The validators after the last change that is known.
    var newest: Era { eras[eras.count - 1] }

    /// Those who could order a batch.
    func era(ordering height: Height) -> Era {
        let sealed = height.rawValue < 2 ? 0 : height.rawValue - 2
        return eras.last { $0.batch.rawValue <= sealed } ?? eras[0]
    }

    /// Checks that T of those then in office, none of whom has left since, precommitted a root;
    /// returns the size of the log under it.
    ///
    /// Checks, in order: the seal, each precommit (order, office, signature), their number, the
    /// inclusion of the seal.
    func check(_ root: ProvedRoot, in ledger: LedgerID) throws(OrderProblem) -> UInt64 {
        let precommits = root.precommits
        guard case .batchSealed(let seal) = try root.sealed.event("the seal") else {
            throw .wrongEntry("the seal")
        }
        guard seal.size == root.sealed.index, seal.height == precommits.height,
            seal.height.rawValue > 0
        else { throw .contradiction("the seal is not that of the batch of the root") }
        let era = era(ordering: precommits.height)
        let slot = Slot.precommit(precommits.height, round: precommits.round)
        var last = -1
        var counted = 0
        for precommit in precommits.signatures {
            let index = precommit.validator
            guard Int(index.rawValue) > last else { throw .precommitsUnordered }
            last = Int(index.rawValue)
            guard let key = era.key(of: index) else { throw .notInOffice(index) }
            let signed = ConsensusStatement.signedBytes(
                slot, value: precommits.root, validRound: -1, key: key, ledger: ledger)
            guard let signed, key.verifies(precommit.signature, of: signed) else {
                throw .precommitUnsigned(index)
            }
            if newest.key(of: index) == key { counted += 1 }
        }
        guard precommits.signatures.count >= era.threshold else {
            throw .tooFewPrecommits(
                counted: precommits.signatures.count, needed: era.threshold)
        }
        guard counted >= era.threshold else {
            throw .signersLeft(counted: counted, needed: era.threshold)
        }
        try root.sealed.check("the seal", size: seal.size + 1, root: precommits.root)
        return seal.size + 1
    }
}

extension ProvedEntry {
    /// The event; throws where it is none.
    func event(_ what: String) throws(OrderProblem) -> Event {
        do throws(Ledger.DecodingError) {
            return try Event(decoding: bytes)
        } catch {
            throw .wrongEntry("\(what) (\(error))")
        }
    }

    /// Throws where the entry is not under the root.
    func check(_ what: String, size: UInt64, root: Digest) throws(OrderProblem) {
        guard
            MerkleProof.verifyInclusion(
                leafHash: MerkleFrontier.leafHash(bytes.span), index: index, size: size,
                proof: proof, root: root)
        else { throw .notIncluded(what) }
    }
}
