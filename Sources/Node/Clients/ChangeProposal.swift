// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// A change of a ledger that validators are asked to sign, as a file that goes from one to the
/// next.
package struct ChangeProposal: Sendable, Equatable {
    /// The ledger: SHA-256 of its first entry.
    package let ledger: LedgerID
    /// The change, its running number, and who has signed so far.
    package private(set) var message: GovernanceMessage

    /// A proposal that nobody has signed.
    package init(ledger: LedgerID, number: UInt64, change: Change) {
        self.ledger = ledger
        message = GovernanceMessage(number: number, change: change, endorsements: [])
    }

    /// Signs it, once for each key.
    package mutating func sign(with key: SigningKey) {
        message.endorsements.removeAll { $0.validator == key.publicKey }
        message.endorsements.append(
            Endorsement(
                validator: key.publicKey, signature: key.sign(message.signedBytes(in: ledger))))
    }

    /// The message for the ledger, as the rules want it: members alone, by index.
    ///
    /// Checks, in order: the number, the signatures, how many of those who signed are members.
    package func message(for state: LedgerState) throws(ProposalProblem) -> GovernanceMessage {
        guard ledger == state.ledger else { throw .otherLedger }
        guard message.number == state.nextChange else {
            throw .wrongNumber(message.number, next: state.nextChange)
        }
        guard message.isSigned(in: ledger) else { throw .falseSignature }
        var signers: [(index: ValidatorIndex, endorsement: Endorsement)] = []
        for endorsement in message.endorsements {
            guard let index = state.validatorIndex(of: endorsement.validator),
                state.members.contains(index)
            else { continue }
            signers.append((index, endorsement))
        }
        let threshold = Int(state.parameters.threshold)
        guard signers.count >= threshold else {
            throw .tooFew(signers: signers.count, threshold: threshold)
        }
        var result = message
        result.endorsements = signers.sorted { $0.index < $1.index }.map(\.endorsement)
        return result
    }
}

/// Why a proposal cannot be handed in, or read.
package enum ProposalProblem: Error, Equatable, Sendable {
    /// It is of another ledger.
    case otherLedger
    /// Another change has taken its number.
    case wrongNumber(UInt64, next: UInt64)
    /// A signature does not hold.
    case falseSignature
    /// Too few members have signed.
    case tooFew(signers: Int, threshold: Int)
    /// The file is no proposal.
    case line(LineProblem)
    /// A field of the file is not what it should be.
    case field(String)
}

extension ProposalProblem: CustomStringConvertible {
    /// What is wrong and what to do, for a person.
    package var description: String {
        switch self {
        case .otherLedger: "it is of another ledger"
        case .wrongNumber(let number, let next):
            "it is change \(number), and the ledger waits for change \(next): propose it again"
        case .falseSignature: "a signature in it does not hold; have it signed again"
        case .tooFew(let signers, let threshold):
            "\(signers) members have signed, and \(threshold) are needed; `recount govern sign`"
                + " adds those of a home"
        case .line(let problem): "it is no proposal: \(problem)"
        case .field(let name): "it is no proposal: \(name) is not what it should be"
        }
    }
}

extension ChangeProposal {
    private struct File: Codable {
        struct Signer: Codable {
            var validator: String
            var signature: String
        }

        var recount_change: Int
        var ledger_id: String
        var number: UInt64
        /// Borsh of the `Change`, in hexadecimal; all that counts.
        var change: String
        /// For people; not read.
        var says: String?
        var endorsements: [Signer]
    }

    /// Reads the file of a proposal.
    package init(json bytes: [UInt8]) throws(ProposalProblem) {
        let file: File
        do throws(LineProblem) { file = try NodeJSON.decode(File.self, line: bytes) } catch {
            throw .line(error)
        }
        guard file.recount_change == 1 else { throw .field("recount_change") }
        guard let ledger = Bytes32(hex: file.ledger_id) else { throw .field("ledger_id") }
        guard let encoded = [UInt8](hex: file.change) else { throw .field("change") }
        let change: Change
        do throws(DecodingError) { change = try Change(decoding: encoded) } catch {
            throw .field("change")
        }
        var endorsements: [Endorsement] = []
        for signer in file.endorsements {
            guard let key = Bytes32(hex: signer.validator),
                let signature = [UInt8](hex: signer.signature).flatMap({ Signature($0) })
            else { throw .field("endorsements") }
            endorsements.append(Endorsement(validator: PublicKey(key), signature: signature))
        }
        guard Set(endorsements.map(\.validator)).count == endorsements.count else {
            throw .field("endorsements")
        }
        self.ledger = LedgerID(Digest(ledger))
        message = GovernanceMessage(
            number: file.number, change: change, endorsements: endorsements)
    }

    /// The file, on one line.
    ///
    /// - Parameter says: The change in words, for those who are asked to sign.
    package func json(says: String) throws -> String {
        try NodeJSON.encode(
            File(
                recount_change: 1, ledger_id: ledger.hex, number: message.number,
                change: message.change.encoded.hex, says: says,
                endorsements: message.endorsements.map {
                    File.Signer(validator: $0.validator.hex, signature: $0.signature.hex)
                })) + "\n"
    }
}
