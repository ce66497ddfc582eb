// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

/// Gives the same number for ever: factors that anybody can predict.
private struct Constant: RandomNumberGenerator {
    func next() -> UInt64 { 1 }
}

/// A forged key, its prepared form, and proofs that hold for random inputs.
private struct Bench {
    let forge: Forge
    let key: PreparedVerifyingKey
    let items: [PreparedVerifyingKey.Item]
    var generator: SplitMix64

    init(count: Int, inputCount: Int, seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let forge = try Forge(inputCount: inputCount, &generator)
        items = (0..<count).map { _ in
            let inputs = (0..<inputCount).map { _ in Forge.scalar(&generator) }
            return .init(forge.proof(inputs, &generator), inputs: inputs)
        }
        self.forge = forge
        key = PreparedVerifyingKey(forge.key)
        self.generator = generator
    }

    /// The first `count` items, those in `bad` each spoiled in one of several ways.
    func items(_ count: Int, bad: Set<Int>) -> [PreparedVerifyingKey.Item] {
        items.prefix(count).enumerated().map { index, item in
            bad.contains(index) ? Bench.spoil(item, index) : item
        }
    }

    static func spoil(
        _ item: PreparedVerifyingKey.Item, _ way: Int
    ) -> PreparedVerifyingKey.Item {
        let proof = item.proof
        let other = G1Affine.generator
        switch way % 5 {
        case 0:
            return .init(
                Proof(a: proof.a, b: proof.b, c: proof.c + other), inputs: item.inputs)
        case 1:
            return .init(Proof(a: proof.a.negated, b: proof.b, c: proof.c), inputs: item.inputs)
        case 2:
            return .init(
                Proof(a: proof.a, b: proof.b + .generator, c: proof.c), inputs: item.inputs)
        case 3:
            return .init(Proof(a: .infinity, b: proof.b, c: proof.c), inputs: item.inputs)
        default:
            return .init(proof, inputs: item.inputs.dropLast() + [item.inputs[0] + .one])
        }
    }

    /// Expects the verdicts that the set of bad items asks for.
    mutating func expect(_ count: Int, bad: Set<Int>) throws {
        let verdicts = try key.verifyTogether(items(count, bad: bad), factors: &generator)
        #expect(
            verdicts == (0..<count).map { !bad.contains($0) },
            "\(count) proofs, bad: \(bad.sorted())")
    }
}

@Suite struct VerifyTogetherTests {
    @Test(.enabled(if: Vectors.has("groth16"), "no groth16 vectors"), arguments: 0..<5)
    func `third-party proofs hold together, and nothing beside them`(_ index: Int) throws {
        let item = try SnarkjsCase.all()[index]
        let key = PreparedVerifyingKey(try VerifyingKey(snarkjs: item.key))
        let proof = try Proof(snarkjs: item.proof)
        let inputs = try PublicInputs.parse(decimal: item.inputs)
        let good = PreparedVerifyingKey.Item(proof, inputs: inputs)
        var wrong = [
            Proof(a: proof.a.negated, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: proof.c.negated),
            Proof(a: proof.c, b: proof.b, c: proof.a),
            Proof(a: .infinity, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: .infinity, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: .infinity),
            Proof(a: .infinity, b: .infinity, c: .infinity),
        ].map { PreparedVerifyingKey.Item($0, inputs: inputs) }
        for changed in inputs.indices {
            var others = inputs
            others[changed] = others[changed] + .one
            wrong.append(.init(proof, inputs: others))
        }
        var generator = SplitMix64(seed: UInt64(index))
        #expect(
            try key.verifyTogether([good, good, good], factors: &generator) == [true, true, true])
        let verdicts = try key.verifyTogether([good] + wrong + [good], factors: &generator)
        #expect(verdicts == [true] + wrong.map { _ in false } + [true])
        for item in wrong {
            #expect(try !key.verify(item.proof, inputs: item.inputs))
        }
    }

    @Test func `up to three proofs, with bad ones at every set of positions`() throws {
        var bench = try Bench(count: 3, inputCount: 2, seed: 11)
        for count in 0...3 {
            for set in 0..<(1 << count) {
                try bench.expect(count, bad: Set((0..<count).filter { set >> $0 & 1 == 1 }))
            }
        }
    }

    @Test func `63, 64 and 65 proofs, with none, one, several and all bad`() throws {
        var bench = try Bench(count: 65, inputCount: 1, seed: 12)
        for count in 63...65 {
            try bench.expect(count, bad: [])
            try bench.expect(count, bad: [count - 1])
        }
        for position in [0, 31, 32] { try bench.expect(64, bad: [position]) }
        try bench.expect(64, bad: [3, 4, 5, 40, 63])
        try bench.expect(65, bad: Set(0..<65))
    }

    @Test func `each position of nine is found, where halves and single checks meet`() throws {
        var bench = try Bench(count: 9, inputCount: 0, seed: 13)
        // Without inputs only ways that leave them alone are of use.
        for position in 0..<9 where position % 5 != 4 { try bench.expect(9, bad: [position]) }
        try bench.expect(9, bad: [1, 7])
    }

    @Test func `two bad proofs that cancel out are both refused`() throws {
        var bench = try Bench(count: 4, inputCount: 1, seed: 14)
        let shift = Forge.g1(Forge.scalar(&bench.generator))
        func shifted(_ item: PreparedVerifyingKey.Item, _ by: G1Affine) -> PreparedVerifyingKey.Item
        {
            let proof = item.proof
            return .init(Proof(a: proof.a, b: proof.b, c: proof.c + by), inputs: item.inputs)
        }
        let items = [
            shifted(bench.items[0], shift), bench.items[1],
            shifted(bench.items[2], shift.negated), bench.items[3],
        ]
        let expected = [false, true, false, true]
        #expect(try bench.key.verifyTogether(items, factors: &bench.generator) == expected)
        // Known factors let them through: what the generator must be good for.
        var constant = Constant()
        let fooled = try bench.key.verifyTogether(items, factors: &constant)
        #expect(fooled == [true, true, true, true])
        let (first, second) = (bench.items[0], bench.items[1])
        let swapped = [
            PreparedVerifyingKey.Item(
                Proof(a: first.proof.a, b: first.proof.b, c: second.proof.c), inputs: first.inputs),
            PreparedVerifyingKey.Item(
                Proof(a: second.proof.a, b: second.proof.b, c: first.proof.c),
                inputs: second.inputs),
        ]
        let verdicts = try bench.key.verifyTogether(swapped, factors: &bench.generator)
        #expect(verdicts == [false, false])
    }

    @Test func `proofs with infinity that hold are taken, as they are one by one`() throws {
        var bench = try Bench(count: 2, inputCount: 2, seed: 15)
        let forge = bench.forge
        let inputs = bench.items[0].inputs
        let sum = forge.ic[0] + inputs[0] * forge.ic[1] + inputs[1] * forge.ic[2]
        let rest = forge.alpha * forge.beta + sum * forge.gamma
        let c = Forge.g1(rest.negated * forge.delta.inverse)
        let b = Forge.scalar(&bench.generator)
        let proofs = [
            Proof(a: .infinity, b: Forge.g2(b), c: c),
            Proof(a: .generator, b: .infinity, c: c),
            Proof(a: .infinity, b: .infinity, c: c),
            Proof(a: Forge.g1(rest * b.inverse), b: Forge.g2(b), c: .infinity),
        ]
        let items = proofs.map { PreparedVerifyingKey.Item($0, inputs: inputs) } + bench.items
        for item in items { #expect(try bench.key.verify(item.proof, inputs: item.inputs)) }
        let verdicts = try bench.key.verifyTogether(items, factors: &bench.generator)
        #expect(verdicts == [Bool](repeating: true, count: 6))
        let none = [PreparedVerifyingKey.Item](
            repeating: .init(
                Proof(a: .infinity, b: .infinity, c: .infinity), inputs: inputs), count: 3)
        #expect(
            try bench.key.verifyTogether(none, factors: &bench.generator) == [false, false, false])
    }

    @Test func `the verdicts are those of one by one on random forgeries`() throws {
        let seed: UInt64 = 16
        var bench = try Bench(count: 40, inputCount: 3, seed: seed)
        for round in 0..<6 {
            let count = Int(bench.generator.next() % 40) + 1
            var items = Array(bench.items.prefix(count))
            for _ in 0..<(bench.generator.next() % 5) {
                let index = Int(bench.generator.next() % UInt64(count))
                items[index] = Bench.spoil(items[index], Int(bench.generator.next() % 5))
            }
            let single = try items.map { item in
                try bench.key.verify(item.proof, inputs: item.inputs)
            }
            let together = try bench.key.verifyTogether(items, factors: &bench.generator)
            #expect(together == single, "seed \(seed), round \(round)")
        }
    }

    @Test func `a wrong number of inputs is an error before anything is verified`() throws {
        var bench = try Bench(count: 2, inputCount: 2, seed: 17)
        let item = bench.items[1]
        let short = PreparedVerifyingKey.Item(item.proof, inputs: [.one])
        #expect(throws: Groth16Error.wrongInputCount(expected: 2, actual: 1)) {
            try bench.key.verifyTogether([bench.items[0], short], factors: &bench.generator)
        }
    }

    @Test func `a proof with B outside the group never gets into a batch`() throws {
        let outsider = try Forge.outsider()
        let bench = try Bench(count: 1, inputCount: 1, seed: 18)
        let proof = bench.items[0].proof
        #expect(throws: Groth16Error.notInSubgroup(.proofB)) {
            try Proof(compressed: proof.a.compressed + outsider.compressed + proof.c.compressed)
        }
    }
}
