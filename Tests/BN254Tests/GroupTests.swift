// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

@Suite("Groups")
struct GroupTests {
    @Test("The laws of a group hold in G1 and G2", arguments: 1...3)
    func laws(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let (p1, p2) = randomPoints(&generator)
        let (q1, q2) = randomPoints(&generator)
        let (s1, s2) = randomPoints(&generator)
        #expect((p1 + q1) + s1 == p1 + (q1 + s1) && p1 + q1 == q1 + p1, "seed \(seed)")
        #expect((p2 + q2) + s2 == p2 + (q2 + s2) && p2 + q2 == q2 + p2, "seed \(seed)")
        #expect(p1 + p1.negated == .infinity && p1 + .infinity == p1 && .infinity + p1 == p1)
        #expect(p2 + p2.negated == .infinity && p2 + .infinity == p2 && .infinity + p2 == p2)
        #expect(p1 + p1 == p1.multipliedVariableTime(by: Fr(2)))
        #expect(p2 + p2 == p2.multipliedVariableTime(by: Fr(2)))
        let a = Fr.random(&generator)
        let b = Fr.random(&generator)
        #expect(
            p1.multipliedVariableTime(by: a) + p1.multipliedVariableTime(by: b)
                == p1.multipliedVariableTime(by: a + b), "seed \(seed)")
        #expect(
            p2.multipliedVariableTime(by: a).multipliedVariableTime(by: b)
                == p2.multipliedVariableTime(by: a * b), "seed \(seed)")
    }

    @Test("Both generators have order r")
    func order() throws {
        let g1 = G1Affine.generator
        let g2 = G2Affine.generator
        #expect(try G1Affine(x: g1.x, y: g1.y) == g1)
        #expect(try G2Affine(x: g2.x, y: g2.y) == g2)
        #expect(g1.multipliedVariableTime(by: Fr.order).isInfinity)
        #expect(g1.multipliedVariableTime(by: Fr.one.negated) == g1.negated)
        #expect(g2.multipliedVariableTime(by: Fr.one.negated) == g2.negated)
        #expect(g1.multipliedVariableTime(by: Fr.zero).isInfinity)
        #expect(G1Affine.infinity.multipliedVariableTime(by: Fr(5)).isInfinity)
    }

    @Test("Small multiples agree with repeated addition")
    func smallMultiples() {
        var sum1 = G1Affine.infinity
        var sum2 = G2Affine.infinity
        for count in 0..<40 {
            #expect(G1Affine.generator.multipliedVariableTime(by: Fr(UInt64(count))) == sum1)
            #expect(G2Affine.generator.multipliedVariableTime(by: Fr(UInt64(count))) == sum2)
            sum1 = sum1 + .generator
            sum2 = sum2 + .generator
        }
    }

    @Test("A table of multiples gives the sum of products", arguments: [1, 2, 32, 33])
    func fixedBases(count: Int) {
        var generator = SplitMix64(seed: UInt64(count))
        var points = (0..<count).map { _ in
            G1Affine.generator.multipliedVariableTime(by: Fr.random(&generator))
        }
        points[0] = count == 2 ? .infinity : points[0]
        let table = FixedBaseTable(points)
        let edges: [Fr] =
            [.zero, .one, Fr.one.negated]
            + [7, 8, 9, 31, 32, 33, 63, 64, 65].map { Fr($0 as UInt64) }
        for round in 0..<edges.count + 3 {
            let scalars = (0..<count).map { index in
                let useEdge = round < edges.count && index % 2 == 0
                return useEdge ? edges[round] : Fr.random(&generator)
            }
            var expected = G1Affine.generator
            for (point, scalar) in zip(points, scalars) {
                expected = expected + point.multipliedVariableTime(by: scalar)
            }
            #expect(G1Affine(table.sumVariableTime(scalars, offset: .generator)) == expected)
        }
    }
}

@Suite("Sums of points that are known in advance")
struct FixedBaseSumTests {
    @Test("Equal points, opposite points and infinity are added like all others")
    func degenerate() {
        var generator = SplitMix64(seed: 31)
        let (p, q) = (randomPoints(&generator).0, randomPoints(&generator).0)
        let lists: [[G1Affine]] = [
            [G1Affine](repeating: p, count: 60),
            (0..<60).map { $0 % 2 == 0 ? p : p.negated },
            (0..<61).map { $0 % 2 == 0 ? p : .infinity },
            (0..<61).map { $0 % 4 < 2 ? p : $0 % 4 == 2 ? q : q.negated },
            [G1Affine](repeating: .infinity, count: 50),
            // A sum of a pair that meets its negation in the next round.
            (0..<64).map { [p, q, p.negated, q.negated][$0 % 4] },
        ]
        for (index, points) in lists.enumerated() {
            let table = FixedBaseTable(points)
            let sum = points.reduce(q) { $0 + $1 }
            let ones = [Fr](repeating: .one, count: points.count)
            #expect(G1Affine(table.sumVariableTime(ones, offset: q)) == sum, "list \(index)")
            #expect(
                G1Affine(table.sumVariableTime(ones, offset: .infinity)) == sum + q.negated)
            let many = ones.map { _ in Fr(0x0123_4567_89AB_CDEF) }
            let expected = (sum + q.negated).multipliedVariableTime(by: many[0])
            #expect(
                G1Affine(table.sumVariableTime(many, offset: .infinity)) == expected,
                "list \(index)")
        }
    }
}

@Suite("Forms of points")
struct PointEncodingTests {
    @Test("Each form gives the point back", arguments: 1...3)
    func roundTrips(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<5 {
            let (p, q) = randomPoints(&generator)
            for point in [p, p.negated, .infinity] {
                #expect(try G1Affine(ethereum: point.ethereum) == point)
                #expect(try G1Affine(compressed: point.compressed) == point)
            }
            for point in [q, q.negated, .infinity] {
                #expect(try G2Affine(ethereum: point.ethereum) == point)
                #expect(try G2Affine(compressed: point.compressed) == point)
            }
        }
    }

    @Test("Infinity has one compressed encoding")
    func infinity() {
        for size in [32, 64] {
            let decode = { (bytes: [UInt8]) throws(PointError) -> Bool in
                size == 32
                    ? try G1Affine(compressed: bytes).isInfinity
                    : try G2Affine(compressed: bytes).isInfinity
            }
            var bytes = [UInt8](repeating: 0, count: size)
            bytes[size - 1] = 0x40
            #expect((try? decode(bytes)) == true)
            bytes[size - 1] = 0xC0
            #expect(thrown { () throws(PointError) in _ = try decode(bytes) } == .invalidFlags)
            bytes[size - 1] = 0x41
            #expect(thrown { () throws(PointError) in _ = try decode(bytes) } == .invalidFlags)
            bytes[size - 1] = 0x40
            bytes[3] = 1
            #expect(thrown { () throws(PointError) in _ = try decode(bytes) } == .invalidFlags)
        }
    }

    @Test("Lengths, coordinates, curve and group are checked, in this order")
    func errors() throws {
        let modulus = Fp.order
        let g1 = G1Affine.generator.ethereum
        let g2 = G2Affine.generator.ethereum
        #expect(
            thrown { () throws(PointError) in _ = try G1Affine(ethereum: Array(g1.dropLast())) }
                == .wrongLength(expectedBytes: 64, actualBytes: 63))
        #expect(
            thrown { () throws(PointError) in _ = try G2Affine(ethereum: g2 + [0]) }
                == .wrongLength(expectedBytes: 128, actualBytes: 129))
        #expect(
            thrown { () throws(PointError) in _ = try G1Affine(compressed: [UInt8]()) }
                == .wrongLength(expectedBytes: 32, actualBytes: 0))
        #expect(
            thrown { () throws(PointError) in _ = try G2Affine(compressed: g1 + [0]) }
                == .wrongLength(expectedBytes: 64, actualBytes: 65))
        for (index, coordinate) in [Coordinate.x, .y].enumerated() {
            var bytes = g1
            bytes.replaceSubrange(index * 32..<index * 32 + 32, with: modulus.bigEndianBytes)
            #expect(
                thrown { () throws(PointError) in _ = try G1Affine(ethereum: bytes) }
                    == .notCanonical(coordinate))
        }
        for (index, coordinate) in [Coordinate.x1, .x0, .y1, .y0].enumerated() {
            var bytes = g2
            bytes.replaceSubrange(index * 32..<index * 32 + 32, with: modulus.bigEndianBytes)
            #expect(
                thrown { () throws(PointError) in _ = try G2Affine(ethereum: bytes) }
                    == .notCanonical(coordinate))
        }
        #expect(
            thrown { () throws(PointError) in
                _ = try G1Affine(compressed: modulus.littleEndianBytes)
            } == .notCanonical(.x))
        let zero = [UInt8](repeating: 0, count: 32)
        #expect(
            thrown { () throws(PointError) in
                _ = try G2Affine(compressed: modulus.littleEndianBytes + zero)
            } == .notCanonical(.x0))
        #expect(
            thrown { () throws(PointError) in
                _ = try G2Affine(compressed: zero + modulus.littleEndianBytes)
            } == .notCanonical(.x1))
        var off1 = g1
        off1[63] ^= 1
        #expect(
            thrown { () throws(PointError) in _ = try G1Affine(ethereum: off1) } == .notOnCurve)
        var off2 = g2
        off2[127] ^= 1
        #expect(
            thrown { () throws(PointError) in _ = try G2Affine(ethereum: off2) } == .notOnCurve)
    }

    @Test("Random points of the twist are outside the group, by both forms")
    func outsideTheGroup() throws {
        var generator = SplitMix64(seed: 5)
        var outside = 0
        for _ in 0..<40 {
            let x = Fp2.random(&generator)
            let root = (x.squared() * x + CurveConstants.twistCoefficient).squareRoot
            let compressed = x.c0.littleEndianBytes + x.c1.littleEndianBytes
            guard let y = root else {
                #expect(
                    thrown { () throws(PointError) in _ = try G2Affine(compressed: compressed) }
                        == .notOnCurve)
                continue
            }
            outside += 1
            #expect(
                thrown { () throws(PointError) in _ = try G2Affine(compressed: compressed) }
                    == .notInSubgroup)
            #expect(
                thrown { () throws(PointError) in _ = try G2Affine(x: x, y: y) }
                    == .notInSubgroup)
        }
        #expect(outside > 5)
    }

    @Test("Random bytes are refused or give themselves back")
    func garbage() {
        var generator = SplitMix64(seed: 9)
        for _ in 0..<300 {
            var bytes = generator.bytes(32)
            if let point = try? G1Affine(compressed: bytes) { #expect(point.compressed == bytes) }
            bytes[31] &= 0xBF
            if let point = try? G1Affine(compressed: bytes) { #expect(point.compressed == bytes) }
            _ = try? G1Affine(ethereum: generator.bytes(64))
            _ = try? G2Affine(ethereum: generator.bytes(128))
            _ = try? G2Affine(compressed: generator.bytes(64))
            let length = Int(generator.next() % 300)
            _ = try? G2Affine(compressed: generator.bytes(length))
            _ = try? EthereumPrecompiles.ecAdd(generator.bytes(length))
            _ = try? EthereumPrecompiles.ecMul(generator.bytes(length))
            _ = try? EthereumPrecompiles.pairingCheck(generator.bytes(length))
        }
    }
}
