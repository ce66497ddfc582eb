// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import TestSupport

/// The signatures of the third-party vectors that have sixty-four bytes; none without the files.
enum VectorSignatures {
    private struct Wycheproof: Decodable {
        struct Group: Decodable {
            struct Key: Decodable { let pk: String }
            struct Case: Decodable {
                let msg: String
                let sig: String
            }
            let publicKey: Key
            let tests: [Case]
        }
        let testGroups: [Group]
    }

    private struct Bare: Decodable {
        let message: String
        let pub_key: String
        let signature: String
    }

    static func all() throws -> [SignatureCheck] {
        var result: [SignatureCheck] = []
        func add(_ key: some StringProtocol, _ message: some StringProtocol, _ signature: String) {
            guard let key = Bytes32(hex: key), let message = bytes(hex: message),
                let signature = bytes(hex: signature).flatMap({ Signature($0) })
            else { return }
            result.append(
                SignatureCheck(key: PublicKey(key), message: message, signature: signature))
        }
        let wycheproof = "ed25519/wycheproof_ed25519_test.json"
        if Vectors.has(wycheproof) {
            let file: Wycheproof = try Vectors.json(wycheproof)
            for group in file.testGroups {
                for test in group.tests { add(group.publicKey.pk, test.msg, test.sig) }
            }
        }
        let edges = "ed25519/speccheck_cases.json"
        if Vectors.has(edges) {
            let cases: [Bare] = try Vectors.json(edges)
            for test in cases { add(test.pub_key, test.message, test.signature) }
        }
        let reference = "ed25519/rfc8032_signinput_128_dalek_TESTVECTORS.txt"
        if Vectors.has(reference) {
            let text = String(decoding: try Vectors.data(reference), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":", omittingEmptySubsequences: false)
                add(parts[1], parts[2], String(parts[3].prefix(128)))
            }
        }
        return result
    }
}
