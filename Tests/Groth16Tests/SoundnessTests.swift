// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16
import TestSupport
import Testing

/// Scalars of a key, as the setup of a ceremony knows them.
private struct Setup {
    var alpha = Fr(11)
    var beta = Fr(13)
    var gamma = Fr(17)
    var delta = Fr(19)
    var ic = [Fr(23), Fr(29), Fr(31), Fr(37)]

    func key() throws -> VerifyingKey {
        try VerifyingKey(
            alpha: Forge.g1(alpha), beta: Forge.g2(beta), gamma: Forge.g2(gamma),
            delta: Forge.g2(delta), ic: ic.map { $0 == .zero ? .infinity : Forge.g1($0) })
    }
}

@Suite("Verifying keys that prove nothing")
struct SoundnessTests {
    private static let zeros = [Fr](repeating: .zero, count: 3)

    /// What a forger computes from a key alone.
    private static func sum(_ key: VerifyingKey, _ inputs: [Fr]) -> G1Affine {
        zip(key.ic.dropFirst(), inputs).reduce(key.ic[0]) { sum, term in
            sum + term.0.multipliedVariableTime(by: term.1)
        }
    }

    private func fault(
        _ isBound: [Bool] = [true, true, true], _ change: (inout Setup) -> Void
    ) throws -> VerifyingKeyFault? {
        var setup = Setup()
        change(&setup)
        return try setup.key().soundnessFault(isBound: isBound)
    }

    @Test("a key of an honest setup has no fault, nor has one whose gamma is the generator")
    func honest() throws {
        #expect(try fault { _ in } == nil)
        #expect(try fault { $0.gamma = .one } == nil)
        #expect(try fault([true, false, true]) { $0.ic[2] = .zero } == nil)
        var generator = SplitMix64(seed: 71)
        for count in [0, 1, 64] {
            let key = try Forge(inputCount: count, &generator).key
            #expect(key.soundnessFault(isBound: [Bool](repeating: true, count: count)) == nil)
        }
        for item in vectors where Vectors.has(item) {
            let key = try VerifyingKey(
                snarkjs: try Vectors.json("\(item)", as: SnarkjsVerifyingKey.self))
            let bound = [Bool](repeating: true, count: key.publicInputCount)
            // One of them comes from a setup that stopped before its second phase.
            let isUnfinished = item.contains("garaga_snarkjs_1pub")
            #expect(
                key.soundnessFault(isBound: bound) == (isUnfinished ? .gammaIsDelta : nil),
                "\(item)")
        }
    }

    private let vectors =
        (snarkjsNames.map { "groth16/snarkjs/\($0)" } + ["groth16/paraloom"])
        .map { "\($0)/verification_key.json" }

    @Test("each fault is found, with either sign, in the stated order")
    func faults() throws {
        #expect(try fault { $0.gamma = $0.delta } == .gammaIsDelta)
        #expect(try fault { $0.gamma = $0.delta.negated } == .gammaIsDelta)
        #expect(
            try fault {
                $0.gamma = .one; $0.delta = .one
            } == .gammaIsDelta)
        #expect(try fault { $0.gamma = $0.beta } == .gammaIsBeta)
        #expect(try fault { $0.gamma = $0.beta.negated } == .gammaIsBeta)
        #expect(try fault { $0.delta = $0.beta } == .deltaIsBeta)
        #expect(try fault { $0.delta = $0.beta.negated } == .deltaIsBeta)
        #expect(try fault { $0.delta = .one } == .deltaIsGenerator)
        #expect(try fault { $0.delta = Fr.one.negated } == .deltaIsGenerator)
        #expect(try fault { $0.alpha = .one } == .secretIsKnown(.alpha))
        #expect(try fault { $0.beta = Fr.one.negated } == .secretIsKnown(.beta))
        #expect(try fault { $0.ic[0] = .zero } == .constantIsInfinity)
        #expect(try fault { $0.ic[0] = $0.alpha } == .constantIsAlpha)
        #expect(try fault { $0.ic[0] = $0.alpha.negated } == .constantIsAlpha)
        #expect(try fault { $0.ic[1] = .zero } == .inputIsInfinity(input: 0))
        #expect(try fault { $0.ic[3] = .zero } == .inputIsInfinity(input: 2))
        #expect(try fault { $0.ic[2] = $0.ic[0] } == .inputIsConstant(input: 1))
        #expect(try fault { $0.ic[2] = $0.ic[0].negated } == .inputIsConstant(input: 1))
        #expect(try fault { $0.ic[3] = $0.ic[1] } == .inputsShareAPoint(first: 0, second: 2))
        #expect(
            try fault { $0.ic[3] = $0.ic[1].negated } == .inputsShareAPoint(first: 0, second: 2))
        let free = try fault([true, false, false]) { $0.ic[3] = $0.ic[1] }
        #expect(free == .inputsShareAPoint(first: 0, second: 2))
    }

    @Test("with each of these keys a proof is forged from the key alone")
    func forgeries() throws {
        let inputs = [Fr(5), Fr(6), Fr(7)]
        func check(
            _ inputs: [Fr], _ change: (inout Setup) -> Void,
            _ forge: (VerifyingKey, G1Affine) -> Proof
        ) throws {
            var setup = Setup()
            change(&setup)
            let key = try setup.key()
            let proof = forge(key, Self.sum(key, inputs))
            #expect(try key.verifyOnce(proof, inputs: inputs))
            #expect(key.soundnessFault(isBound: [true, true, true]) != nil)
        }
        try check(inputs, { $0.gamma = $0.delta }) { key, sum in
            Proof(a: key.alpha, b: key.beta, c: sum.negated)
        }
        try check(inputs, { $0.gamma = $0.delta.negated }) { key, sum in
            Proof(a: key.alpha, b: key.beta, c: sum)
        }
        try check(inputs, { $0.gamma = $0.beta }) { key, sum in
            Proof(a: key.alpha + sum, b: key.beta, c: .infinity)
        }
        try check(inputs, { $0.delta = $0.beta }) { key, sum in
            Proof(a: sum, b: key.gamma, c: key.alpha.negated)
        }
        try check(Self.zeros, { $0.ic[0] = .zero }) { key, _ in
            Proof(a: key.alpha, b: key.beta, c: .infinity)
        }
        try check(Self.zeros, { $0.ic[0] = $0.alpha }) { key, _ in
            Proof(a: key.alpha, b: key.beta + key.gamma, c: .infinity)
        }
        try check([.zero, Fr.one.negated, .zero], { $0.ic[2] = $0.ic[0] }) { key, _ in
            Proof(a: key.alpha, b: key.beta, c: .infinity)
        }
    }

    @Test("a proof of others is turned to other inputs where a point is missing or shared")
    func turned() throws {
        func turned(_ inputs: [Fr], to others: [Fr], _ change: (inout Setup) -> Void) throws {
            var setup = Setup()
            change(&setup)
            let key = try setup.key()
            let sum = zip(setup.ic.dropFirst(), inputs).reduce(setup.ic[0]) { $0 + $1.0 * $1.1 }
            let (a, b) = (Fr(41), Fr(43))
            let c =
                (a * b - setup.alpha * setup.beta - sum * setup.gamma) * setup.delta.inverse
            let proof = Proof(a: Forge.g1(a), b: Forge.g2(b), c: Forge.g1(c))
            #expect(try key.verifyOnce(proof, inputs: inputs))
            #expect(try key.verifyOnce(proof, inputs: others))
            #expect(key.soundnessFault(isBound: [true, true, true]) != nil)
        }
        let inputs = [Fr(5), Fr(6), Fr(7)]
        try turned(inputs, to: [Fr(5), Fr(99), Fr(7)]) { $0.ic[2] = .zero }
        try turned(inputs, to: [Fr(4), Fr(6), Fr(8)]) { $0.ic[3] = $0.ic[1] }
    }

    @Test(
        "the key of the case whose gamma is delta is refused",
        .enabled(if: Vectors.hasCase("gamma-is-delta/key.json"), "no gamma-is-delta"))
    func gammaIsDelta() throws {
        let url = URL(fileURLWithPath: Vectors.casePath("gamma-is-delta/key.json"))
        let key = try VerifyingKey(
            snarkjs: try JSONDecoder().decode(
                SnarkjsVerifyingKey.self, from: Data(contentsOf: url)))
        #expect(key.soundnessFault(isBound: [true, true, true, true]) == .gammaIsDelta)
    }
}
