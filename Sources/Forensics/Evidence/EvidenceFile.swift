// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Storage

/// A file that convicts, accuses or clears by itself, without a ledger and without a network.
///
/// A `FramedFile` of the magic `RCEV`, version 1, that holds the ledger's id (32), the kind (u8),
/// and Borsh of the fields of that kind; there is one encoding. The article "Why did they
/// disagree?" has the tables.
package struct EvidenceFile: Equatable, Sendable {
    private static let form = FramedFile("RCEV", version: 1)
    /// Bytes of a file: the records on which a refuted batch rests, or what a job ran, are in it.
    package static let bytesMax = 256 << 20

    /// The ledger that all its signatures are for.
    package let ledger: LedgerID
    /// What is charged.
    package let charge: Charge

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(ledger: LedgerID, charge: Charge) {
        self.ledger = ledger
        self.charge = charge
    }
}

/// What a file of evidence charges somebody with.
package enum Charge: Equatable, Sendable {
    /// Kind 0: one key signed two messages that contradict each other.
    case contradiction(EvidenceMessage)
    /// Kind 1: a vote for a proof that does not verify, or against one that does. Kind 8: the same
    /// of a vote that was signed in a list, and then its way to the root.
    case falseVote(FalseVote)
    /// Kind 2: a result that running the job again does not give.
    case falseResult(FalseResult)
    /// Kind 3: T precommits under a batch that the rules refute.
    case refutedBatch(RefutedBatch)
    /// Kind 4: a proposal by one who did not lead.
    case foreignProposal(ForeignProposal)
    /// Kind 5: one key signed two histories of which neither is the start of the other.
    case twoHistories(TwoHistories)
    /// Kind 6: a signed claim to hold T prevotes that nobody has shown: the accused may show them.
    case claim(UnfoundedClaim)
    /// Kind 7: the T prevotes that a claim speaks of.
    case answer(ClaimAnswer)

    /// What the kind is called.
    package var name: String {
        switch self {
        case .contradiction: "contradiction"
        case .falseVote: "falseVote"
        case .falseResult: "falseResult"
        case .refutedBatch: "refutedBatch"
        case .foreignProposal: "foreignProposal"
        case .twoHistories: "twoHistories"
        case .claim: "claim"
        case .answer: "answer"
        }
    }
}

/// Why bytes are no file of evidence.
package enum EvidenceFormatError: Error, Equatable {
    /// The file is longer than evidence may be.
    case tooLong(bytes: Int, max: Int)
    /// It is no file of evidence, or cut or changed.
    case file(FramedFile.Flaw)
}

extension EvidenceFile {
    /// The file.
    package var bytes: [UInt8] { Self.form.encoded(self) }

    /// Reads a file; checks its form and nothing else.
    ///
    /// Throws `tooLong`, or else what `FramedFile.decode` finds first.
    package init(_ bytes: [UInt8]) throws(EvidenceFormatError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(bytes: bytes.count, max: Self.bytesMax)
        }
        do throws(FramedFile.Flaw) {
            self = try Self.form.decode(EvidenceFile.self, from: bytes)
        } catch {
            throw .file(error)
        }
    }
}

extension EvidenceFile: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(ledger)
        writer.write(charge)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        ledger = try LedgerID(from: &reader)
        charge = try Charge(from: &reader)
    }
}

extension Charge: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .contradiction(let charge): Self.write(0, charge, to: &writer)
        case .falseVote(let charge):
            Self.write(charge.path == nil ? 1 : 8, charge, to: &writer)
            if let path = charge.path { writer.write(path) }
        case .falseResult(let charge): Self.write(2, charge, to: &writer)
        case .refutedBatch(let charge): Self.write(3, charge, to: &writer)
        case .foreignProposal(let charge): Self.write(4, charge, to: &writer)
        case .twoHistories(let charge): Self.write(5, charge, to: &writer)
        case .claim(let charge): Self.write(6, charge, to: &writer)
        case .answer(let charge): Self.write(7, charge, to: &writer)
        }
    }

    private static func write(
        _ kind: UInt8, _ content: some BorshCodable, to writer: inout BorshWriter
    ) {
        writer.write(kind)
        writer.write(content)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .contradiction(try EvidenceMessage(from: &reader))
        case 1: self = .falseVote(try FalseVote(from: &reader))
        case 2: self = .falseResult(try FalseResult(from: &reader))
        case 3: self = .refutedBatch(try RefutedBatch(from: &reader))
        case 4: self = .foreignProposal(try ForeignProposal(from: &reader))
        case 5: self = .twoHistories(try TwoHistories(from: &reader))
        case 6: self = .claim(try UnfoundedClaim(from: &reader))
        case 7: self = .answer(try ClaimAnswer(from: &reader))
        case 8:
            var vote = try FalseVote(from: &reader)
            vote.path = try VotePath(from: &reader)
            self = .falseVote(vote)
        case let tag: throw .unknownTag(type: "Charge", tag: tag, offset: start)
        }
    }
}
