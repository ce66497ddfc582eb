// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16

/// A proof of the group's own generators: well-formed, and no key accepts it.
private let someProof = Proof(a: .generator, b: .generator, c: .generator)

private let someKey: VerifyingKey = {
    do {
        return try VerifyingKey(
            alpha: .generator, beta: .generator, gamma: .generator, delta: .generator,
            ic: [.generator, G1Affine.generator.negated])
    } catch { fatalError("generators make a key: \(error)") }
}()

private let prepared = PreparedVerifyingKey(someKey)

extension FuzzTarget {
    /// Proofs, public inputs and the Ethereum precompiles' inputs, in each form.
    static let proofs = FuzzTarget(
        name: "proofs",
        about: "proofs (snarkjs, Ethereum, compressed) and public inputs; all forms say the same",
        bytesMax: 2048,
        seeds: {
            let json = try JSONEncoder().encode(SnarkjsProof(someProof))
            let infinite = Proof(a: .infinity, b: .infinity, c: .infinity)
            let pair = G1Affine.generator.ethereum + G2Affine.generator.ethereum
            return [
                Seed(name: "compressed", bytes: [0] + someProof.compressed),
                Seed(name: "ethereum", bytes: [1] + someProof.ethereum),
                Seed(name: "snarkjs", bytes: [2] + [UInt8](json)),
                Seed(name: "compressed-infinity", bytes: [0] + infinite.compressed),
                Seed(
                    name: "snarkjs-infinity",
                    bytes: [2] + [UInt8](try JSONEncoder().encode(SnarkjsProof(infinite)))),
                Seed(name: "decimal-inputs", bytes: [3] + Array("[\"0\",\"1\",\"21888\"]".utf8)),
                Seed(
                    name: "binary-inputs", bytes: [4, 1] + [UInt8](repeating: 0, count: 63) + [48]),
                Seed(name: "pairing", bytes: [5] + pair + pair),
                Seed(name: "addition", bytes: [6] + Array(pair[..<64]) + Array(pair[..<64])),
                Seed(name: "multiplication", bytes: [7] + Array(pair[..<64]) + [3]),
            ]
        },
        run: { bytes in
            guard let form = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            switch form {
            case 0:
                let read = decoded { () throws(Groth16Error) in try Proof(compressed: body) }
                law(read == nil || read?.compressed == body, "a proof has one compressed form")
                read.map(checkForms)
                checkTogether(body)
            case 1:
                let read = decoded { () throws(Groth16Error) in try Proof(ethereum: body) }
                law(read == nil || read?.ethereum == body, "a proof has one Ethereum form")
                read.map(checkForms)
            case 2: decodedJSON(SnarkjsProof.self, body).map(check)
            case 3: decodedJSON([String].self, body).map(checkInputs)
            case 4: checkInputs(body)
            case 5:
                _ = decoded { () throws(PrecompileError) in
                    try EthereumPrecompiles.pairingCheck(Array(body.prefix(384)))
                }
            case 6:
                _ = decoded { () throws(PrecompileError) in try EthereumPrecompiles.ecAdd(body) }
            case 7:
                _ = decoded { () throws(PrecompileError) in try EthereumPrecompiles.ecMul(body) }
            default: return
            }
        })

    private static func check(_ form: SnarkjsProof) {
        guard let proof = decoded({ () throws(Groth16Error) in try Proof(snarkjs: form) }) else {
            return
        }
        let again = SnarkjsProof(proof)
        law(
            again.a == form.a && again.b == form.b && again.c == form.c,
            "a proof has one spelling in JSON")
        checkForms(proof)
    }

    private static func checkForms(_ proof: Proof) {
        do throws(Groth16Error) {
            law(try Proof(compressed: proof.compressed) == proof, "compressed and back")
            law(try Proof(ethereum: proof.ethereum) == proof, "Ethereum and back")
            law(try Proof(snarkjs: SnarkjsProof(proof)) == proof, "snarkjs and back")
            // Nobody forges by changing bytes of the generators.
            law(!(try prepared.verify(proof, inputs: [.one])), "a forged proof verifies")
        } catch {
            fatalError("a proof that was read cannot be used: \(error)")
        }
    }

    /// A proof beside one that can be read: read together as alone, and none holds.
    private static func checkTogether(_ body: [UInt8]) {
        var factors = SystemRandomNumberGenerator()
        let items = [body, someProof.compressed, body].map {
            PreparedVerifyingKey.CompressedItem($0, inputs: [.one])
        }
        do throws(Groth16Error) {
            let answers = try prepared.verifyTogether(compressed: items, factors: &factors)
            for (item, answer) in zip(items, answers) {
                do throws(Groth16Error) {
                    _ = try Proof(compressed: item.proof)
                    law(answer == .success(false), "a forged proof verifies, or is not read")
                } catch { law(answer == .failure(error), "a proof is refused otherwise together") }
            }
        } catch { fatalError("one input is the number of the key: \(error)") }
    }

    private static func checkInputs(_ texts: [String]) {
        let inputs = decoded { () throws(Groth16Error) in try PublicInputs.parse(decimal: texts) }
        guard let inputs else { return }
        law(inputs.map(\.decimal) == texts, "a public input has one decimal form")
    }

    private static func checkInputs(_ bytes: [UInt8]) {
        let parts = stride(from: 0, to: bytes.count - bytes.count % 32, by: 32).map {
            Array(bytes[$0..<$0 + 32])
        }
        let little = decoded { () throws(Groth16Error) in
            try PublicInputs.parse(littleEndian: parts)
        }
        let big = decoded { () throws(Groth16Error) in
            try PublicInputs.parse(bigEndian: parts.map { $0.reversed() })
        }
        law(little == big, "both byte orders are read alike")
        law(
            little == nil || little?.map(\.littleEndianBytes) == parts,
            "a public input has one binary form")
    }

    /// Verifying keys in each form.
    static let keys = FuzzTarget(
        name: "keys", about: "verifying keys (snarkjs, binary); all forms say the same",
        bytesMax: 4096,
        seeds: {
            [
                Seed(name: "binary", bytes: [0] + someKey.bytes),
                Seed(
                    name: "snarkjs",
                    bytes: [1] + [UInt8](try JSONEncoder().encode(SnarkjsVerifyingKey(someKey)))),
            ]
        },
        run: { bytes in
            guard let form = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            let key: VerifyingKey?
            if form == 0 {
                key = decoded { () throws(Groth16Error) in try VerifyingKey(bytes: body) }
                law(key == nil || key?.bytes == body, "a key has one binary form")
            } else {
                key = decodedJSON(SnarkjsVerifyingKey.self, body).flatMap { form in
                    decoded { () throws(Groth16Error) in try VerifyingKey(snarkjs: form) }
                }
            }
            guard let key else { return }
            do throws(Groth16Error) {
                law(try VerifyingKey(bytes: key.bytes) == key, "binary and back")
                law(try VerifyingKey(snarkjs: SnarkjsVerifyingKey(key)) == key, "snarkjs and back")
            } catch {
                fatalError("a key that was read cannot be used: \(error)")
            }
        })
}

/// What Foundation reads of JSON; nil where it throws.
func decodedJSON<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) -> T? {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch { return nil }
}
