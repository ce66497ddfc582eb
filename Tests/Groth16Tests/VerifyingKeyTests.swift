// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16
import TestSupport
import Testing

@Suite("Verifying keys")
struct VerifyingKeyTests {
    @Test("The byte form gives the key back, and each changed byte another key or an error")
    func roundTrip() throws {
        var generator = SplitMix64(seed: 31)
        let key = try Forge(inputCount: 2, &generator).key
        let bytes = key.bytes
        #expect(bytes.count == 64 + 3 * 128 + 4 + 3 * 64)
        #expect(try VerifyingKey(bytes: bytes) == key)
        #expect(try VerifyingKey(snarkjs: SnarkjsVerifyingKey(key)) == key)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
            if let other = try? VerifyingKey(bytes: changed) {
                #expect(other != key && other.bytes == changed)
            }
        }
        for count in 0..<bytes.count {
            #expect(throws: Groth16Error.self) { try VerifyingKey(bytes: Array(bytes[..<count])) }
        }
    }

    @Test("Each refusal of a byte form names the element, in order")
    func errors() throws {
        var generator = SplitMix64(seed: 32)
        let bytes = try Forge(inputCount: 1, &generator).key.bytes
        let check = { (changed: [UInt8], expected: Groth16Error) in
            let error = thrown { () throws(Groth16Error) in _ = try VerifyingKey(bytes: changed) }
            #expect(error == expected)
        }
        let places: [(Int, Int, Groth16Element, Coordinate)] = [
            (0, 64, .alpha, .y), (64, 128, .beta, .y0), (192, 128, .gamma, .y0),
            (320, 128, .delta, .y0), (452, 64, .ic(index: 0), .y), (516, 64, .ic(index: 1), .y),
        ]
        let outsider = try Forge.outsider()
        let outside = [outsider.x.c1, outsider.x.c0, outsider.y.c1, outsider.y.c0]
            .flatMap(\.bigEndianBytes)
        for (offset, size, element, last) in places {
            let end = offset + size
            var changed = bytes
            changed.replaceSubrange(end - 32..<end, with: Fp.order.bigEndianBytes)
            check(changed, .notCanonical(element, last))
            changed = bytes
            changed[end - 1] ^= 2
            check(changed, .notOnCurve(element))
            if size == 128 {
                changed = bytes
                changed.replaceSubrange(offset..<end, with: outside)
                check(changed, .notInSubgroup(element))
            }
            changed = bytes
            changed.replaceSubrange(offset..<end, with: [UInt8](repeating: 0, count: size))
            if offset < 452 {
                check(changed, .infinity(element))
            } else {
                #expect(throws: Never.self) { try VerifyingKey(bytes: changed) }
            }
        }
        check(Array(bytes[..<451]), .wrongLength(expectedBytes: 452, actualBytes: 451))
        check(bytes + [0], .wrongLength(expectedBytes: 580, actualBytes: 581))
        check(Array(bytes[..<579]), .wrongLength(expectedBytes: 580, actualBytes: 579))
        let counts: [(Int, Groth16Error)] = [
            (0, .inputCountOutOfRange(pointCount: 0)),
            (1, .wrongLength(expectedBytes: 516, actualBytes: 580)),
            (1025, .wrongLength(expectedBytes: 452 + 1025 * 64, actualBytes: 580)),
            (1026, .inputCountOutOfRange(pointCount: 1026)),
            (0xFFFF_FFFF, .inputCountOutOfRange(pointCount: 0xFFFF_FFFF)),
        ]
        for (count, expected) in counts {
            var changed = bytes
            for index in 0..<4 {
                changed[448 + index] = UInt8(truncatingIfNeeded: count >> (8 * index))
            }
            check(changed, expected)
        }
    }
}

@Suite("The JSON of snarkjs")
struct SnarkjsTests {
    static func makeForm() throws -> (SnarkjsProof, SnarkjsVerifyingKey) {
        var generator = SplitMix64(seed: 33)
        let forge = try Forge(inputCount: 1, &generator)
        let proof = forge.proof([Fr(3)], &generator)
        return (SnarkjsProof(proof), SnarkjsVerifyingKey(forge.key))
    }

    static func error(_ form: SnarkjsProof) -> Groth16Error? {
        thrown { () throws(Groth16Error) in _ = try Proof(snarkjs: form) }
    }

    static func error(_ form: SnarkjsVerifyingKey) -> Groth16Error? {
        thrown { () throws(Groth16Error) in _ = try VerifyingKey(snarkjs: form) }
    }

    @Test("JSON written from a key and a proof is read back")
    func json() throws {
        let (proof, key) = try Self.makeForm()
        let proofText = try JSONEncoder().encode(proof)
        #expect(try JSONDecoder().decode(SnarkjsProof.self, from: proofText) == proof)
        let keyText = try JSONEncoder().encode(key)
        #expect(try JSONDecoder().decode(SnarkjsVerifyingKey.self, from: keyText) == key)
        #expect(String(decoding: proofText, as: UTF8.self).contains("\"pi_a\""))
    }

    @Test("Names of another protocol or curve are refused, absent ones are not")
    func names() throws {
        var (proof, key) = try Self.makeForm()
        for curve in ["bn128", "bn254", nil] {
            proof.curve = curve
            proof.protocolName = curve == nil ? nil : "groth16"
            #expect(Self.error(proof) == nil)
        }
        proof.curve = "bls12381"
        #expect(Self.error(proof) == .unsupportedCurve("bls12381"))
        proof.protocolName = "plonk"
        #expect(Self.error(proof) == .unsupportedProtocol("plonk"))
        key.curve = "BN254"
        #expect(Self.error(key) == .unsupportedCurve("BN254"))
        key.protocolName = ""
        #expect(Self.error(key) == .unsupportedProtocol(""))
    }

    @Test("Each refusal of a proof names the element and the coordinate")
    func proofErrors() throws {
        let (good, _) = try Self.makeForm()
        let order = Fp.order.decimal
        let check = { (expected: Groth16Error, change: (inout SnarkjsProof) -> Void) in
            var form = good
            change(&form)
            #expect(Self.error(form) == expected)
        }
        check(.wrongCoordinateCount(.proofA)) { $0.a = [] }
        check(.wrongCoordinateCount(.proofA)) { $0.a.append("1") }
        check(.wrongCoordinateCount(.proofB)) { $0.b = [["0", "0"]] }
        check(.wrongCoordinateCount(.proofB)) { $0.b[1] = ["1"] }
        check(.wrongCoordinateCount(.proofC)) { $0.c = Array($0.c.dropLast()) }
        check(.malformedNumber(.proofA, .x)) { $0.a[0] = "" }
        check(.malformedNumber(.proofA, .y)) { $0.a[1] = "0" + $0.a[1] }
        check(.malformedNumber(.proofA, .z)) { $0.a[2] = "one" }
        check(.malformedNumber(.proofB, .x0)) { $0.b[0][0] = "-1" }
        check(.malformedNumber(.proofB, .y1)) { $0.b[1][1] = "+1" }
        check(.notCanonical(.proofA, .x)) { $0.a[0] = order }
        check(.notCanonical(.proofB, .x1)) { $0.b[0][1] = order }
        check(.notCanonical(.proofB, .y0)) { $0.b[1][0] = order }
        check(.notCanonical(.proofC, .y)) { $0.c[1] = String(repeating: "9", count: 100_000) }
        check(.notAffine(.proofA)) { $0.a[2] = "2" }
        check(.notAffine(.proofA)) { $0.a[2] = "0" }
        check(.notAffine(.proofB)) { $0.b[2] = ["1", "1"] }
        check(.notAffine(.proofB)) { $0.b[2] = ["0", "0"] }
        check(.notOnCurve(.proofA)) { $0.a = ["0", "0", "1"] }
        check(.notOnCurve(.proofB)) { $0.b = [["0", "0"], ["0", "0"], ["1", "0"]] }
        check(.notOnCurve(.proofC)) { $0.c = ["1", "3", "1"] }
        let outsider = try Forge.outsider()
        check(.notInSubgroup(.proofB)) {
            $0.b[0] = [outsider.x.c0.decimal, outsider.x.c1.decimal]
            $0.b[1] = [outsider.y.c0.decimal, outsider.y.c1.decimal]
        }
    }

    @Test("Counts that lie are refused before any point is read")
    func keyErrors() throws {
        let (_, good) = try Self.makeForm()
        let check = { (expected: Groth16Error, change: (inout SnarkjsVerifyingKey) -> Void) in
            var form = good
            change(&form)
            #expect(Self.error(form) == expected)
        }
        check(.inputCountContradicted(stated: 2, pointCount: 2)) { $0.publicInputCount = 2 }
        check(.inputCountContradicted(stated: -1, pointCount: 2)) { $0.publicInputCount = -1 }
        check(.inputCountContradicted(stated: 1, pointCount: 1)) { $0.ic.removeLast() }
        check(.inputCountOutOfRange(pointCount: 0)) { $0.ic = [] }
        check(.inputCountOutOfRange(pointCount: 1026)) {
            $0.ic = [[String]](repeating: ["1", "2", "1"], count: 1026)
            $0.publicInputCount = 1025
        }
        check(.wrongCoordinateCount(.ic(index: 1))) { $0.ic[1] = [] }
        check(.notOnCurve(.ic(index: 0))) { $0.ic[0] = ["1", "1", "1"] }
        check(.infinity(.alpha)) { $0.alpha = ["0", "1", "0"] }
        check(.infinity(.beta)) { $0.beta = [["0", "0"], ["1", "0"], ["0", "0"]] }
        check(.infinity(.gamma)) { $0.gamma = [["0", "0"], ["1", "0"], ["0", "0"]] }
        check(.infinity(.delta)) { $0.delta = [["0", "0"], ["1", "0"], ["0", "0"]] }
    }

    @Test("Public inputs that are malformed or too large are refused by index")
    func inputs() {
        let order = Fr.order
        let text = { (inputs: [String]) in
            thrown { () throws(Groth16Error) in _ = try PublicInputs.parse(decimal: inputs) }
        }
        #expect(text([]) == nil && text(["0", Fr.one.negated.decimal]) == nil)
        #expect(text(["1", order.decimal]) == .inputNotCanonical(index: 1))
        #expect(text([String(repeating: "9", count: 200)]) == .inputNotCanonical(index: 0))
        for bad in ["", "01", "-1", "0x1", "1 "] {
            #expect(text(["1", "2", bad]) == .malformedInput(index: 2))
        }
        let little = { (parts: [[UInt8]]) in
            thrown { () throws(Groth16Error) in _ = try PublicInputs.parse(littleEndian: parts) }
        }
        #expect(little([order.littleEndianBytes]) == .inputNotCanonical(index: 0))
        #expect(little([Fr.one.littleEndianBytes, []]) == .malformedInput(index: 1))
        let big = { (parts: [[UInt8]]) in
            thrown { () throws(Groth16Error) in _ = try PublicInputs.parse(bigEndian: parts) }
        }
        #expect(big([order.bigEndianBytes]) == .inputNotCanonical(index: 0))
        #expect(big([Fr.one.bigEndianBytes]) == nil)
    }
}
