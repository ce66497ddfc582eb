// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

@Suite struct SplitScalarTests {
    /// Halves at the edges of the signed digits of four and five bits, and of 64 bits.
    static let edges: [UInt64] = [
        0, 1, 8, 9, 15, 16, 17, .max, .max - 1, 1 << 63, 0x8888_8888_8888_8888,
        0x9999_9999_9999_9999, 0x7777_7777_7777_7777, 0x8421_0842_1084_2108,
    ]

    @Test func `lambda is the cube root of one that goes with the change of x`() {
        let lambda = CurveConstants.lambda
        #expect(lambda * lambda + lambda + .one == .zero)
        let turned = G1Affine.generator.multipliedVariableTime(by: lambda)
        #expect(turned.x == G1Affine.generator.x * CurveConstants.frobeniusTwice2)
        #expect(turned.y == G1Affine.generator.y)
        let u = Fr(CurveConstants.parameter)
        #expect(lambda == (((Fr(36) * u + Fr(18)) * u + Fr(6)) * u + Fr(2)).negated)
    }

    @Test func `a point times two halves is the point times the scalar`() {
        var generator = SplitMix64(seed: 21)
        let point = randomPoints(&generator).0
        for low in Self.edges {
            let high = Self.edges[Int(generator.next() % UInt64(Self.edges.count))]
            for (low, high) in [(low, high), (high, low), (low, 0), (0, low)] {
                let scalar = SplitScalar(low: low, high: high)
                #expect(
                    G1Affine(point.multipliedVariableTime(by: scalar))
                        == point.multipliedVariableTime(by: scalar.element), "\(low) \(high)")
            }
        }
        let scalar = SplitScalar(from: &generator)
        #expect(G1Affine.infinity.multipliedVariableTime(by: scalar).isInfinity)
    }

    @Test func `a sum by buckets is the sum of the products`() {
        var generator = SplitMix64(seed: 22)
        for count in [0, 1, 2, 11, 12, 64] {
            var points: [G1Affine] = []
            var scalars: [SplitScalar] = []
            var expected = G1Affine.infinity
            for index in 0..<count {
                let point =
                    index % 7 == 3
                    ? G1Affine.infinity
                    : index % 7 == 5 ? points[index - 1] : randomPoints(&generator).0
                let edge = Self.edges[index % Self.edges.count]
                let scalar =
                    index % 3 == 0
                    ? SplitScalar(low: edge, high: generator.next())
                    : index % 7 == 5 ? scalars[index - 1] : SplitScalar(from: &generator)
                points.append(point)
                scalars.append(scalar)
                expected = expected + point.multipliedVariableTime(by: scalar.element)
            }
            #expect(G1Affine(G1Affine.sumVariableTime(points, scalars)) == expected, "\(count)")
        }
    }

    @Test func `points come to affine coordinates together, infinity too`() {
        var generator = SplitMix64(seed: 23)
        let points = (0..<5).map { index in
            index == 2
                ? G1Affine.infinity.jacobian
                : randomPoints(&generator).0.multipliedVariableTime(
                    by: SplitScalar(from: &generator))
        }
        #expect(G1Affine.normalize(points) == points.map { G1Affine($0) })
    }
}
