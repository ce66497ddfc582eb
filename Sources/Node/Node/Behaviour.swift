// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How a validator behaves, so that the tolerance of the quorum can be seen.
package enum Behaviour: String, Sendable, Codable, CaseIterable {
    /// It votes as its verification says, and reports what its engine gives.
    case honest
    /// It approves what is false, rejects what is true, and reports what no job gave.
    case malicious
    /// It neither votes nor reports nor proposes.
    case offline
    /// It signs both verdicts on every request, and two results of every job.
    case equivocating
}

extension Behaviour {
    /// The behaviours of `count` validators of which some misbehave.
    ///
    /// The last ones do: offline at the very end, before them the equivocating ones, before them
    /// the malicious ones.
    package static func list(
        count: Int, malicious: Int = 0, offline: Int = 0, equivocating: Int = 0
    ) throws(NodeError) -> [Behaviour] {
        let numbers = [malicious, offline, equivocating]
        guard numbers.allSatisfy({ (0...count).contains($0) }), numbers.reduce(0, +) <= count else {
            throw .tooManyMisbehaving(
                asked: numbers.first { !(0...count).contains($0) } ?? numbers.reduce(0, +),
                validators: count)
        }
        return Array(repeating: .honest, count: count - numbers.reduce(0, +))
            + Array(repeating: .malicious, count: malicious)
            + Array(repeating: .equivocating, count: equivocating)
            + Array(repeating: .offline, count: offline)
    }
}
