// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A validator of the first entry.
package struct GenesisValidator: BorshCodable, Hashable, Sendable {
    /// Its key.
    package var key: PublicKey
    /// Its stake.
    package var stake: Stake

    /// Takes the fields in order.
    package init(
        key: PublicKey, stake: Stake
    ) {
        self.key = key
        self.stake = stake
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(key)
        writer.write(stake)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        key = try reader.publicKey()
        stake = try Stake(from: &reader)
    }
}

/// A submitter of the first entry.
package struct GenesisSubmitter: BorshCodable, Hashable, Sendable {
    /// Its key.
    package var key: PublicKey
    /// Rounds and jobs that it may have unclosed at once.
    package var quota: UInt32

    /// Takes the fields in order.
    package init(
        key: PublicKey, quota: UInt32
    ) {
        self.key = key
        self.quota = quota
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(key)
        writer.write(quota)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        key = try reader.publicKey()
        quota = try reader.integer()
    }
}

/// A circuit of the first entry, with its published roots.
package struct GenesisCircuit: BorshCodable, Hashable, Sendable {
    /// The definition.
    package var circuit: Circuit
    /// The roots, in order of publication.
    package var roots: [Bytes32]

    /// Takes the fields in order.
    package init(
        circuit: Circuit, roots: [Bytes32]
    ) {
        self.circuit = circuit
        self.roots = roots
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(circuit)
        writer.write(roots)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        circuit = try Circuit(from: &reader)
        roots = try reader.list32(of: "GenesisCircuit.roots", bound: Limits.genesisRootsMax)
    }
}

/// The first entry. Nobody signs it: its SHA-256 is the identity of the ledger.
package struct LedgerOpened: BorshCodable, Hashable, Sendable {
    /// Where the ledger comes from; at most `Limits.nameBytesMax` bytes.
    package var name: String
    /// Who decides the order of the entries.
    package var ordering: Ordering
    /// The parameters to start with.
    package var parameters: Parameters
    /// The validators, in the order of their indices.
    package var validators: [GenesisValidator]
    /// The submitters, in the order of their indices.
    package var submitters: [GenesisSubmitter]
    /// The key that signs settlement reports.
    package var bridge: PublicKey
    /// The circuits, in the order of their indices.
    package var circuits: [GenesisCircuit]
    /// The time at which the ledger starts.
    package var time: Time

    /// Takes the fields in order.
    package init(
        name: String, ordering: Ordering, parameters: Parameters, validators: [GenesisValidator],
        submitters: [GenesisSubmitter], bridge: PublicKey, circuits: [GenesisCircuit], time: Time
    ) {
        self.name = name
        self.ordering = ordering
        self.parameters = parameters
        self.validators = validators
        self.submitters = submitters
        self.bridge = bridge
        self.circuits = circuits
        self.time = time
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(name)
        writer.write(ordering)
        writer.write(parameters)
        writer.write(validators)
        writer.write(submitters)
        writer.write(bridge)
        writer.write(circuits)
        writer.write(time)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        name = try reader.text(of: "LedgerOpened.name", bound: Limits.nameBytesMax)
        ordering = try Ordering(from: &reader)
        parameters = try Parameters(from: &reader)
        validators = try reader.list(bound: Limits.membersMax)
        submitters = try reader.list(bound: Limits.submittersMax)
        bridge = try reader.publicKey()
        circuits = try reader.list(bound: Limits.circuitsMax)
        time = try Time(from: &reader)
    }
}
