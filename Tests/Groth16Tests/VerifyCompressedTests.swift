// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

/// Many proofs together from their bytes: what reading and verifying each of them says.
@Suite struct VerifyCompressedTests {
    private struct Bench {
        let key: PreparedVerifyingKey
        let items: [PreparedVerifyingKey.CompressedItem]
        var generator: SplitMix64

        init(count: Int, inputCount: Int, seed: UInt64) throws {
            var generator = SplitMix64(seed: seed)
            let forge = try Forge(inputCount: inputCount, &generator)
            key = PreparedVerifyingKey(forge.key)
            items = (0..<count).map { _ in
                let inputs = (0..<inputCount).map { _ in Forge.scalar(&generator) }
                return .init(forge.proof(inputs, &generator).compressed, inputs: inputs)
            }
            self.generator = generator
        }

        /// What one by one says.
        func expected(
            _ items: [PreparedVerifyingKey.CompressedItem]
        ) -> [PreparedVerifyingKey.Answer] {
            items.map { item in
                do throws(Groth16Error) {
                    let proof = try Proof(compressed: item.proof)
                    return .success(try key.verify(proof, inputs: item.inputs))
                } catch { return .failure(error) }
            }
        }

        /// Expects the same, and returns it.
        @discardableResult
        mutating func check(
            _ items: [PreparedVerifyingKey.CompressedItem], _ comment: String = ""
        ) throws -> [PreparedVerifyingKey.Answer] {
            let answers = try key.verifyTogether(compressed: items, factors: &generator)
            let expected = expected(items)
            #expect(answers == expected, "\(comment)")
            return expected
        }
    }

    /// Proofs of bytes that are refused or do not hold, from one that holds.
    private static func spoiled(_ proof: [UInt8]) throws -> [[UInt8]] {
        func replaced(_ range: Range<Int>, _ part: [UInt8]) -> [UInt8] {
            var copy = proof
            copy.replaceSubrange(range, with: part)
            return copy
        }
        func flipped(_ index: Int, _ mask: UInt8) -> [UInt8] {
            replaced(index..<index + 1, [proof[index] ^ mask])
        }
        let outsider = try Forge.outsider().compressed
        let infinity = [UInt8](repeating: 0, count: 31) + [0x40]
        let full = [UInt8](repeating: 0xFF, count: 31) + [0x3F]
        let order = Fp.order.littleEndianBytes
        return [
            [], Array(proof.dropLast()), proof + [0],
            // Flags: the other y, infinity beside a coordinate, both.
            flipped(31, 0x80), flipped(95, 0x80), flipped(127, 0x80), flipped(31, 0x40),
            flipped(95, 0x40), flipped(127, 0x40), replaced(31..<32, [proof[31] | 0xC0]),
            // Infinity.
            replaced(0..<32, infinity), replaced(96..<128, infinity),
            replaced(32..<96, [UInt8](repeating: 0, count: 63) + [0x40]),
            // Coordinates of the modulus and above.
            replaced(0..<32, full), replaced(32..<64, full), replaced(64..<96, full),
            replaced(96..<128, full), replaced(0..<32, order), replaced(32..<64, order),
            replaced(96..<128, order),
            // Other points, or none.
            flipped(0, 1), flipped(1, 1), flipped(33, 1), flipped(34, 2), flipped(97, 1),
            flipped(98, 4), replaced(32..<96, outsider),
            replaced(32..<128, outsider + full), replaced(0..<96, full + outsider),
            replaced(0..<32, Array(proof[96...])), replaced(96..<128, Array(proof[..<32])),
        ]
    }

    @Test func `proofs that hold hold together, whatever their number`() throws {
        var bench = try Bench(count: 130, inputCount: 2, seed: 41)
        for count in [0, 1, 2, 5, 6, 8, 9, 61, 62, 64, 125, 126, 130] {
            let answers = try bench.check(Array(bench.items.prefix(count)), "\(count)")
            #expect(answers.allSatisfy { $0 == .success(true) })
        }
    }

    @Test func `each way to spoil a proof has its answer, alone and beside others`() throws {
        var bench = try Bench(count: 9, inputCount: 1, seed: 42)
        let ways = try Self.spoiled(bench.items[4].proof)
        for (way, bytes) in ways.enumerated() {
            var items = bench.items
            items[4] = .init(bytes, inputs: items[4].inputs)
            let answers = try bench.check(items, "way \(way)")
            #expect(answers[4] != .success(true), "way \(way)")
            try bench.check([items[4]], "way \(way) alone")
            try bench.check([items[4], items[4]], "way \(way) twice")
        }
    }

    @Test func `all ways to spoil a proof among proofs that hold and inputs that do not`() throws {
        var bench = try Bench(count: 66, inputCount: 1, seed: 43)
        var items = bench.items
        for (way, bytes) in try Self.spoiled(items[0].proof).enumerated() {
            items[2 * way] = .init(bytes, inputs: items[0].inputs)
        }
        items[65] = .init(items[65].proof, inputs: [Fr(7)])
        let answers = try bench.check(items)
        #expect(answers.contains(.failure(.notInSubgroup(.proofB))))
        #expect(answers.count { $0 == .success(true) } >= 34)
    }

    @Test func `points outside the group in every place, and proofs more than once`() throws {
        var bench = try Bench(count: 10, inputCount: 0, seed: 44)
        let outsider = try Forge.outsider().compressed
        for place in 0..<10 {
            var items = bench.items
            var bytes = items[place].proof
            bytes.replaceSubrange(32..<96, with: outsider)
            items[place] = .init(bytes, inputs: [])
            let answers = try bench.check(items, "\(place)")
            #expect(answers[place] == .failure(.notInSubgroup(.proofB)))
        }
        let same = [PreparedVerifyingKey.CompressedItem](repeating: bench.items[0], count: 70)
        #expect(try bench.check(same).allSatisfy { $0 == .success(true) })
        // A and C of one and the same group element, and opposites in one lane.
        let proof = try Proof(compressed: bench.items[0].proof)
        let opposite = Proof(a: proof.a.negated, b: proof.b, c: proof.c.negated).compressed
        try bench.check(same.prefix(8) + [.init(opposite, inputs: [])])
    }

    @Test func `a wrong number of inputs is an error before anything is read`() throws {
        var bench = try Bench(count: 2, inputCount: 2, seed: 45)
        let items = [bench.items[0], .init([], inputs: [.one])]
        #expect(throws: Groth16Error.wrongInputCount(expected: 2, actual: 1)) {
            try bench.key.verifyTogether(compressed: items, factors: &bench.generator)
        }
    }
}
