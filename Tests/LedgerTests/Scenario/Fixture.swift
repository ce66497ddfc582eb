// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import Groth16
import Ledger

/// Keys, a circuit and a proof, the same in every process.
///
/// The ledger never verifies a proof: it only wants points of the right groups, and generators are.
enum Fixture {
    private static let keys: [SigningKey] = (0..<UInt16(320)).map { makeKey($0) }

    /// Validators are 0, 1, ...; the submitter is 200, the bridge 201, strangers are above.
    static func key(_ number: UInt16) -> SigningKey {
        number < 320 ? keys[Int(number)] : makeKey(number)
    }

    static func key(_ validator: ValidatorIndex) -> SigningKey { key(validator.rawValue) }

    /// What the key of a number is called.
    static func name(_ number: UInt16) -> String { "party-\(number)" }

    private static func makeKey(_ number: UInt16) -> SigningKey {
        var writer = BorshWriter(domain: "recount/tests/key")
        writer.write(number)
        return SigningKey(seed: Digest(hashing: writer.bytes).value)
    }

    /// A small number as thirty-two little-endian bytes.
    static func element(_ value: UInt64) -> Bytes32 {
        var writer = BorshWriter()
        writer.write(value)
        writer.writeFixed(Array(repeating: 0, count: 24))
        return Bytes32(writer.bytes) ?? .zero
    }

    /// The group order r itself plus a small number: the same element, written differently.
    static func elementPlusOrder(_ value: UInt64) -> Bytes32 {
        // r, most significant byte first (EIP-196).
        let order = Bytes32(
            hex: "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001")
        var bytes: [UInt8] = (order?.bytes ?? []).reversed()
        var rest = value
        var place = 0
        while rest > 0 {
            rest += UInt64(bytes[place])
            bytes[place] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            place += 1
        }
        return Bytes32(bytes) ?? .zero
    }

    static let root = element(42)

    static let proof = Proof(a: .generator, b: .generator, c: .generator).compressed

    /// Small multiples of the generators: a key with which nothing is known to be wrong, though
    /// whoever reads this can forge proofs of it.
    static func verifyingKey(inputs: Int) -> [UInt8] {
        func g1(_ scalar: UInt64) -> G1Affine {
            G1Affine.generator.multipliedVariableTime(by: Fr(scalar))
        }
        do {
            return try VerifyingKey(
                alpha: g1(4), beta: twist(3), gamma: .generator, delta: twist(5),
                ic: (0...UInt64(inputs)).map { g1(7 + $0) }
            ).bytes
        } catch { fatalError("multiples of generators make a key: \(error)") }
    }

    /// A multiple of the generator of G2.
    static func twist(_ scalar: UInt64) -> G2Affine {
        G2Affine.generator.multipliedVariableTime(by: Fr(scalar))
    }

    /// A circuit with these bindings.
    static func circuit(_ name: String, _ inputs: [InputBinding]) -> Circuit {
        Circuit(name: name, verifyingKey: verifyingKey(inputs: inputs.count), inputs: inputs)
    }

    /// Root, one nullifier, amount, recipient.
    static let circuit = circuit("withdraw", [.root, .nullifier, .amount, .recipient])

    static func opened(_ setup: Setup) -> LedgerOpened {
        var parameters = setup.parameters
        parameters.threshold = setup.threshold
        return LedgerOpened(
            name: "test", parameters: parameters,
            validators: (0..<setup.validators).map { place in
                GenesisValidator(
                    key: key(UInt16(place)).publicKey, name: name(UInt16(place)),
                    stake: Stake(place < setup.stakes.count ? setup.stakes[place] : 100))
            },
            submitters: [
                GenesisSubmitter(
                    key: key(200).publicKey, name: "submitter", quota: setup.quota)
            ],
            bridge: key(201).publicKey,
            circuits: setup.circuits, time: setup.start)
    }
}

extension [Event] {
    /// The kinds, in order.
    var kinds: [String] { map(\.kind) }
}
