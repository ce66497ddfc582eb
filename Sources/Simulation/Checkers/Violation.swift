// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What the checkers look for.
package enum Property: String, CaseIterable, Sendable {
    /// Honest nodes have the same entries and state root at every batch.
    case agreement
    /// An approval has T signed approvals and a proof that holds; no nullifier is spent twice.
    case validity
    /// Once the network is whole, every request is decided in time, and heights advance.
    case termination
    /// Evidence names only the guilty, and all whom honest nodes have seen.
    case accountability
    /// What an honest node has acknowledged or signed holds after its restarts.
    case durability
    /// After every seal each component of the state keeps its invariants.
    case soundness
    /// No honest validator that was up loses reputation for a vote.
    case fairness
    /// The audit finds nothing in the ledger of an honest node.
    case audit
}

/// A property that does not hold.
package struct Violation: Sendable {
    /// Which.
    package let property: Property
    /// The node that shows it, where it is one.
    package let node: Int?
    /// The height, where it is one.
    package let height: UInt64?
    /// What is wrong, in facts.
    package let facts: String
    /// When it was seen.
    package internal(set) var moment = Moment(microseconds: 0)
    /// The event at which it was seen.
    package internal(set) var event: UInt64 = 0

    init(_ property: Property, node: Int? = nil, height: UInt64? = nil, _ facts: String) {
        self.property = property
        self.node = node
        self.height = height
        self.facts = facts
    }

    /// One line.
    package var text: String {
        var places: [String] = []
        if let node { places.append("node \(node)") }
        if let height { places.append("height \(height)") }
        let place = places.isEmpty ? "" : " (\(places.joined(separator: ", ")))"
        return "\(property.rawValue)\(place): \(facts)"
    }
}
