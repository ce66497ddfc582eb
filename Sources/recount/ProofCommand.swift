// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BN254
import Cryptography
import Foundation
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
            bytes each, least significant byte first.

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

    private struct Verdict: Encodable {
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
            if json { try Output.json(Verdict(result: "unjudged", reason: error.message)) }
            throw error
        }
        if json {
            try Output.json(
                Verdict(
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

/// Readers of the files that a proof comes in.
enum ProofFiles {
    private static let bytesMax = 4 << 20

    /// Reads a verifying key.
    static func key(_ path: String) throws(Failure) -> VerifyingKey {
        let bytes = try read(path)
        if isJSON(bytes, "{") {
            let form = try decode(SnarkjsVerifyingKey.self, bytes, path)
            return try judge(path) { () throws(Groth16Error) in try VerifyingKey(snarkjs: form) }
        }
        let plain = hexadecimal(bytes) ?? bytes
        return try judge(path) { () throws(Groth16Error) in try VerifyingKey(bytes: plain) }
    }

    /// Reads a proof.
    static func proof(_ path: String) throws(Failure) -> Proof {
        let bytes = try read(path)
        if isJSON(bytes, "{") {
            let form = try decode(SnarkjsProof.self, bytes, path)
            return try judge(path) { () throws(Groth16Error) in try Proof(snarkjs: form) }
        }
        let plain =
            [Proof.compressedSize, Proof.ethereumSize].contains(bytes.count)
            ? bytes : hexadecimal(bytes) ?? bytes
        switch plain.count {
        case Proof.compressedSize:
            return try judge(path) { () throws(Groth16Error) in try Proof(compressed: plain) }
        case Proof.ethereumSize:
            return try judge(path) { () throws(Groth16Error) in try Proof(ethereum: plain) }
        default:
            throw Failure(
                "\(path): \(plain.count) bytes are no proof; it has \(Proof.compressedSize) or"
                    + " \(Proof.ethereumSize) bytes, or is a JSON object")
        }
    }

    /// Reads public inputs.
    static func inputs(_ path: String) throws(Failure) -> [Fr] {
        let bytes = try read(path)
        if isJSON(bytes, "[") {
            let texts = try decode([String].self, bytes, path)
            return try judge(path) { () throws(Groth16Error) in
                try PublicInputs.parse(decimal: texts)
            }
        }
        guard bytes.count.isMultiple(of: 32) else {
            throw Failure(
                "\(path): neither a JSON array of decimal strings nor 32 bytes an input: it has"
                    + " \(bytes.count) bytes")
        }
        let parts = stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<$0 + 32]) }
        return try judge(path) { () throws(Groth16Error) in
            try PublicInputs.parse(littleEndian: parts)
        }
    }

    /// Runs a reader and names the file in what it throws.
    static func judge<Value>(
        _ path: String, _ body: () throws(Groth16Error) -> Value
    ) throws(Failure) -> Value {
        do throws(Groth16Error) {
            return try body()
        } catch {
            throw Failure("\(path): \(error)")
        }
    }

    private static func read(_ path: String) throws(Failure) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { handle.closeFile() }
            let data = try handle.read(upToCount: bytesMax + 1) ?? Data()
            guard data.count <= bytesMax else {
                throw Failure("\(path): longer than \(bytesMax) bytes")
            }
            return [UInt8](data)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    private static func isJSON(_ bytes: [UInt8], _ start: Character) -> Bool {
        bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == start.asciiValue
    }

    /// The bytes that a text of hexadecimal digits stands for, with `0x` and blanks around or not.
    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return [UInt8](hex: trimmed.hasPrefix("0x") ? String(trimmed.dropFirst(2)) : trimmed)
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], _ path: String
    ) throws(Failure) -> Value {
        do {
            return try StrictJSON.decode(type, from: bytes)
        } catch let problem as JSONProblem {
            throw Failure("\(path): \(problem)")
        } catch let error as Swift.DecodingError {
            throw Failure("\(path): \(error.text)")
        } catch {
            throw Failure("\(path): not JSON: \(error)")
        }
    }
}

extension Swift.DecodingError {
    /// The field and what is wrong with it.
    fileprivate var text: String {
        func place(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + (last.map { [$0] } ?? []))
            let names = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return names.isEmpty ? "the whole" : names.joined(separator: ".")
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(place(context, key)) is missing"
        case .typeMismatch(let type, let context):
            return "\(place(context)) must be of type \(type)"
        case .valueNotFound(let type, let context):
            return "\(place(context)) is null and must be of type \(type)"
        case .dataCorrupted(let context):
            return "\(place(context)) is not JSON: \(context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}
