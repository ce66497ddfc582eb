// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Replication

/// A signed claim to hold T prevotes that nobody has shown: an accusation by absence.
///
/// A precommit of a value rests on T prevotes for it in its round, a prevote with a ground and a
/// proposal with a valid round on T in that round. Who keeps to the rules has journaled them before
/// it spoke, so its journal answers. That nobody has shown them proves nothing.
package struct UnfoundedClaim: Hashable, Sendable, BorshCodable {
    /// A member of the height that is accused or may have prevoted.
    package struct Member: Hashable, Sendable, BorshCodable {
        /// Its number.
        package let index: ValidatorIndex
        /// Its key.
        package let key: PublicKey

        package func encode(to writer: inout BorshWriter) {
            writer.write(index)
            writer.write(key)
        }

        package init(from reader: inout BorshReader) throws(DecodingError) {
            index = try ValidatorIndex(from: &reader)
            key = try reader.publicKey()
        }

        init(index: ValidatorIndex, key: PublicKey) {
            self.index = index
            self.key = key
        }
    }

    /// Who must answer.
    package let validator: PublicKey
    /// What it claims by.
    package let slot: Slot
    /// The value that it spoke for.
    package let value: Digest
    /// The valid round of a proposal, the ground of a prevote, -1 of a precommit.
    package let validRound: Int64
    /// The accused's.
    package let signature: Signature
    /// Who orders the height, by index, as the accuser has it from a ledger.
    package let members: [Member]
    /// T of that height.
    package let threshold: UInt32

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(slot)
        writer.write(value)
        writer.write(validRound)
        writer.write(signature)
        writer.write(members)
        writer.write(threshold)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try reader.publicKey()
        slot = try Slot(from: &reader)
        value = try reader.digest()
        validRound = try reader.integer()
        signature = try reader.signature()
        let start = reader.offset
        members = try reader.list(bound: Limits.membersMax)
        guard zip(members, members.dropFirst()).allSatisfy({ $0.index < $1.index }) else {
            throw .notCanonical(type: "UnfoundedClaim.members, by index", offset: start)
        }
        threshold = try reader.integer()
    }

    /// What a statement claims to hold; nil where it claims nothing.
    package init?(
        _ statement: TracedStatement, by key: PublicKey, members: [ValidatorIndex: PublicKey],
        threshold: Int
    ) {
        guard let value = statement.value else { return nil }
        validator = key
        slot = statement.slot
        self.value = value
        validRound = statement.validRound
        signature = statement.signature
        self.members = members.keys.sorted().compactMap { index in
            members[index].map { Member(index: index, key: $0) }
        }
        self.threshold = UInt32(threshold)
        guard claimed != nil else { return nil }
    }

    /// The height and the round of the prevotes that it claims to hold; nil where it claims none.
    package var claimed: (height: Height, round: UInt32)? {
        switch slot {
        case .precommit(let height, let round): (height, round)
        case .prevote(let height, let round), .proposal(let height, let round):
            UInt32(exactly: validRound).flatMap { $0 < round ? (height, $0) : nil }
        default: nil
        }
    }
}

extension UnfoundedClaim: Convicting {
    /// Checks, in order: the signature, that it claims something, the members.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        let bytes = ConsensusStatement.signedBytes(
            slot, value: value, validRound: validRound, key: validator, ledger: ledger)
        guard validator.isValid, let bytes, validator.verifies(signature, of: bytes) else {
            throw .notSigned(field: "statement")
        }
        guard claimed != nil else { throw .innocent("the statement claims to hold no prevotes") }
        guard threshold > 0, threshold <= members.count,
            members.contains(where: { $0.key == validator })
        else { throw .unrelated(field: "members") }
        return [validator]
    }

    func sentence(_ names: [String]) -> String {
        guard let claimed else { return "\(names.listed) claims nothing." }
        return "\(names.listed) must show \(threshold) prevotes of height"
            + " \(claimed.height.rawValue), round \(claimed.round), for \(value.hex.prefix(16))…,"
            + " which it claimed to hold."
    }
}
