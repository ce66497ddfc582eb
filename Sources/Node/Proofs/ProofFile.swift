// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254
internal import Cryptography
internal import Foundation
package import Groth16

/// Why a file holds no proof, verifying key or public inputs that can be used.
package enum ProofFileProblem: Error, Equatable, Sendable {
    /// It is not strict JSON.
    case json(JSONProblem)
    /// It is JSON, and a field is missing or of another type than it should be.
    case field(LineProblem)
    /// The points or numbers are refused.
    case groth16(Groth16Error)
    /// It is something else, which is known; `help` says what to do.
    case foreign(what: String, help: String)
    /// It is neither JSON, nor hexadecimal, nor of a length that is possible.
    case wrongSize(bytes: Int, wanted: String)
}

extension ProofFileProblem: CustomStringConvertible {
    /// What is wrong and what to do, for a person.
    package var description: String {
        switch self {
        case .json(let problem): "\(problem)"
        case .field(let problem): "\(problem)"
        case .groth16(let error): "\(error)"
        case .foreign(let what, let help): "this is \(what): \(help)"
        case .wrongSize(let bytes, let wanted):
            "it has \(Self.count(bytes)), which is neither JSON nor \(wanted)"
        }
    }

    private static func count(_ bytes: Int) -> String { bytes == 1 ? "1 byte" : "\(bytes) bytes" }
}

/// Readers of what holds a proof: JSON of snarkjs, forms of other programs (`ForeignForm`), and
/// bytes, as they are or in hexadecimal.
package enum ProofFile {
    /// The most bytes that such a file may have.
    package static let bytesMax = 4 << 20

    /// Reads a verifying key: JSON, or the binary form that a ledger keeps.
    package static func key(_ bytes: [UInt8]) throws(ProofFileProblem) -> VerifyingKey {
        let form: SnarkjsVerifyingKey
        switch try content(bytes, sizes: []) {
        case .json(let text):
            form = try decode(text, free: ["vk_alphabeta_12"], orElse: ForeignForm.key)
        case .bytes(let plain):
            return try judged { () throws(Groth16Error) in try VerifyingKey(bytes: plain) }
        }
        return try judged { () throws(Groth16Error) in try VerifyingKey(snarkjs: form) }
    }

    /// Reads a proof: JSON, 128 bytes (compressed), or 256 bytes (Ethereum).
    package static func proof(_ bytes: [UInt8]) throws(ProofFileProblem) -> Proof {
        let sizes = [Proof.compressedSize, Proof.ethereumSize]
        switch try content(bytes, sizes: sizes) {
        case .json(let text):
            let form: SnarkjsProof = try decode(text, orElse: ForeignForm.proof)
            return try judged { () throws(Groth16Error) in try Proof(snarkjs: form) }
        case .bytes(let plain) where plain.count == Proof.compressedSize:
            return try judged { () throws(Groth16Error) in try Proof(compressed: plain) }
        case .bytes(let plain) where plain.count == Proof.ethereumSize:
            return try judged { () throws(Groth16Error) in try Proof(ethereum: plain) }
        case .bytes:
            throw .wrongSize(bytes: bytes.count, wanted: "a proof of 128 or 256 bytes")
        }
    }

    /// Reads public inputs: a JSON array of decimal texts, or 32 bytes each, least significant
    /// byte first.
    package static func inputs(_ bytes: [UInt8]) throws(ProofFileProblem) -> [Fr] {
        switch try content(bytes, sizes: [32]) {
        case .json(let text):
            let texts: [String] = try decode(text, orElse: ForeignForm.inputs).map {
                ForeignForm.number(.text($0)) ?? $0
            }
            return try judged { () throws(Groth16Error) in
                try PublicInputs.parse(decimal: texts)
            }
        case .bytes(let plain):
            guard plain.count.isMultiple(of: 32) else {
                throw .wrongSize(bytes: bytes.count, wanted: "32 bytes for each input")
            }
            let parts = stride(from: 0, to: plain.count, by: 32).map {
                Array(plain[$0..<$0 + 32])
            }
            return try judged { () throws(Groth16Error) in
                try PublicInputs.parse(littleEndian: parts)
            }
        }
    }

    // MARK: What a file holds

    private enum Content {
        case json([UInt8])
        case bytes([UInt8])
    }

    /// Files of the same trade that are often named in the place of the right one, by their first
    /// bytes, with what makes the right one of them.
    private static let magics: [(start: [UInt8], what: String, help: String)] = [
        (
            Array("zkey".utf8), "a proving key (.zkey)",
            "`snarkjs zkey export verificationkey circuit.zkey verification_key.json` writes its"
                + " verifying key"
        ),
        (
            Array("wtns".utf8), "a witness (.wtns), which is secret",
            "`snarkjs groth16 prove circuit.zkey witness.wtns proof.json public.json` makes a proof"
        ),
        (Array("r1cs".utf8), "a circuit (.r1cs)", "`snarkjs groth16 setup` makes a key of it"),
        (Array("ptau".utf8), "powers of tau (.ptau)", "`snarkjs groth16 setup` makes a key of it"),
        ([0, 0x61, 0x73, 0x6D], "a module of WebAssembly", "a key, proof or inputs are wanted"),
    ]

    /// Tells JSON from bytes. A text is never taken for bytes: of 32, 128 or 256 bytes that are
    /// numbers, not all are printable.
    private static func content(
        _ bytes: [UInt8], sizes: [Int]
    ) throws(ProofFileProblem) -> Content {
        for magic in magics where bytes.starts(with: magic.start) {
            throw .foreign(what: magic.what, help: magic.help)
        }
        let start = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let isText = bytes.allSatisfy { (0x20...0x7E).contains($0) || (0x09...0x0D).contains($0) }
        if !isText, sizes.contains(where: { bytes.count == $0 }) { return .bytes(bytes) }
        if let problem = TextEncoding.problem(in: bytes), opensJSON(bytes) { throw .json(problem) }
        if start == UInt8(ascii: "{") || start == UInt8(ascii: "[") { return .json(bytes) }
        guard isText else { return .bytes(bytes) }
        guard let digits = hexadecimal(bytes) else {
            let text = String(decoding: bytes, as: UTF8.self)
            guard text.contains("pragma solidity") else {
                throw .wrongSize(bytes: bytes.count, wanted: "hexadecimal digits")
            }
            throw .foreign(
                what: "a verifier in Solidity",
                help: "name the verification_key.json from which snarkjs exported it")
        }
        return .bytes(digits)
    }

    /// Whether JSON begins behind a mark or between the zeros of another encoding.
    private static func opensJSON(_ bytes: [UInt8]) -> Bool {
        let start = bytes.prefix(12).first { (0x21...0x7E).contains($0) }
        return start == UInt8(ascii: "{") || start == UInt8(ascii: "[")
    }

    /// The bytes that a text of hexadecimal digits stands for, with `0x` and blanks around or not.
    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8]? {
        let trimmed = String(decoding: bytes, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return [UInt8](hex: trimmed.hasPrefix("0x") ? String(trimmed.dropFirst(2)) : trimmed)
    }

    /// Decodes the form of snarkjs, or else what `foreign` makes of the text.
    private static func decode<Form: Decodable>(
        _ text: [UInt8], free: Set<String> = [],
        orElse foreign: (JSONTree) throws(ProofFileProblem) -> Form?
    ) throws(ProofFileProblem) -> Form {
        let whole = try strict(text, free)
        let problem: LineProblem
        do {
            return try JSONDecoder().decode(Form.self, from: Data(whole))
        } catch let error as Swift.DecodingError {
            problem = NodeJSON.problem(of: error)
        } catch {
            problem = .notJSON("\(error)")
        }
        let tree: JSONTree
        do { tree = try JSONDecoder().decode(JSONTree.self, from: Data(whole)) } catch {
            throw .field(problem)
        }
        guard let form = try foreign(tree) else { throw .field(problem) }
        return form
    }

    /// The text if it is strict JSON; a list of values without brackets, which is how call data
    /// for Solidity is written, with brackets around.
    private static func strict(
        _ text: [UInt8], _ free: Set<String>
    ) throws(ProofFileProblem) -> [UInt8] {
        do throws(JSONProblem) {
            try StrictJSON.check(text, numbers: .whole(except: free))
            return text
        } catch {
            let listed = [UInt8(ascii: "[")] + text + [UInt8(ascii: "]")]
            do throws(JSONProblem) { try StrictJSON.check(listed) } catch _ { throw .json(error) }
            return listed
        }
    }

    private static func judged<Value>(
        _ body: () throws(Groth16Error) -> Value
    ) throws(ProofFileProblem) -> Value {
        do throws(Groth16Error) { return try body() } catch { throw .groth16(error) }
    }
}
