// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Replication

/// The first question about a divergence: what differs.
package enum CaseAnswer: String, Sendable, CaseIterable {
    /// The ledger on the disk is not what the node held in memory, or cannot be read.
    case damage
    /// Deriving the same batch again gave something else: memory, or what computes hashes, failed.
    case memory
    /// The validators that agreed all run another version than the node does.
    case version
    /// The batch holds an input that the node does not take, or rests on another history.
    case inputs
    /// From the same inputs on the same state, again and again, the node derives something else.
    case derivation
    /// Nothing could be derived again.
    case unknown
}

extension DivergenceCase {
    /// What differs, as far as the case shows: the first that applies, in the order of
    /// `CaseAnswer`.
    package var answer: CaseAnswer {
        switch disk {
        case .damaged, .otherRoot: return .damage
        case .unread, .whole: break
        }
        if held != components { return .memory }
        let own = repeats.filter { $0.versions == versions }
        let outcomes = own.map(\.outcome)
        if outcomes.contains(.certified) { return .memory }
        let roots = outcomes.compactMap { outcome in
            if case .differs(let root) = outcome { root } else { nil }
        }
        guard !roots.isEmpty else { return .unknown }
        guard roots.allSatisfy({ $0 == ownRoot }) else { return .memory }
        if case .history = divergence { return .inputs }
        if isOtherVersion { return .version }
        if case .input = divergence { return .inputs }
        return .derivation
    }

    /// Whether all that signed the batch have said that they run another version.
    private var isOtherVersion: Bool {
        let said = voters.map(\.versions)
        return !said.isEmpty && said.allSatisfy { $0 != nil && $0 != versions }
    }

    /// Those who signed the batch: their names, and what they have said that they run.
    package var voters: [(name: String, versions: ProgramVersions?)] {
        let roll: PartyRoll
        do throws(SnapshotError) { roll = try PartyRoll(fixed: excerpt.fixed) } catch { return [] }
        return batch.precommits.signatures.compactMap { signed in
            roll.validator(signed.validator).map { validator in
                (validator.name, validator.announced.map { ProgramVersions($0.announcement) })
            }
        }
    }
}
