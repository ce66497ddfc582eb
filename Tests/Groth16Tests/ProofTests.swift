// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

@Suite("Proofs and verification")
struct ProofTests {
    @Test("Proofs of any number of inputs are accepted, and no other", arguments: [0, 1, 8, 40])
    func forged(inputCount: Int) throws {
        var generator = SplitMix64(seed: UInt64(inputCount) + 1)
        let forge = try Forge(inputCount: inputCount, &generator)
        let prepared = PreparedVerifyingKey(forge.key)
        #expect(prepared.publicInputCount == inputCount)
        let inputs = (0..<inputCount).map { index in
            index % 3 == 0 ? Fr(UInt64(index)) : Forge.scalar(&generator)
        }
        let proof = forge.proof(inputs, &generator)
        #expect(try prepared.verify(proof, inputs: inputs))
        let other = Proof(a: proof.a + .generator, b: proof.b, c: proof.c)
        #expect(try !prepared.verify(other, inputs: inputs))
        for changed in inputs.indices {
            var wrong = inputs
            wrong[changed] = wrong[changed] - .one
            #expect(try !prepared.verify(proof, inputs: wrong))
        }
        #expect(throws: Groth16Error.wrongInputCount(expected: inputCount, actual: inputCount + 1))
        {
            try prepared.verify(proof, inputs: inputs + [.zero])
        }
    }

    @Test("Proofs with points at infinity are judged by the same equation")
    func infinity() throws {
        var generator = SplitMix64(seed: 77)
        let forge = try Forge(inputCount: 1, &generator)
        let prepared = PreparedVerifyingKey(forge.key)
        // The input for which alpha beta + l gamma is zero makes the proof of three infinities
        // hold; only the holder of the secrets can find it.
        let target = forge.alpha * forge.beta * forge.gamma.inverse
        let input = (target.negated - forge.ic[0]) * forge.ic[1].inverse
        let proof = Proof(a: .infinity, b: .infinity, c: .infinity)
        #expect(try prepared.verify(proof, inputs: [input]))
        #expect(try !prepared.verify(proof, inputs: [input + .one]))
        #expect(try Proof(compressed: proof.compressed) == proof)
        #expect(try Proof(ethereum: proof.ethereum) == proof)
        #expect(try Proof(snarkjs: SnarkjsProof(proof)) == proof)
        // The input for which the sum of the inputs is infinity.
        let zero = forge.ic[0].negated * forge.ic[1].inverse
        #expect(try prepared.verify(forge.proof([zero], &generator), inputs: [zero]))
    }

    @Test("Each form gives the proof back", arguments: 1...3)
    func roundTrips(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<5 {
            let proof = Proof(
                a: Forge.g1(Forge.scalar(&generator)), b: Forge.g2(Forge.scalar(&generator)),
                c: Forge.g1(Forge.scalar(&generator)))
            #expect(proof.compressed.count == 128 && proof.ethereum.count == 256)
            #expect(try Proof(compressed: proof.compressed) == proof, "seed \(seed)")
            #expect(try Proof(ethereum: proof.ethereum) == proof, "seed \(seed)")
            #expect(try Proof(snarkjs: SnarkjsProof(proof)) == proof, "seed \(seed)")
        }
    }

    @Test("No changed bit of a proof verifies, and what decodes encodes to its bytes")
    func flips() throws {
        var generator = SplitMix64(seed: 21)
        let forge = try Forge(inputCount: 2, &generator)
        let prepared = PreparedVerifyingKey(forge.key)
        let inputs = [Fr(5), Forge.scalar(&generator)]
        let proof = forge.proof(inputs, &generator)
        for index in 0..<128 * 8 {
            var bytes = proof.compressed
            bytes[index / 8] ^= 1 << UInt8(index % 8)
            guard let changed = try? Proof(compressed: bytes) else { continue }
            #expect(changed.compressed == bytes && changed != proof)
            #expect(try !prepared.verify(changed, inputs: inputs), "bit \(index)")
        }
        for index in 0..<256 {
            var bytes = proof.ethereum
            bytes[index] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
            guard let changed = try? Proof(ethereum: bytes) else { continue }
            #expect(changed.ethereum == bytes && changed != proof)
            #expect(try !prepared.verify(changed, inputs: inputs), "byte \(index)")
        }
    }

    @Test("Random bytes of any length are refused without a trap")
    func garbage() {
        var generator = SplitMix64(seed: 22)
        for round in 0..<600 {
            let length = round % 3 == 0 ? Int(generator.next() % 400) : [128, 256][round % 2]
            let bytes = generator.bytes(length)
            if let proof = try? Proof(compressed: bytes) { #expect(proof.compressed == bytes) }
            if let proof = try? Proof(ethereum: bytes) { #expect(proof.ethereum == bytes) }
            if let key = try? VerifyingKey(bytes: bytes + bytes) {
                #expect(key.bytes == bytes + bytes)
            }
        }
    }

    @Test("Each refusal of a compressed proof names the element, in order")
    func compressedErrors() throws {
        let proof = Proof(a: .generator, b: .generator, c: .generator)
        let good = proof.compressed
        let outsider = try Forge.outsider().compressed
        let modulus = Fp.order.littleEndianBytes
        let offCurve = try #require(
            (1...20).map { Fp($0 as UInt64) }.first {
                ($0.squared() * $0 + Fp(3)).squareRoot == nil
            }
        ).littleEndianBytes
        var offTwist = Fp2(c0: .one, c1: .one)
        while (offTwist.squared() * offTwist + CurveConstants.twistCoefficient).squareRoot != nil {
            offTwist = offTwist + .one
        }
        let offTwistBytes = offTwist.c0.littleEndianBytes + offTwist.c1.littleEndianBytes
        let flags = [UInt8](repeating: 0, count: 31) + [0xC0]
        let table: [(Int, [UInt8], Groth16Error)] = [
            (0, flags, .invalidFlags(.proofA)), (0, modulus, .notCanonical(.proofA, .x)),
            (0, offCurve, .notOnCurve(.proofA)), (64, flags, .invalidFlags(.proofB)),
            (32, modulus, .notCanonical(.proofB, .x0)), (64, modulus, .notCanonical(.proofB, .x1)),
            (32, offTwistBytes, .notOnCurve(.proofB)), (32, outsider, .notInSubgroup(.proofB)),
            (96, flags, .invalidFlags(.proofC)), (96, modulus, .notCanonical(.proofC, .x)),
            (96, offCurve, .notOnCurve(.proofC)),
        ]
        for (offset, part, expected) in table {
            var bytes = good
            bytes.replaceSubrange(offset..<offset + part.count, with: part)
            // The flags of the last byte of B must go for x1 to be read.
            let error = thrown { () throws(Groth16Error) in _ = try Proof(compressed: bytes) }
            #expect(error == expected)
        }
        var several = good
        several.replaceSubrange(96..<128, with: modulus)
        several.replaceSubrange(0..<32, with: offCurve)
        let first = thrown { () throws(Groth16Error) in _ = try Proof(compressed: several) }
        #expect(first == .notOnCurve(.proofA), "A is judged before C")
        for count in [0, 127, 129, 256] {
            let bytes = [UInt8](repeating: 0, count: count)
            let error = thrown { () throws(Groth16Error) in _ = try Proof(compressed: bytes) }
            #expect(error == .wrongLength(expectedBytes: 128, actualBytes: count))
        }
    }

    @Test("Each refusal of an Ethereum proof names the element and the coordinate")
    func ethereumErrors() throws {
        let good = Proof(a: .generator, b: .generator, c: .generator).ethereum
        let coordinates: [(Groth16Element, Coordinate)] = [
            (.proofA, .x), (.proofA, .y), (.proofB, .x1), (.proofB, .x0), (.proofB, .y1),
            (.proofB, .y0), (.proofC, .x), (.proofC, .y),
        ]
        for (index, (element, coordinate)) in coordinates.enumerated() {
            var bytes = good
            bytes.replaceSubrange(index * 32..<index * 32 + 32, with: Fp.order.bigEndianBytes)
            let error = thrown { () throws(Groth16Error) in _ = try Proof(ethereum: bytes) }
            #expect(error == .notCanonical(element, coordinate))
            bytes = good
            bytes[index * 32 + 31] ^= 4
            let off = thrown { () throws(Groth16Error) in _ = try Proof(ethereum: bytes) }
            #expect(off == .notOnCurve(element))
        }
        let outsider = try Forge.outsider()
        var bytes = good
        let parts = [outsider.x.c1, outsider.x.c0, outsider.y.c1, outsider.y.c0]
        bytes.replaceSubrange(64..<192, with: parts.flatMap(\.bigEndianBytes))
        let outside = thrown { () throws(Groth16Error) in _ = try Proof(ethereum: bytes) }
        #expect(outside == .notInSubgroup(.proofB))
        for count in [0, 128, 255, 257] {
            let short = [UInt8](repeating: 0, count: count)
            let error = thrown { () throws(Groth16Error) in _ = try Proof(ethereum: short) }
            #expect(error == .wrongLength(expectedBytes: 256, actualBytes: count))
        }
    }
}
