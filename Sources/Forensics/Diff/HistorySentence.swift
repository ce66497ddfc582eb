// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Puts a difference between two histories into words.
struct HistorySentence {
    let comparison: HistoryComparison

    init(_ comparison: HistoryComparison) { self.comparison = comparison }

    /// A sentence on what kind of difference it is, and one on whom the signatures prove what of.
    var text: String {
        [difference, agreement, twice].filter { !$0.isEmpty }.joined(separator: " ")
    }

    private var first: String { comparison.first }
    private var second: String { comparison.second }

    private var place: String {
        let entry = comparison.entry.map { "entry \($0)" } ?? "the end"
        return comparison.height.map { "\(entry), in batch \($0)" } ?? entry
    }

    private var one: String { comparison.firstEntry?.event ?? "nothing" }
    private var other: String { comparison.secondEntry?.event ?? "nothing" }

    private var difference: String {
        switch comparison.kind {
        case .fork: return "\(fork) \(content(comparison.content))"
        case .equivocation: return "\(equivocation) \(content(comparison.content))"
        default: return content(comparison.kind)
        }
    }

    private var fork: String {
        "\(first) and \(second) are a fork: T validators signed each of two batches"
            + " \(comparison.height.map { "\($0)" } ?? "of one height")."
    }

    private var equivocation: String {
        let who = names(of: .contradiction)
        return "\(who) signed one thing in \(first) and its contrary in \(second)."
    }

    private func content(_ kind: DifferenceKind?) -> String {
        switch kind {
        case .otherLedger:
            return "\(first) and \(second) are two ledgers: their first entries differ."
        case .missing: return "From \(place), \(second) lacks the \(one) that \(first) has."
        case .extra: return "At \(place), \(second) has one \(other) more than \(first)."
        case .reordered:
            return "From \(place), the same inputs stand in another order: \(one) in \(first),"
                + " \(other) in \(second)."
        case .otherTime: return "At \(place), the \(one) states another time in \(second)."
        case .otherMembership:
            return "At \(place), who may vote is changed otherwise: \(one) in \(first), \(other) in"
                + " \(second)."
        case .otherDerivation:
            return "At \(place), the same inputs have another result: \(one) in \(first), \(other)"
                + " in \(second)\(which); the rules give one."
        case .otherProposal:
            return "At \(place), \(first) and \(second) follow two proposals:"
                + " \(comparison.fields.joined(separator: ", ")) differ."
        case .otherInput:
            return "At \(place), another input stands in \(second): \(one) in \(first), \(other)"
                + " in \(second)\(which)."
        default: return ""
        }
    }

    private var which: String {
        let fields = comparison.fields
        guard one == other, !fields.isEmpty else { return "" }
        return ", with another \(fields.joined(separator: ", "))"
    }

    /// Who signed both batches, whether or not T did.
    private var twice: String {
        let proofs = comparison.signatures.filter { $0.kind == .doublePrecommit && $0.holds }
        return proofs.isEmpty
            ? "" : "\(names(of: .doublePrecommit)) signed both, which convicts each who did."
    }

    /// Which history T validators stand behind.
    private var agreement: String {
        let certificates = comparison.signatures.filter { $0.kind == .certificate && $0.holds }
        switch certificates.count {
        case 1:
            return "T validators signed the batch of \(certificates[0].copy ?? "one"), and nobody"
                + " shows that they signed the other."
        case 2:
            return twice.isEmpty
                ? "The rounds differ: the journals tell who went back on its word." : ""
        default: return "Neither history shows that T validators signed its batch."
        }
    }

    private func names(of kind: SignatureProof.Kind) -> String {
        var names: [String] = []
        for proof in comparison.signatures where proof.kind == kind && proof.holds {
            for name in proof.signers where !names.contains(name) { names.append(name) }
        }
        guard let last = names.popLast() else { return "Nobody" }
        return names.isEmpty ? last : names.joined(separator: ", ") + " and " + last
    }
}
