// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BN254
import Groth16
import Node

/// `recount proof`.
struct ProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proof", abstract: "Work with zero-knowledge proofs.",
        subcommands: [ProofVerifyCommand.self])
}

/// `recount proof verify`.
struct ProofVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify a Groth16 proof on BN254.",
        discussion: """
              recount proof verify --key verification_key.json --proof proof.json \\
                --public public.json && echo "it holds"

            The key: JSON of snarkjs, or the binary form that a ledger keeps. The proof:
            JSON of snarkjs, or 128 bytes (compressed) or 256 bytes (Ethereum), as they
            are or in hexadecimal. Public inputs: a JSON array of decimal strings, or 32
            bytes each, least significant byte first. - is standard input.

            JSON of gnark, packed points (Semaphore), the arguments of a call of a Solidity
            verifier, and {"proof": ..., "publicSignals": ...} are read too; the last two
            may be named for the proof and for the public inputs:

              recount proof verify --key key.json --proof full.json --public full.json

            Exit codes: 0 the proof holds; 1 it is false; 2 it could not be judged: a
            file cannot be read, a point is not on the curve or not in its group, a
            number is not below its modulus, or the number of inputs is not that of the
            key.
            """)

    @Option(help: ArgumentHelp("The verifying key.", valueName: "file"), completion: .file())
    var key: String

    @Option(help: ArgumentHelp("The proof.", valueName: "file"), completion: .file())
    var proof: String

    @Option(
        name: .customLong("public"), help: ArgumentHelp("The public inputs.", valueName: "file"),
        completion: .file())
    var publicInputs: String

    @Flag(help: "Print one JSON object: result (valid, invalid or unjudged) and reason.")
    var json = false

    private struct Answer: Encodable {
        var result: String
        var reason: String?
        var publicInputs: Int?
    }

    mutating func run() throws {
        let holds: Bool
        let count: Int
        let fault: VerifyingKeyFault?
        do throws(Failure) {
            let key = try ProofFiles.key(self.key)
            let proof = try ProofFiles.proof(self.proof)
            let inputs = try ProofFiles.inputs(publicInputs)
            guard inputs.count == key.publicInputCount else {
                throw Failure(
                    "\(publicInputs): \(inputs.count) public inputs, but the key in \(self.key) has"
                        + " \(key.publicInputCount)")
            }
            count = inputs.count
            // Which inputs are bound is the ledger's to say; all are taken for that here.
            fault = key.soundnessFault(isBound: inputs.map { _ in true })
            holds = try ProofFiles.judge(publicInputs) { () throws(Groth16Error) in
                try PreparedVerifyingKey(key).verify(proof, inputs: inputs)
            }
        } catch {
            if json { try Output.json(Answer(result: "unjudged", reason: error.message)) }
            throw error
        }
        if json {
            try Output.json(
                Answer(
                    result: holds ? "valid" : "invalid",
                    reason: fault.map { "the key proves nothing: \($0)" }, publicInputs: count))
        } else {
            Output.line(holds ? "valid" : "invalid: the proof does not hold for these inputs")
            if let fault { Output.line("Note: the key proves nothing: \(fault)") }
        }
        Output.flush()
        throw ExitCode(holds ? ExitStatus.good.rawValue : ExitStatus.wrong.rawValue)
    }
}

/// The files that a proof comes in.
enum ProofFiles {
    /// Reads a verifying key.
    static func key(_ path: String) throws(Failure) -> VerifyingKey {
        try read(path, ProofFile.key)
    }

    /// Reads a proof.
    static func proof(_ path: String) throws(Failure) -> Proof { try read(path, ProofFile.proof) }

    /// Reads public inputs.
    static func inputs(_ path: String) throws(Failure) -> [Fr] { try read(path, ProofFile.inputs) }

    /// Runs a judge and names the file in what it throws.
    static func judge<Value>(
        _ path: String, _ body: () throws(Groth16Error) -> Value
    ) throws(Failure) -> Value {
        do throws(Groth16Error) { return try body() } catch { throw Failure("\(path): \(error)") }
    }

    private static func read<Value>(
        _ path: String, _ reader: ([UInt8]) throws(ProofFileProblem) -> Value
    ) throws(Failure) -> Value {
        let bytes = try InputFile.read(path, bytesMax: ProofFile.bytesMax)
        do throws(ProofFileProblem) { return try reader(bytes) } catch {
            throw Failure("\(path): \(error)")
        }
    }
}
