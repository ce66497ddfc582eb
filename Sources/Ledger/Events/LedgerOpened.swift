// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A validator of the first entry.
package struct GenesisValidator: BorshCodable, Hashable, Sendable {
    /// Its key.
    package var key: PublicKey
    /// Its name.
    package var name: String
    /// Its stake.
    package var stake: Stake

    /// Whether the name is one is `PartyName.isValid`.
    package init(
        key: PublicKey, name: String, stake: Stake
    ) {
        self.key = key
        self.name = name
        self.stake = stake
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(key)
        writer.write(name)
        writer.write(stake)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        key = try reader.publicKey()
        name = try reader.text(of: "GenesisValidator.name", bound: Limits.partyNameBytesMax)
        stake = try Stake(from: &reader)
    }
}

/// A submitter of the first entry.
package struct GenesisSubmitter: BorshCodable, Hashable, Sendable {
    /// Its key.
    package var key: PublicKey
    /// Its name.
    package var name: String
    /// Rounds and jobs that it may have undecided at once.
    package var quota: UInt32

    /// A quota of 0 serves it no more.
    package init(
        key: PublicKey, name: String, quota: UInt32
    ) {
        self.key = key
        self.name = name
        self.quota = quota
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(key)
        writer.write(name)
        writer.write(quota)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        key = try reader.publicKey()
        name = try reader.text(of: "GenesisSubmitter.name", bound: Limits.partyNameBytesMax)
        quota = try reader.integer()
    }
}

/// A circuit of the first entry, with its published roots.
package struct GenesisCircuit: BorshCodable, Hashable, Sendable {
    /// The definition.
    package var circuit: Circuit
    /// The roots, in order of publication.
    package var roots: [Bytes32]

    /// At most `Limits.genesisRootsMax` roots.
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
///
/// It begins with the version of the format, `Limits.formatVersion`.
package struct LedgerOpened: BorshCodable, Hashable, Sendable {
    /// Where the ledger comes from; at most `Limits.nameBytesMax` bytes.
    package var name: String
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

    /// The order of the lists gives the indices.
    package init(
        name: String, parameters: Parameters, validators: [GenesisValidator],
        submitters: [GenesisSubmitter], bridge: PublicKey, circuits: [GenesisCircuit], time: Time
    ) {
        self.name = name
        self.parameters = parameters
        self.validators = validators
        self.submitters = submitters
        self.bridge = bridge
        self.circuits = circuits
        self.time = time
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(Limits.formatVersion)
        writer.write(name)
        writer.write(parameters)
        writer.write(validators)
        writer.write(submitters)
        writer.write(bridge)
        writer.write(circuits)
        writer.write(time)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let version = try reader.integer(UInt32.self)
        guard version == Limits.formatVersion else {
            throw .otherVersion(found: version, known: Limits.formatVersion)
        }
        name = try reader.text(of: "LedgerOpened.name", bound: Limits.nameBytesMax)
        parameters = try Parameters(from: &reader)
        validators = try reader.list(bound: Limits.membersMax)
        submitters = try reader.list(bound: Limits.submittersMax)
        bridge = try reader.publicKey()
        circuits = try reader.list(bound: Limits.circuitsMax)
        time = try Time(from: &reader)
    }
}
