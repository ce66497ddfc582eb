// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The roots that were published for each circuit. They only grow.
///
/// Invariants:
/// - `published.count` is the number of circuits;
/// - a record for each root, in the order in which they were published: circuit (u16), root;
/// - `published[i]` holds exactly the roots that the records have for circuit i, each once.
struct RootsComponent: RecordedComponent {
    static let kind = StateComponent.roots

    /// The roots of each circuit.
    private(set) var published: [Set<Bytes32>] = []
    var history = RecordedHistory()

    /// None.
    init() {}

    /// Whether a root is published for a circuit.
    func hold(_ root: Bytes32, for circuit: CircuitIndex) -> Bool {
        holdCircuit(circuit) && published[Int(circuit.rawValue)].contains(root)
    }

    // MARK: Its part of `apply`

    /// A circuit is registered, with no roots yet.
    mutating func addCircuit() { published.append([]) }

    /// - Precondition: The root is not published for the circuit; the rules have seen to that.
    mutating func publish(_ root: Bytes32, for circuit: CircuitIndex) throws(FoldError) {
        guard holdCircuit(circuit) else {
            throw .unknown(
                kind: .governanceApproved, field: "circuit", value: UInt64(circuit.rawValue))
        }
        let isNew = published[Int(circuit.rawValue)].insert(root).inserted
        invariant(isNew, "a root is published twice for circuit \(circuit.rawValue)")
        history.append(Self.record(root, of: circuit))
    }

    private func holdCircuit(_ circuit: CircuitIndex) -> Bool {
        published.indices.contains(Int(circuit.rawValue))
    }

    private static func record(_ root: Bytes32, of circuit: CircuitIndex) -> [UInt8] {
        var record = BorshWriter()
        record.write(circuit)
        record.write(root)
        return record.bytes
    }

    // MARK: Its part of a snapshot

    /// The sets of so many circuits before the records are there.
    init(circuits: Int) { published = Array(repeating: [], count: circuits) }

    /// Makes the sets of the records again.
    init(records: RecordStore, circuits: Int) throws(SnapshotError) {
        self.init(circuits: circuits)
        var indexed = published
        try records.forEach { _, record throws(SnapshotError) in
            guard record.count == 34, let root = Bytes32(record, at: 2) else {
                throw .malformed(part: "roots")
            }
            let circuit = Int(record[0]) | Int(record[1]) << 8
            guard indexed.indices.contains(circuit) else { throw .malformed(part: "roots") }
            indexed[circuit].insert(root)
        }
        published = indexed
        history = RecordedHistory(unverified: records)
    }

    /// See `LedgerState.checkSoundness`.
    func checkSoundness(circuits: Int) throws(Unsoundness) {
        try Self.believe(published.count == circuits, "each circuit has its set of roots")
        try Self.believe(
            published.reduce(0) { $0 + UInt64($1.count) } == history.count,
            "each root is published once for a circuit")
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords() throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        try history.records.forEach { _, record throws(Unsoundness) in
            let circuit = Int(record[0]) | Int(record[1]) << 8
            guard let root = Bytes32(record, at: 2) else { return }
            try Self.believe(published[circuit].contains(root), "a root recorded is published")
            try Self.believe(isCanonical(root), "a root is a canonical element")
        }
    }

    /// The records of those among these roots that are published, by circuit.
    func records(of wanted: Set<Bytes32>) -> [[UInt8]] {
        published.enumerated().flatMap { circuit, published in
            published.intersection(wanted).sorted().map { root in
                Self.record(root, of: CircuitIndex(UInt16(circuit)))
            }
        }
    }
}
