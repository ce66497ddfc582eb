// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The circuits whose proofs the ledger accepts. They only grow.
///
/// Invariants:
/// - `indices[all[i].id] == i`, and `all[i].id` is the identity of `all[i].circuit`;
/// - `names` holds the name of each, none of which stands twice;
/// - each has at most `Limits.publicInputsMax` inputs, of which at most `Limits.nullifiersMax` are
///   nullifiers, and there are at most `Limits.circuitsMax`;
/// - `history` is the tree of the identities, in order.
struct CircuitsComponent: Component {
    static let kind = StateComponent.circuits

    /// The circuits, by index.
    private(set) var all: [RegisteredCircuit] = []
    private(set) var indices: [CircuitID: CircuitIndex] = [:]
    private(set) var names: Set<String> = []
    private(set) var history = History()

    /// None.
    init() {}

    /// A circuit by its number; nil where there is none of this number.
    subscript(index: CircuitIndex) -> RegisteredCircuit? {
        all.indices.contains(Int(index.rawValue)) ? all[Int(index.rawValue)] : nil
    }

    // MARK: Its part of `apply`

    mutating func register(_ circuit: Circuit) -> CircuitIndex {
        let index = CircuitIndex(UInt16(all.count))
        let id = circuit.id
        all.append(RegisteredCircuit(circuit: circuit, id: id))
        indices[id] = index
        names.insert(circuit.name)
        history.append(bytes: id.encoded)
        invariant(all.count <= Limits.circuitsMax, "\(all.count) circuits")
        invariant(indices.count == all.count, "\(indices.count) numbers of \(all.count) circuits")
        invariant(
            history.count == UInt64(all.count), "\(history.count) leaves of \(all.count) circuits")
        return index
    }

    // MARK: Its root and its part of a snapshot

    func encodeRoot(to writer: inout BorshWriter) { writer.write(history) }

    /// The circuits themselves, of which the tree is made again.
    func encodeFixed(to writer: inout BorshWriter) { writer.write(all.map(\.circuit)) }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        for circuit in try reader.list(of: Circuit.self, bound: Limits.circuitsMax) {
            guard indices[circuit.id] == nil else {
                throw .notCanonical(type: "circuits", offset: start)
            }
            _ = register(circuit)
        }
    }

    // MARK: Its soundness

    /// Whether each has as many inputs as the rules admit.
    var isWithinBounds: Bool {
        all.allSatisfy { registered in
            registered.circuit.inputs.count <= Limits.publicInputsMax
                && registered.circuit.nullifierCount <= Limits.nullifiersMax
        }
    }

    /// See `LedgerState.checkSoundness`.
    func checkSoundness() throws(Unsoundness) {
        try Self.believe(all.count <= Limits.circuitsMax, "\(all.count) circuits, too many")
        try Self.believe(indices.count == all.count, "each circuit has an identity of its own")
        try Self.believe(names.count == all.count, "each circuit has a name of its own")
        try Self.believe(history.count == UInt64(all.count), "the tree has a leaf of each circuit")
        for (place, registered) in all.enumerated() {
            let index = CircuitIndex(UInt16(place))
            try Self.believe(indices[registered.id] == index, "circuit \(place) has its number")
            try Self.believe(
                names.contains(registered.circuit.name), "name \(place) is among the names")
            try Self.believe(
                PartyName.isValid(registered.circuit.name), "name \(place) is well formed")
            try Self.believe(registered.circuit.isBound, "circuit \(place) is bound")
        }
    }
}
