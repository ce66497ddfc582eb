// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

/// The kernels beside their twins in Swift; skipped where the processor has none.
@Suite(.enabled(if: Kernels.areThere, "no AVX-512 IFMA, or RECOUNT_PORTABLE is set"))
struct KernelTests {
    /// Elements whose forms, canonical or Montgomery, are at the edges.
    static let edges: [Fp] = {
        let small = [0, 1, 2, 3, 4, 9, 84, 85].map { Fp($0) }
        let all = UInt256(.max, .max, .max, .max)
        let shapes = [
            UInt256(.max, 0, 0, 0), UInt256(0, .max, 0, 0), UInt256(0, 0, .max, 0),
            UInt256(.max, .max, .max, 0), UInt256(0, 0, 0, 1 << 61),
            UInt256((1 << 52) - 1, 0, 0, 0), UInt256(1 << 52, 0, 0, 0), all,
        ].map { Fp(reducing: $0) }
        // Divided by the radix: those whose Montgomery form has the shape.
        let radix = (Fp(reducing: all) + .one).inverse
        let plain = small + small.map(\.negated) + shapes
        return plain + plain.map { $0 * radix }
    }()

    @Test func `progenitors are the powers, for edges, in every lane`() {
        for count in 0...40 {
            let elements = (0..<count).map { Self.edges[($0 + count) % Self.edges.count] }
            var powers = elements
            #expect(Kernels.raiseToProgenitors(&powers))
            #expect(powers == elements.map(\.progenitor), "\(count)")
        }
        var powers = Self.edges
        #expect(Kernels.raiseToProgenitors(&powers))
        #expect(powers == Self.edges.map(\.progenitor))
    }

    @Test func `progenitors are the powers, for 32,000 random elements`() {
        var generator = SplitMix64(seed: 31)
        let elements = (0..<32_000).map { _ in Fp.random(&generator) }
        var powers = elements
        #expect(Kernels.raiseToProgenitors(&powers))
        #expect(powers == elements.map(\.progenitor))
    }

    @Test func `multiples are those by the signed element, for edges and at random`() throws {
        var generator = SplitMix64(seed: 32)
        let base = randomPoints(&generator).0
        var points: [G1Affine] = []
        var scalars: [SplitScalar] = []
        for low in SplitScalarTests.edges {
            for high in SplitScalarTests.edges {
                scalars.append(SplitScalar(low: low, high: high))
                points.append(points.count % 2 == 0 ? base : .generator)
            }
        }
        for _ in 0..<500 {
            scalars.append(SplitScalar(from: &generator))
            points.append(randomPoints(&generator).0)
        }
        let expected = zip(points, scalars).map {
            $0.multipliedVariableTime(by: $1.signedElement)
        }
        let multiples = try #require(Kernels.multiples(points, scalars))
        #expect(G1Affine.normalize(multiples) == expected)
        for count in 0..<20 {
            let some = try #require(
                Kernels.multiples(Array(points.suffix(count)), Array(scalars.suffix(count))))
            #expect(G1Affine.normalize(some) == expected.suffix(count), "\(count)")
        }
    }

    @Test func `sums are those of the multiples, or nothing where points coincide`() throws {
        var generator = SplitMix64(seed: 33)
        let points = (0..<300).map { _ in randomPoints(&generator).0 }
        let scalars = points.map { _ in SplitScalar(from: &generator) }
        var expected = G1Affine.infinity
        for count in 0...points.count {
            if count < 20 || [127, 128, 129, 257, 300].contains(count) {
                let sum = try #require(
                    Kernels.sum(Array(points.prefix(count)), Array(scalars.prefix(count))))
                #expect(G1Affine(sum) == expected, "\(count)")
            }
            guard count < points.count else { break }
            expected =
                expected
                + points[count].multipliedVariableTime(by: scalars[count].signedElement)
        }
        let same = [G1Affine](repeating: points[0], count: 9)
        let equal = [SplitScalar](repeating: scalars[0], count: 9)
        let nine = points[0].multipliedVariableTime(by: scalars[0].signedElement * Fr(9))
        #expect(try G1Affine(#require(Kernels.sum(same, equal))) == nine)
        // The first lane comes to infinity on its way.
        let opposite = Array(repeating: points[0], count: 8) + [points[0].negated]
        #expect(Kernels.sum(opposite, equal) == nil)
    }

    @Test func `sums of points are those in Swift, or nothing where points coincide`() throws {
        var generator = SplitMix64(seed: 39)
        let points = (0..<300).map { _ in randomPoints(&generator).0 }
        var expected = G1Affine.infinity
        for count in 0...points.count {
            let sum = try #require(Kernels.sum(Array(points.prefix(count))))
            #expect(G1Affine(sum) == expected, "\(count)")
            if count < points.count { expected = expected + points[count] }
        }
        for other in [points[0], points[0].negated] {
            #expect(Kernels.sum(points.prefix(8) + [other]) == nil)
            #expect(Kernels.sum(points.prefix(9) + [other]) != nil)
        }
    }

    @Test func `Miller loops are those of one pair each, up to what the power takes to one`() {
        var generator = SplitMix64(seed: 34)
        let pairs = (0..<130).map { _ in randomPoints(&generator) }
        var expected = Fp12.one
        for (index, pair) in pairs.enumerated() {
            expected = expected * Pairing.portableMillerLoop([pair])
            let count = index + 1
            guard count < 18 || [64, 67, 128, 129, 130].contains(count) else { continue }
            let used = pairs.prefix(count)
            let loops = Kernels.millerLoops(used.map(\.0), used.map { TwistPoint($0.1) })
            #expect(loops?.areMembers == [Bool](repeating: true, count: count))
            let product = loops?.products.reduce(.one, *) ?? .one
            #expect(
                Pairing.finalExponentiation(product) == Pairing.finalExponentiation(expected),
                "\(count)")
        }
    }

    @Test func `few pairs, some with known lines, give the pairings in Swift`() {
        var generator = SplitMix64(seed: 38)
        for moving in 0...5 {
            for fixed in 0...5 {
                let pairs = (0..<moving).map { _ in randomPoints(&generator) }
                let others = (0..<fixed).map { _ in randomPoints(&generator) }
                let product = Pairing.millerLoop(
                    pairs, prepared: others.map { ($0.0.jacobian, PreparedG2($0.1)) })
                let expected = Pairing.portableMillerLoop(pairs + others)
                #expect(
                    Pairing.finalExponentiation(product) == Pairing.finalExponentiation(expected),
                    "\(moving) and \(fixed)")
            }
        }
        for round in 0..<300 {
            let pair = randomPoints(&generator)
            let product = Pairing.millerLoop([pair], prepared: [])
            let expected = Pairing.portableMillerLoop([pair])
            #expect(
                Pairing.finalExponentiation(product) == Pairing.finalExponentiation(expected),
                "round \(round)")
        }
    }

    @Test func `the hard part of the final exponentiation is that in Swift`() {
        var generator = SplitMix64(seed: 37)
        #expect(Kernels.hardPart(.one) == .one)
        for round in 0..<200 {
            let value = Pairing.portableMillerLoop([randomPoints(&generator)])
            let base = Pairing.easyPart(value)
            #expect(Kernels.hardPart(base) == Pairing.hardPart(base), "round \(round)")
        }
    }

    @Test func `the loop tells points of the twist outside the group in any lane`() throws {
        var generator = SplitMix64(seed: 35)
        for round in 0..<40 {
            var points: [TwistPoint] = []
            for _ in 0..<11 {
                let isInside = generator.next() & 1 == 0
                points.append(
                    isInside
                        ? TwistPoint(randomPoints(&generator).1) : Twist.random(&generator).point)
            }
            let first = points.map { _ in randomPoints(&generator).0 }
            let loops = try #require(Kernels.millerLoops(first, points))
            #expect(loops.areMembers == points.map(\.isMember), "round \(round)")
            #expect(points.map(Kernels.isMember) == points.map(\.isMember), "round \(round)")
            for (first, second) in zip(first, points) {
                let loop = Pairing.inLanes([(first, second)], prepared: [])
                #expect(loop?.areMembers == [second.isMember], "round \(round)")
            }
        }
    }

    @Test func `points of small order, and sums with them, are outside`() throws {
        var generator = SplitMix64(seed: 36)
        for order in Twist.smallOrders {
            var element = Twist.random(&generator)
            for other in Twist.smallOrders where other != order {
                element = element.times(UInt256(other, 0, 0, 0))
            }
            element = element.times(Twist.largeOrder).times(Fr.order)
            try #require(!element.isInfinity)
            #expect(element.times(UInt256(order, 0, 0, 0)).isInfinity)
            let member = randomPoints(&generator).1
            let points = [
                element.point, TwistPoint(member), (element + Twist(member)).point,
                (element + element).point,
            ]
            let first = points.map { _ in randomPoints(&generator).0 }
            let loops = try #require(Kernels.millerLoops(first, points))
            #expect(loops.areMembers == [false, true, false, false], "order \(order)")
            #expect(points.map(\.isMember) == loops.areMembers)
            #expect(points.map(Kernels.isMember) == loops.areMembers)
            let few = Pairing.inLanes(Array(zip(first, points)), prepared: [])
            #expect(few?.areMembers == loops.areMembers, "order \(order)")
        }
    }
}

/// A point of the twist with the slow arithmetic of the definition, infinity being nil.
struct Twist {
    private let affine: (x: Fp2, y: Fp2)?

    /// The order of the twist over the order of the group is the product of these and a prime.
    static let smallOrders: [UInt64] = [10069, 5_864_401, 1_875_725_156_269]
    static let largeOrder =
        UInt256(
            decimal: "197620364512881247228717050342013327560683201906968909") ?? .zero

    init(_ point: G2Affine) { affine = (point.x, point.y) }

    private init(_ affine: (x: Fp2, y: Fp2)?) { self.affine = affine }

    /// A random point, which is outside the group but with a chance of 2^-254.
    static func random(_ generator: inout SplitMix64) -> Twist {
        while true {
            let x = Fp2.random(&generator)
            let square = x.squared() * x + CurveConstants.twistCoefficient
            if let y = square.squareRoot {
                return Twist((x, generator.next() & 1 == 0 ? y : y.negated))
            }
        }
    }

    var isInfinity: Bool { affine == nil }

    /// The point, which must not be infinity.
    var point: TwistPoint {
        guard let affine, let point = TwistPoint(x: affine.x, y: affine.y) else {
            fatalError("infinity, or off the curve")
        }
        return point
    }

    static func + (left: Twist, right: Twist) -> Twist {
        guard let (x, y) = left.affine else { return right }
        guard let (otherX, otherY) = right.affine else { return left }
        let slope: Fp2
        if x == otherX {
            if y != otherY || y.isZero { return Twist(nil) }
            let square = x.squared()
            slope = (square.doubled() + square) * y.doubled().inverse
        } else {
            slope = (otherY - y) * (otherX - x).inverse
        }
        let newX = slope.squared() - x - otherX
        return Twist((newX, slope * (x - newX) - y))
    }

    func times(_ scalar: UInt256) -> Twist {
        var result = Twist(nil)
        for index in stride(from: 255, through: 0, by: -1) {
            result = result + result
            if scalar.bit(index) { result = result + self }
        }
        return result
    }
}
