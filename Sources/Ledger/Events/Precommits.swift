// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// T precommits on the root of the log after a batch, of one round.
package struct Precommits: BorshCodable, Hashable, Sendable {
    /// The batch.
    package var height: Height
    /// The round in which they were given.
    package var round: UInt32
    /// The root of the log after the batch.
    package var root: Digest
    /// Exactly T, by index.
    package var signatures: [IndexedSignature]

    /// Whether they are T, rising and signed is `areSigned`.
    package init(
        height: Height, round: UInt32, root: Digest, signatures: [IndexedSignature]
    ) {
        self.height = height
        self.round = round
        self.root = root
        self.signatures = signatures
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(root)
        writer.write(signatures)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        round = try reader.integer()
        root = try reader.digest()
        signatures = try reader.list(bound: Limits.membersMax)
    }
}

extension Precommits {
    /// Whether they are at least `threshold`, by index, of `members`, and each is signed.
    package func areSigned(
        by members: [RankedMember], in ledger: LedgerID, threshold: Int
    ) -> Bool {
        guard signatures.count >= threshold, signatures.count <= members.count else { return false }
        let slot = Slot.precommit(height, round: round)
        var last = -1
        for signature in signatures {
            guard Int(signature.validator.rawValue) > last,
                let member = members.first(where: { $0.index == signature.validator }),
                let bytes = ConsensusStatement.signedBytes(
                    slot, value: root, validRound: -1, key: member.key, ledger: ledger),
                member.key.verifies(signature.signature, of: bytes)
            else { return false }
            last = Int(signature.validator.rawValue)
        }
        return true
    }
}

extension LedgerState {
    /// Whether T of those who ordered the last batch precommitted to it, which left the log with
    /// this root: what makes it the ledger's, and not the word of whoever wrote it.
    ///
    /// Batch 0 is ordered by nobody: its hash is the ledger's name.
    package func isLastBatchOrdered(by precommits: Precommits, root: Digest) -> Bool {
        precommits.height == height && precommits.root == root
            && precommits.areSigned(
                by: sealedBefore.members, in: ledger,
                threshold: Int(sealedBefore.parameters.threshold))
    }
}
