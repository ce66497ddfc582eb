// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16
import TestSupport
import Testing

/// A key, a proof and public inputs, read from a folder in the form of snarkjs.
struct SnarkjsCase {
    let key: SnarkjsVerifyingKey
    let proof: SnarkjsProof
    let inputs: [String]

    init(folder: String) throws {
        key = try Vectors.json("\(folder)/verification_key.json")
        proof = try Vectors.json("\(folder)/proof.json")
        inputs = try Vectors.json("\(folder)/public.json")
    }

    init(paraloom name: String) throws {
        key = try Vectors.json("groth16/paraloom/verification_key.json")
        proof = try Vectors.json("groth16/paraloom/transact_\(name).proof.json")
        inputs = try Vectors.json("groth16/paraloom/transact_\(name).public.json")
    }

    /// The three circuits of snarkjs and the two settlement proofs.
    static func all() throws -> [SnarkjsCase] {
        var cases: [SnarkjsCase] = []
        for name in snarkjsNames {
            cases.append(try SnarkjsCase(folder: "groth16/snarkjs/\(name)"))
        }
        for name in ["native", "spl"] { cases.append(try SnarkjsCase(paraloom: name)) }
        return cases
    }
}

let snarkjsNames = ["garaga_snarkjs_1pub", "garaga_sp1_2pub", "iden3_authV2_3pub_0"]

/// One of the settlement proofs as bytes.
struct ParaloomCase: Decodable {
    let name: String
    let publicInputsLittleEndian: [String]
    let publicInputsBigEndian: [String]
    let extDataHash: String
    let asPublished: String
    let strict: String
    let compressed: String
    let expect: Bool

    enum CodingKeys: String, CodingKey {
        case name
        case publicInputsLittleEndian = "public_inputs_le_hex"
        case publicInputsBigEndian = "public_inputs_be_hex"
        case extDataHash = "ext_data_hash_sha256_hex"
        case asPublished = "proof_wire_256_hex_AS_PUBLISHED_with_ark_flags_negA"
        case strict = "proof_eip197_strict_256_hex_negA"
        case compressed = "proof_ark_compressed_128_hex_posA"
        case expect
    }

    struct File: Decodable { let cases: [ParaloomCase] }

    static func all() throws -> [ParaloomCase] {
        try Vectors.json("groth16/paraloom/transact_cases.json", as: File.self).cases
    }
}

/// The key of the settlement circuit as bytes.
struct ParaloomKey: Decodable {
    let alpha_g1: String
    let beta_g2: String
    let gamma_g2: String
    let delta_g2: String
    let ic: [String]

    /// The canonical bytes of a key, with what the texts say, checked or not.
    func keyBytes() throws -> [UInt8] {
        var result: [UInt8] = []
        for text in [alpha_g1, beta_g2, gamma_g2, delta_g2] {
            result += try #require(bytes(hex: text))
        }
        for shift in [0, 8, 16, 24] { result.append(UInt8(truncatingIfNeeded: ic.count >> shift)) }
        for text in ic { result += try #require(bytes(hex: text)) }
        return result
    }
}

/// What `body` threw, or nil.
func thrown(_ body: () throws(Groth16Error) -> Void) -> Groth16Error? {
    do throws(Groth16Error) {
        try body()
        return nil
    } catch {
        return error
    }
}
