// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Replication

/// A proposal by one who did not lead.
///
/// What is signed names the log before the batch: an opening by its root, a proposal by the root
/// after the batch, which follows from it. The seal at its end names who led.
package struct ForeignProposal: Equatable, Sendable, BorshCodable {
    /// Who proposed.
    package let proposer: PublicKey
    /// The parties before the batch: the fixed part of the state; see `StateSnapshot`.
    package let fixed: [UInt8]
    /// The end of the log before the batch.
    package let before: SealedEnd
    /// The entries of the batch: the opening alone where that is what was signed.
    package let entries: [EntryBytes]
    /// The proposal of the root after `entries`; nil where the opening is what was signed.
    package let proposed: ProposedValue?

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(
        proposer: PublicKey, fixed: [UInt8], before: SealedEnd, entries: [EntryBytes],
        proposed: ProposedValue?
    ) {
        self.proposer = proposer
        self.fixed = fixed
        self.before = before
        self.entries = entries
        self.proposed = proposed
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(proposer)
        writer.write(fixed)
        writer.write(before)
        writer.write(entries)
        writer.write(optional: proposed)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        proposer = try reader.publicKey()
        fixed = try reader.blob(of: "ForeignProposal.fixed", bound: EvidenceFile.bytesMax)
        before = try SealedEnd(from: &reader)
        entries = try reader.list(bound: ReplicationLimits.batchEntriesMax)
        proposed = try reader.optional()
    }
}

extension ForeignProposal: Convicting {
    /// Checks, in order: the end of the log, the parties, the opening, the signature, who led.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        let (sealed, frontier) = try before.end("before")
        let roll = try roll(sealed, in: ledger)
        guard let first = entries.first,
            case .batchOpened(let opening) = try Event.read(first.bytes, "opening"),
            opening.height.rawValue == sealed.height.rawValue + 1,
            opening.previousRoot == frontier.root
        else { throw .unrelated(field: "opening") }
        let round = try signedRound(opening, frontier, in: ledger)
        let ranking = roll.proposerRanking(opening.height)
        guard !ranking.isEmpty else { throw .unrelated(field: "parties, who are none") }
        guard roll.key(of: ranking[Int(round) % ranking.count]) != proposer else {
            throw .innocent("the proposer led that round")
        }
        return [proposer]
    }

    /// The round for which the proposer signed.
    private func signedRound(
        _ opening: BatchOpened, _ frontier: MerkleFrontier, in ledger: LedgerID
    ) throws(EvidenceFlaw) -> UInt32 {
        guard let proposed else {
            let bytes = BatchOpening.signedBytes(
                height: opening.height, time: opening.time, round: opening.round,
                previousRoot: opening.previousRoot, proposer: proposer, in: ledger)
            guard proposer.isValid, proposer.verifies(opening.signature, of: bytes) else {
                throw .notSigned(field: "opening")
            }
            return opening.round
        }
        var grown = frontier
        for entry in entries { grown.append(leaf: entry.bytes) }
        guard proposed.height == opening.height, proposed.value == grown.root else {
            throw .unrelated(field: "proposal")
        }
        let bytes = ConsensusStatement.signedBytes(
            .proposal(proposed.height, round: proposed.round), value: proposed.value,
            validRound: proposed.validRound, key: proposer, ledger: ledger)
        guard proposer.isValid, let bytes, proposer.verifies(proposed.signature, of: bytes) else {
            throw .notSigned(field: "proposal")
        }
        return proposed.round
    }

    private func roll(
        _ sealed: BatchSealed, in ledger: LedgerID
    ) throws(EvidenceFlaw) -> PartyRoll {
        let roll: PartyRoll
        do throws(SnapshotError) { roll = try PartyRoll(fixed: fixed) } catch {
            throw .unrelated(field: "parties (\(error))")
        }
        guard roll.ledger == ledger, roll.height == sealed.height, roll.isWithinBounds,
            roll.holds(components: sealed.components)
        else { throw .unrelated(field: "parties, who are not those that the seal names") }
        return roll
    }

    func sentence(_ names: [String]) -> String {
        let round: String
        if let proposed {
            round = "height \(proposed.height.rawValue) in round \(proposed.round)"
        } else {
            round = "a batch in a round"
        }
        return "\(names.listed) proposed \(round) that another led."
    }
}
