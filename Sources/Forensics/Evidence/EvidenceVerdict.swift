// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
package import Cryptography
internal import Ledger

/// A charge that needs nothing but itself.
protocol Convicting {
    /// The keys that it convicts, or of a claim accuses, or of an answer clears: at least one.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey]
    /// What it shows, of parties with these names.
    func sentence(_ names: [String]) -> String
}

/// What a file of evidence shows.
package struct EvidenceVerdict: Encodable, Equatable, Sendable {
    /// What a file does to those whom it names.
    package enum Effect: String, Codable, Sendable {
        /// They are convicted, by their own signatures.
        case convicts
        /// They must answer; nothing is proved.
        case accuses
        /// What they were accused of is answered.
        case clears
        /// Nothing: the file is forged, put together, or shows nothing wrong.
        case nothing
        /// Nobody can say here.
        case unjudged
    }

    /// The ledger, in hexadecimal.
    package let ledger: String
    /// The name of a `Charge`.
    package let kind: String
    /// What it does.
    package let effect: Effect
    /// Those whom it does it to: keys in hexadecimal.
    package let keys: [String]
    /// What it shows, or why it shows nothing.
    package let sentence: String
}

extension EvidenceFile {
    /// Judges the file by itself.
    ///
    /// - Parameter run: Runs a job within so many milliseconds; asked only for a false result.
    package func verdict(
        run: (ComputeJob, UInt64) -> JobOutcome
    ) -> EvidenceVerdict {
        do throws(EvidenceFlaw) {
            let keys = try check(run: run).map(\.hex)
            return EvidenceVerdict(
                ledger: ledger.hex, kind: charge.name, effect: charge.effect, keys: keys,
                sentence: charge.sentence(keys.map { "the key \($0)" }))
        } catch {
            let isUnjudged = if case .unjudged = error { true } else { false }
            return EvidenceVerdict(
                ledger: ledger.hex, kind: charge.name, effect: isUnjudged ? .unjudged : .nothing,
                keys: [], sentence: "\(error)")
        }
    }

    /// Judges a file that needs no job to be run; one that does is unjudged.
    package func verdict() -> EvidenceVerdict {
        verdict { _, _ in JobOutcome(JobStatus(.noEngine)) }
    }

    /// The keys that it names, all signatures and rules checked.
    package func check(
        run: (ComputeJob, UInt64) -> JobOutcome
    ) throws(EvidenceFlaw) -> [PublicKey] {
        switch charge {
        case .falseResult(let charge): try charge.check(in: ledger, run: run)
        case .contradiction(let charge): try charge.check(in: ledger)
        case .falseVote(let charge): try charge.check(in: ledger)
        case .refutedBatch(let charge): try charge.check(in: ledger)
        case .foreignProposal(let charge): try charge.check(in: ledger)
        case .twoHistories(let charge): try charge.check(in: ledger)
        case .claim(let charge): try charge.check(in: ledger)
        case .answer(let charge): try charge.check(in: ledger)
        }
    }
}

extension Charge {
    /// What a file of this kind does where it holds.
    package var effect: EvidenceVerdict.Effect {
        switch self {
        case .claim: .accuses
        case .answer: .clears
        default: .convicts
        }
    }

    /// What it shows where it holds, of parties with these names.
    package func sentence(_ names: [String]) -> String {
        switch self {
        case .contradiction(let charge): charge.sentence(names)
        case .falseVote(let charge): charge.sentence(names)
        case .falseResult(let charge): charge.sentence(names)
        case .refutedBatch(let charge): charge.sentence(names)
        case .foreignProposal(let charge): charge.sentence(names)
        case .twoHistories(let charge): charge.sentence(names)
        case .claim(let charge): charge.sentence(names)
        case .answer(let charge): charge.sentence(names)
        }
    }
}

extension [String] {
    /// Names in a sentence: "a", "a and b", "a, b and c".
    var listed: String {
        guard let last, count > 1 else { return first ?? "nobody" }
        return dropLast().joined(separator: ", ") + " and " + last
    }
}
