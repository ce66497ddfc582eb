// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16

/// A key whose secrets are known, and distinct proofs that hold under it, made without a circuit.
///
/// C follows from a b = alpha beta + l gamma + c delta for any A and B, so that the proofs hold by
/// the equation that every verifier computes. Source: Groth 2016, section 3.2, the simulator.
struct ForgedProofs {
    let key: VerifyingKey
    let items: [PreparedVerifyingKey.Item]

    init(count: Int, inputCount: Int, seed: UInt64) throws {
        var random = Random(state: seed)
        let alpha = random.scalar()
        let beta = random.scalar()
        let gamma = random.scalar()
        let delta = random.scalar()
        let points = (0...inputCount).map { _ in random.scalar() }
        key = try VerifyingKey(
            alpha: Self.g1(alpha), beta: Self.g2(beta), gamma: Self.g2(gamma),
            delta: Self.g2(delta), ic: points.map(Self.g1))
        let inverse = delta.inverse
        items = (0..<count).map { _ in
            let inputs = (0..<inputCount).map { _ in random.scalar() }
            let a = random.scalar()
            let b = random.scalar()
            var sum = points[0]
            for (input, point) in zip(inputs, points.dropFirst()) { sum = sum + input * point }
            let c = (a * b - alpha * beta - sum * gamma) * inverse
            return PreparedVerifyingKey.Item(
                Proof(a: Self.g1(a), b: Self.g2(b), c: Self.g1(c)), inputs: inputs)
        }
    }

    private static func g1(_ scalar: Fr) -> G1Affine {
        G1Affine.generator.multipliedVariableTime(by: scalar)
    }

    private static func g2(_ scalar: Fr) -> G2Affine {
        G2Affine.generator.multipliedVariableTime(by: scalar)
    }

    /// Numbers from a seed (SplitMix64, Steele, Lea and Flood 2014).
    private struct Random {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }

        mutating func scalar() -> Fr {
            Fr(reducing: UInt256(next(), next(), next(), next()))
        }
    }
}
