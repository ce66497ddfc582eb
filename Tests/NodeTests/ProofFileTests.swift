// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16
import Node
import TestSupport
import Testing

private let hasToy = Vectors.hasCase("toy/key.json")

/// A toy circuit with two public inputs, and a proof of it.
private struct Toy {
    let key: VerifyingKey
    let proof: Proof
    let inputs: [Fr]

    static func bytes(_ file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: Vectors.casePath(file))))
    }

    init() throws {
        key = try ProofFile.key(Self.bytes("toy/key.json"))
        proof = try ProofFile.proof(Self.bytes("toy/proof.json"))
        inputs = try ProofFile.inputs(Self.bytes("toy/public.json"))
    }

    var form: SnarkjsProof { SnarkjsProof(proof) }
    var keyForm: SnarkjsVerifyingKey { SnarkjsVerifyingKey(key) }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
}

private func fault<Value>(
    _ read: ([UInt8]) throws(ProofFileProblem) -> Value, _ bytes: [UInt8]
) -> String {
    do throws(ProofFileProblem) {
        _ = try read(bytes)
        return "it is read"
    } catch { return "\(error)" }
}

private func fault<Value>(
    _ read: ([UInt8]) throws(ProofFileProblem) -> Value, _ text: String
) -> String { fault(read, Array(text.utf8)) }

@Suite("Files of proofs", .enabled(if: hasToy, "no toy circuit"))
struct ProofFileTests {
    @Test("the forms of other programs say the same as that of snarkjs")
    func foreign() throws {
        let toy = try Toy()
        let (a, b, c) = (toy.form.a, toy.form.b, toy.form.c)
        func hex(_ text: String) -> String {
            "0x" + hexadecimal(UInt256(decimal: text)?.bigEndianBytes ?? [])
        }
        let gnark = """
            {"Ar": {"X": "\(a[0])", "Y": "\(a[1])"}, "Krs": {"X": "\(c[0])", "Y": "\(c[1])"},
             "Bs": {"X": {"A0": "\(b[0][0])", "A1": "\(b[0][1])"},
                    "Y": {"A0": "\(b[1][0])", "A1": "\(b[1][1])"}},
             "Commitments": [], "CommitmentPok": {"X": 0, "Y": 0}}
            """
        let packed = [a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]]
        let call = """
            ["\(hex(a[0]))", "\(hex(a[1]))"],
            [["\(hex(b[0][1]))", "\(hex(b[0][0]))"],["\(hex(b[1][1]))", "\(hex(b[1][0]))"]],
            ["\(hex(c[0]))", "\(hex(c[1]))"],
            ["\(hex(toy.inputs[0].decimal))", "\(hex(toy.inputs[1].decimal))"]
            """
        let plain = String(decoding: try Toy.bytes("toy/proof.json"), as: UTF8.self)
        let inputs = String(decoding: try Toy.bytes("toy/public.json"), as: UTF8.self)
        let whole = "{\"proof\": \(plain), \"publicSignals\": \(inputs)}"
        let old = plain.replacingOccurrences(of: "groth16", with: "groth")
        for text in [gnark, "\(packed)", "{\"points\": \(packed)}", call, "[\(call)]", whole, old] {
            #expect(try ProofFile.proof(Array(text.utf8)) == toy.proof, "\(text)")
        }
        for text in [call, "[\(call)]", whole, "[3, 4]", "[\"0x3\", \"0x04\"]"] {
            #expect(try ProofFile.inputs(Array(text.utf8)) == toy.inputs, "\(text)")
        }
        // G2 has its two parts the other way round there: as they stand they are no point.
        let swapped = [a[0], a[1], b[0][0], b[0][1], b[1][0], b[1][1], c[0], c[1]]
        #expect(fault(ProofFile.proof, "\(swapped)") == "pi_b is not on the curve")
    }

    @Test("keys of gnark and of the first snarkjs are read")
    func keys() throws {
        let toy = try Toy()
        let form = toy.keyForm
        func g1(_ point: [String]) -> String { "{\"X\": \"\(point[0])\", \"Y\": \"\(point[1])\"}" }
        func g2(_ point: [[String]]) -> String {
            "{\"X\": {\"A0\": \"\(point[0][0])\", \"A1\": \"\(point[0][1])\"},"
                + " \"Y\": {\"A0\": \"\(point[1][0])\", \"A1\": \"\(point[1][1])\"}}"
        }
        let ic = form.ic.map(g1).joined(separator: ",")
        let gnark = """
            {"G1": {"Alpha": \(g1(form.alpha)), "Beta": {"X": "1", "Y": "2"},
                    "Delta": {"X": "1", "Y": "2"}, "K": [\(ic)]},
             "G2": {"Beta": \(g2(form.beta)), "Delta": \(g2(form.delta)),
                    "Gamma": \(g2(form.gamma))},
             "CommitmentKeys": null, "PublicAndCommitmentCommitted": []}
            """
        #expect(try ProofFile.key(Array(gnark.utf8)) == toy.key)
        #expect(try ProofFile.key(Toy.bytes("other-writers/key-snarkjs-0.1.json")) == toy.key)
        #expect(try ProofFile.key(toy.key.bytes) == toy.key)
        #expect(
            fault(
                ProofFile.key,
                gnark.replacingOccurrences(
                    of: "\"CommitmentKeys\": null", with: "\"CommitmentKeys\": [1]")
            ).contains("Pedersen"))
    }

    @Test("bytes and hexadecimal digits are told apart, whatever their number")
    func sizes() throws {
        let toy = try Toy()
        let compressed = hexadecimal(toy.proof.compressed)
        #expect(compressed.utf8.count == Proof.ethereumSize)
        for text in [compressed, compressed + "\n", "0x" + compressed, compressed.uppercased()] {
            #expect(try ProofFile.proof(Array(text.utf8)) == toy.proof, "\(text)")
        }
        #expect(try ProofFile.proof(toy.proof.compressed) == toy.proof)
        #expect(try ProofFile.proof(toy.proof.ethereum) == toy.proof)
        // A proof whose first byte is that of a JSON object stays a proof.
        #expect(
            fault(ProofFile.proof, [0x7B] + [UInt8](repeating: 0xFF, count: 127))
                .hasPrefix("pi_a"))
        let bytes = toy.inputs.flatMap { UInt256(decimal: $0.decimal)?.littleEndianBytes ?? [] }
        #expect(try ProofFile.inputs(bytes) == toy.inputs)
        #expect(try ProofFile.inputs(Array(hexadecimal(bytes).utf8)) == toy.inputs)
    }

    @Test("what is not read is named, with what to do")
    func named() throws {
        func key(_ file: String) throws -> String { fault(ProofFile.key, try Toy.bytes(file)) }
        func proof(_ file: String) throws -> String { fault(ProofFile.proof, try Toy.bytes(file)) }
        #expect(try key("other-writers/key-plonk.json").hasPrefix("this is a file of PLONK: only"))
        #expect(try proof("other-writers/proof-gnark.json").contains("a proof of gnark whose"))
        #expect(try proof("other-writers/proof-packed.json") == "it is read")
        #expect(try key("toy/proof.json") == "this is a proof: a verifying key must stand here")
        #expect(try key("toy/public.json").hasPrefix("this is public inputs: a verifying key must"))
        #expect(try proof("toy/key.json") == "this is a verifying key: a proof must stand here")
        #expect(try proof("toy/public.json").contains("a proof must stand here"))
        let inputs = try fault(ProofFile.inputs, Toy.bytes("toy/proof.json"))
        #expect(inputs.hasPrefix("this is a proof: public inputs"))
        #expect(try key("utf16/key-bom.json").contains("UTF-16 (little-endian)"))
        #expect(try key("utf16/key-utf8-bom.json").contains("byte order mark"))
        #expect(
            try fault(ProofFile.inputs, Toy.bytes("utf16/public-bom.json"))
                .contains("byte order mark"))
        for (text, words) in [
            ("{\"scheme\": \"g16\", \"curve\": \"bn128\", \"proof\": {}}", "ZoKrates"),
            ("{\"protocol\": \"fflonk\"}", "FFLONK"), ("{\"protocol\": \"original\"}", "Pinocchio"),
            ("zkey\u{1}", "snarkjs zkey export verificationkey"), ("wtns", "secret"),
            ("// SPDX\npragma solidity ^0.8.0;", "Solidity"), ("{}", "pi_a is missing"),
            ("", "0 bytes"), ("hello", "5 bytes"), ("{\"pi_a\": 1}", "pi_a"), ("[1,", "ends too"),
            ("{\"pi_a\": [], \"pi_a\": []}", "stands twice"),
        ] {
            let found = fault(ProofFile.proof, text)
            #expect(found.contains(words), "\(text): \(found)")
        }
        #expect(fault(ProofFile.inputs, "{\"Root\": \"3\"}").contains("an object of named values"))
        #expect(fault(ProofFile.inputs, "[9007199254740993]").contains("above 2^53"))
        #expect(fault(ProofFile.inputs, "[1.0]").contains("whole numbers"))
    }

    @Test("a request may hold a proof of another program too")
    func requests() throws {
        let toy = try Toy()
        let packed = String(
            decoding: try Toy.bytes("other-writers/proof-packed.json"), as: UTF8.self)
        func read(_ proof: String) throws(LineProblem) -> VerificationRequest {
            try NodeJSON.decode(
                VerificationRequest.self,
                line: Array(
                    """
                    {"proof": \(proof), "public_inputs": ["3", "4"], "amount": 1, "timestamp": 1,\
                     "recipient": "\(String(repeating: "0", count: 64))"}
                    """.utf8))
        }
        guard case .snarkjs(let form) = try read(packed).proof else {
            Issue.record("no proof")
            return
        }
        #expect(try Proof(snarkjs: form) == toy.proof)
        #expect(throws: LineProblem.missing(field: "proof.pi_a")) { try read("{}") }
        do throws(LineProblem) { _ = try read("{\"protocol\": \"plonk\"}") } catch {
            #expect("\(error)".hasPrefix("the field proof: this is a file of PLONK"))
        }
    }
}
