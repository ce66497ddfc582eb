// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import TestSupport
import Testing

/// Digests and bytes as values.
@Suite struct DigestTests {
    @Test func knownDigests() {
        // FIPS 180-4 examples.
        #expect(
            Digest(hashing: Array("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.ofNothing.hex
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Digest(prefix: 1, hashing: [2, 3].span) == Digest(hashing: [1, 2, 3]))
    }

    @Test func bytesRoundTripAndOtherLengthsAreRefused() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<100 {
            let bytes = random.bytes(32)
            let value = Bytes32(bytes)
            #expect(value?.bytes == bytes)
            #expect(value?.hex == bytes.hex)
            #expect(Bytes32(hex: bytes.hex) == value)
            #expect([UInt8](hex: bytes.hex.uppercased()) == bytes)
        }
        #expect(Bytes32([UInt8](repeating: 0, count: 31)) == nil)
        #expect(Bytes32([UInt8](repeating: 0, count: 33)) == nil)
        #expect(Bytes32(hex: "00") == nil)
        #expect([UInt8](hex: "0") == nil)
        #expect([UInt8](hex: "0g") == nil)
        #expect(Bytes32([UInt8](repeating: 0, count: 40).span, at: 9) == nil)
        #expect(Bytes32([UInt8](repeating: 0, count: 40).span, at: -1) == nil)
        #expect(Bytes32([UInt8](repeating: 0, count: 40).span, at: 8) == .zero)
    }

    @Test func orderIsThatOfTheBytes() {
        var random = SplitMix64(seed: 6)
        for _ in 0..<200 {
            var left = random.bytes(32)
            let right = random.bytes(32)
            let shared = Int(random.next() % 32)
            for position in 0..<shared { left[position] = right[position] }
            guard let first = Bytes32(left), let second = Bytes32(right) else { continue }
            #expect((first < second) == left.lexicographicallyPrecedes(right))
        }
    }
}

@Suite struct Ed25519Tests {
    private struct Wycheproof: Decodable {
        struct Group: Decodable {
            struct Key: Decodable { let pk: String }
            struct Case: Decodable {
                let tcId: Int
                let msg: String
                let sig: String
                let result: String
            }
            let publicKey: Key
            let tests: [Case]
        }
        let numberOfTests: Int
        let testGroups: [Group]
    }

    private struct Speccheck: Decodable {
        struct Case: Decodable {
            let `case`: Int
            let message: String
            let pub_key: String
            let signature: String
            let libsodium_pynacl: Bool
        }
        let cases: [Case]
    }

    private struct Bare: Decodable {
        let message: String
        let pub_key: String
        let signature: String
    }

    private func verifies(_ key: String, _ message: String, _ signature: String) throws -> Bool {
        let key = try #require(Bytes32(hex: key))
        let message = try #require(bytes(hex: message))
        guard let signature = bytes(hex: signature).flatMap({ Signature($0) }) else {
            return false
        }
        return PublicKey(key).verifies(signature, of: message)
    }

    @Test(
        .enabled(
            if: Vectors.has("ed25519/wycheproof_ed25519_test.json"),
            "no ed25519/wycheproof_ed25519_test.json"))
    func wycheproofSignaturesGetTheirVerdict() throws {
        let file: Wycheproof = try Vectors.json("ed25519/wycheproof_ed25519_test.json")
        var count = 0
        for group in file.testGroups {
            for test in group.tests {
                count += 1
                #expect(
                    try verifies(group.publicKey.pk, test.msg, test.sig)
                        == (test.result == "valid"), "test \(test.tcId)")
            }
        }
        #expect(count == 151)
        #expect(file.numberOfTests == 151)
    }

    @Test(
        .enabled(
            if: Vectors.has("ed25519/speccheck_verdicts.json"),
            "no ed25519/speccheck_verdicts.json"))
    func edgeCasesGetTheVerdictOfLibsodium() throws {
        let file: Speccheck = try Vectors.json("ed25519/speccheck_verdicts.json")
        let bare: [Bare] = try Vectors.json("ed25519/speccheck_cases.json")
        #expect(file.cases.count == 12)
        #expect(bare.count == 12)
        for (number, test) in file.cases.enumerated() {
            let holds = try verifies(test.pub_key, test.message, test.signature)
            #expect(holds == test.libsodium_pynacl, "case \(test.case)")
            #expect(holds == (test.case == 3), "case \(test.case)")
            #expect(
                try verifies(bare[number].pub_key, bare[number].message, bare[number].signature)
                    == holds)
        }
    }

    @Test(
        .enabled(
            if: Vectors.has("ed25519/rfc8032_signinput_128_dalek_TESTVECTORS.txt"),
            "no ed25519/rfc8032_signinput_128_dalek_TESTVECTORS.txt"))
    func signaturesAreThoseOfTheReference() throws {
        let data = try Vectors.data("ed25519/rfc8032_signinput_128_dalek_TESTVECTORS.txt")
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 128)
        for line in lines {
            let parts = line.split(separator: ":", omittingEmptySubsequences: false)
            let secret = try #require(bytes(hex: parts[0]))
            let key = SigningKey(seed: try #require(Bytes32(Array(secret[..<32]))))
            #expect(key.publicKey.hex == parts[1])
            #expect(key.publicKey.isValid)
            let message = try #require(bytes(hex: parts[2]))
            let signature = key.sign(message)
            #expect(signature.hex == parts[3].prefix(128))
            #expect(key.publicKey.verifies(signature, of: message))
            #expect(!key.publicKey.verifies(signature, of: message + [0]))
        }
    }

    @Test func anyChangedBitOfASignatureIsRefused() throws {
        let key = SigningKey()
        let message = Array("vote".utf8)
        let signature = key.sign(message)
        for bit in 0..<512 {
            var bytes = signature.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let changed = try #require(Signature(bytes))
            #expect(!key.publicKey.verifies(changed, of: message), "bit \(bit)")
        }
        #expect(!key.publicKey.verifies(.zero, of: message))
        #expect(!SigningKey().publicKey.verifies(signature, of: message))
    }

    @Test func keysOfSmallOrderOrOffTheCurveAreNotValid() throws {
        let hexes = [
            // The neutral point, the zero point of order four, one of order eight, and y = p.
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0200000000000000000000000000000000000000000000000000000000000000",
        ]
        for hex in hexes {
            #expect(!PublicKey(try #require(Bytes32(hex: hex))).isValid, "\(hex)")
        }
        #expect(SigningKey().publicKey.isValid)
    }

    @Test("a key of mixed order is not valid, whatever its component of small order is")
    func keysOfMixedOrderAreNotValid() throws {
        for small in HostileSignatures.smallOrder.dropFirst() {
            for number in 1...8 as ClosedRange<UInt8> {
                let key = SigningKey(
                    seed: Bytes32([UInt8](repeating: number, count: 32)) ?? .zero)
                let mixed = HostileSignatures.sum(key.publicKey.bytes, small)
                #expect(mixed != key.publicKey.bytes)
                #expect(
                    !PublicKey(HostileSignatures.value(mixed)).isValid,
                    "\(mixed.hex) is \(key.publicKey.hex) and \(small.hex)")
            }
        }
    }

    @Test func signaturesOfOtherLengthsAreRefused() {
        #expect(Signature([UInt8](repeating: 0, count: 63)) == nil)
        #expect(Signature([UInt8](repeating: 0, count: 65)) == nil)
        #expect(Signature([UInt8](repeating: 0, count: 70).span, at: 7) == nil)
    }
}
