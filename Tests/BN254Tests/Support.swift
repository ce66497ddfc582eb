// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport

extension PrimeField {
    /// A random element.
    static func random(_ generator: inout SplitMix64) -> Self {
        Self(
            reducing: UInt256(
                generator.next(), generator.next(), generator.next(), generator.next()))
    }
}

extension Fp2 {
    /// A random element.
    static func random(_ generator: inout SplitMix64) -> Fp2 {
        Fp2(c0: .random(&generator), c1: .random(&generator))
    }
}

extension FieldElement {
    /// The power, by squaring and multiplying: slow, and independent of the code under test.
    func slowPower(_ exponent: UInt256) -> Self {
        var result = Self.one
        for index in stride(from: 255, through: 0, by: -1) {
            result = result * result
            if exponent.bit(index) { result = result * self }
        }
        return result
    }
}

/// A point of G1 and one of G2, random.
func randomPoints(_ generator: inout SplitMix64) -> (G1Affine, G2Affine) {
    (
        G1Affine.generator.multipliedVariableTime(by: Fr.random(&generator)),
        G2Affine.generator.multipliedVariableTime(by: Fr.random(&generator))
    )
}

/// What `body` threw, or nil.
func thrown(_ body: () throws(PointError) -> Void) -> PointError? {
    do throws(PointError) {
        try body()
        return nil
    } catch {
        return error
    }
}
