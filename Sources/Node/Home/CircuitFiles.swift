// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Groth16
internal import Ledger

/// The verifying keys that a configuration names, read and judged.
struct CircuitFiles {
    /// The configuration, whose circuits name the files in `circuits/` that `write` makes.
    let configuration: Configuration
    /// The circuits of the first entry.
    let genesis: [GenesisCircuit]
    /// The files, in the order of the circuits.
    let files: [[UInt8]]

    /// Reads every verifying key, then as the other.
    init(
        _ configuration: Configuration, of path: String = CircuitFiles.somewhere
    ) throws(NodeError) {
        var keys: [[UInt8]] = []
        for entry in configuration.circuits {
            do throws(NodeError) {
                keys.append(
                    try Files.read(entry.verifyingKey, max: NodeLimits.verifyingKeyJSONBytesMax))
            } catch { throw Self.fault(path, entry, "\(error)") }
        }
        try self.init(configuration, of: path, keys: keys)
    }

    /// What is called the place of a configuration that has none.
    static let somewhere = "the configuration"

    /// Takes the verifying keys as they stand in their files, one for each circuit.
    ///
    /// Checks, for each in order: its form, the number of public inputs, their bindings,
    /// and that proofs of the key are worth anything.
    /// - Parameter path: Where the configuration stands, as errors say.
    init(
        _ configuration: Configuration, of path: String = CircuitFiles.somewhere, keys: [[UInt8]]
    ) throws(NodeError) {
        invariant(keys.count == configuration.circuits.count, "a circuit without a key")
        var copy = configuration
        var genesis: [GenesisCircuit] = []
        for (number, entry) in configuration.circuits.enumerated() {
            genesis.append(
                GenesisCircuit(
                    circuit: try Self.circuit(entry, keys[number], path),
                    roots: entry.roots.compactMap { FieldText.bytes(decimal: $0) }))
            // Numbered: a name of a circuit need not be the name of a file.
            copy.circuits[number].verifyingKey = "circuits/\(number).json"
        }
        self.configuration = copy
        self.genesis = genesis
        files = keys
    }

    /// Writes the keys into the folder of a home.
    func write(to home: String) throws(NodeError) {
        try Files.makeFolder("\(home)/circuits")
        for (number, bytes) in files.enumerated() {
            try Files.write(bytes, to: "\(home)/circuits/\(number).json")
        }
        try Files.syncFolder("\(home)/circuits")
    }

    private static func circuit(
        _ entry: Configuration.CircuitEntry, _ bytes: [UInt8], _ path: String
    ) throws(NodeError) -> Circuit {
        let key: VerifyingKey
        do throws(ProofFileProblem) { key = try ProofFile.key(bytes) } catch {
            throw fault(path, entry, "\(error)")
        }
        guard key.publicInputCount == entry.publicInputs.count else {
            throw .configuration(
                path: path,
                .wrongValue(
                    "circuits.public_inputs", value: "\(entry.publicInputs.count) bindings",
                    wanted: "the key of circuit \(entry.name) has \(key.publicInputCount)"
                        + " public inputs, and each needs a binding"))
        }
        let circuit = Circuit(
            name: entry.name, verifyingKey: key.bytes, inputs: entry.publicInputs)
        guard circuit.isBound else {
            throw .configuration(
                path: path,
                .wrongValue(
                    "circuits.public_inputs",
                    value: "\(entry.publicInputs.map(\.configurationName))",
                    wanted: "circuit \(entry.name) must bind root, a nullifier, the amount and"
                        + " the recipient, or a proof could be used for another withdrawal"))
        }
        if let problem = circuit.soundnessFault(of: key) { throw fault(path, entry, "\(problem)") }
        return circuit
    }

    private static func fault(
        _ path: String, _ entry: Configuration.CircuitEntry, _ problem: String
    ) -> NodeError {
        .configuration(
            path: path,
            .verifyingKey(circuit: entry.name, path: entry.verifyingKey, problem: problem))
    }
}
