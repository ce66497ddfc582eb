// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport

/// A key whose secrets are known, so that proofs for any inputs can be made without a circuit.
struct Forge {
    let alpha: Fr
    let beta: Fr
    let gamma: Fr
    let delta: Fr
    let ic: [Fr]
    let key: VerifyingKey

    init(inputCount: Int, _ generator: inout SplitMix64) throws {
        alpha = Forge.scalar(&generator)
        beta = Forge.scalar(&generator)
        gamma = Forge.scalar(&generator)
        delta = Forge.scalar(&generator)
        ic = (0...inputCount).map { _ in Forge.scalar(&generator) }
        key = try VerifyingKey(
            alpha: Forge.g1(alpha), beta: Forge.g2(beta), gamma: Forge.g2(gamma),
            delta: Forge.g2(delta), ic: ic.map(Forge.g1))
    }

    /// A proof for the inputs: C is solved from a b = alpha beta + l gamma + c delta.
    func proof(_ inputs: [Fr], _ generator: inout SplitMix64) -> Proof {
        let a = Forge.scalar(&generator)
        let b = Forge.scalar(&generator)
        var sum = ic[0]
        for (input, point) in zip(inputs, ic.dropFirst()) { sum = sum + input * point }
        let c = (a * b - alpha * beta - sum * gamma) * delta.inverse
        return Proof(a: Forge.g1(a), b: Forge.g2(b), c: Forge.g1(c))
    }

    static func scalar(_ generator: inout SplitMix64) -> Fr {
        Fr(
            reducing: UInt256(
                generator.next(), generator.next(), generator.next(), generator.next()))
    }

    static func g1(_ scalar: Fr) -> G1Affine {
        G1Affine.generator.multipliedVariableTime(by: scalar)
    }

    static func g2(_ scalar: Fr) -> G2Affine {
        G2Affine.generator.multipliedVariableTime(by: scalar)
    }

    /// The bytes of a point of the twist outside the group: compressed, Ethereum, coordinates.
    static func outsider() throws -> (compressed: [UInt8], x: Fp2, y: Fp2) {
        var x = Fp2(c0: .one, c1: .one)
        for _ in 0..<100 {
            let square = x.squared() * x + CurveConstants.twistCoefficient
            if let y = square.squareRoot, (try? G2Affine(x: x, y: y)) == nil {
                return (x.c0.littleEndianBytes + x.c1.littleEndianBytes, x, y)
            }
            x = x + .one
        }
        throw PointError.notInSubgroup  // every point was taken for a member
    }
}
