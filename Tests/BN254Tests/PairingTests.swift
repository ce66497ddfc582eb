// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

@Suite("Pairing")
struct PairingTests {
    @Test("The pairing is bilinear and not degenerate", arguments: 1...3)
    func bilinear(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let (p, q) = randomPoints(&generator)
        let (p2, q2) = randomPoints(&generator)
        let a = Fr.random(&generator)
        let b = Fr.random(&generator)
        let base = Pairing.product([(p, q)])
        #expect(base != .one, "seed \(seed)")
        let left = p.multipliedVariableTime(by: a)
        let right = q.multipliedVariableTime(by: b)
        #expect(
            Pairing.product([(left, right)])
                == Pairing.product([(p.multipliedVariableTime(by: a * b), q)]), "seed \(seed)")
        #expect(
            Pairing.product([(left, q)]) == Pairing.product([(p, q.multipliedVariableTime(by: a))]))
        #expect(Pairing.product([(p + p2, q)]) == base * Pairing.product([(p2, q)]))
        #expect(Pairing.product([(p, q + q2)]) == base * Pairing.product([(p, q2)]))
        #expect(Pairing.product([(p, q), (p2, q2)]) == base * Pairing.product([(p2, q2)]))
        #expect(Pairing.product([(p, q), (p.negated, q)]) == .one)
        #expect(Pairing.product([(p, q), (p, q.negated)]) == .one)
        #expect(Pairing.product([(p.negated, q)]) == base.conjugate)
    }

    @Test("A pairing with infinity is one, and leaves a product as it is")
    func infinity() {
        var generator = SplitMix64(seed: 4)
        let (p, q) = randomPoints(&generator)
        #expect(Pairing.product([]) == .one)
        #expect(Pairing.product([(.infinity, q)]) == .one)
        #expect(Pairing.product([(p, .infinity)]) == .one)
        #expect(Pairing.product([(.infinity, .infinity)]) == .one)
        #expect(
            Pairing.product([(.infinity, q), (p, q), (p, .infinity)]) == Pairing.product([(p, q)]))
    }

    @Test("The product of many pairings is that of each", arguments: [15, 16, 17, 33])
    func many(count: Int) {
        var generator = SplitMix64(seed: UInt64(count))
        var pairs = (0..<count).map { _ in randomPoints(&generator) }
        // The same point twice, and its negation: the running points meet.
        pairs[1].1 = pairs[0].1
        pairs[2].1 = pairs[0].1.negated
        let expected = pairs.reduce(Fp12.one) { $0 * Pairing.product([$1]) }
        #expect(Pairing.product(pairs) == expected)
        let (p, q) = randomPoints(&generator)
        let table = PreparedG2(q)
        let mixed = Pairing.millerLoop(
            pairs + [(.infinity, q), (p, .infinity)], prepared: [(p.jacobian, table)])
        #expect(Pairing.finalExponentiation(mixed) == expected * Pairing.product([(p, q)]))
    }

    @Test("Prepared lines give the same pairing", arguments: 1...3)
    func prepared(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let (p, q) = randomPoints(&generator)
        let (p2, q2) = randomPoints(&generator)
        let both = Pairing.product([(p, q), (p2, q2)])
        let table = PreparedG2(q)
        let table2 = PreparedG2(q2)
        let fixed = Pairing.millerLoop(
            [], prepared: [(p.jacobian, table), (p2.jacobian, table2)])
        #expect(Pairing.finalExponentiation(fixed) == both, "seed \(seed)")
        let mixed = Pairing.millerLoop([(p, q)], prepared: [(p2.jacobian, table2)])
        #expect(Pairing.finalExponentiation(mixed) == both, "seed \(seed)")
        let empty = Pairing.millerLoop(
            [(p, q), (p2, q2)],
            prepared: [(G1Affine.infinity.jacobian, table), (p.jacobian, PreparedG2(.infinity))])
        #expect(Pairing.finalExponentiation(empty) == both, "seed \(seed)")
        // A point that is not affine goes through the shared inversion.
        let sum = FixedBaseTable([p]).sumVariableTime([Fr(6)], offset: p)
        let scaled = Pairing.finalExponentiation(
            Pairing.millerLoop([], prepared: [(sum, table)]))
        #expect(scaled == Pairing.product([(p.multipliedVariableTime(by: Fr(7)), q)]))
    }

    @Test("The field of the pairing has inverses, and squares that are products")
    func extensionField() {
        var generator = SplitMix64(seed: 6)
        for _ in 0..<5 {
            let (p, q) = randomPoints(&generator)
            let (p2, q2) = randomPoints(&generator)
            let a = Pairing.millerLoop([(p, q)], prepared: [])
            let b = Pairing.millerLoop([(p2, q2)], prepared: [])
            #expect(a * a.inverse == .one)
            #expect(a.squared() == a * a)
            #expect(a * b == b * a && (a * b) * a == a * (b * a))
            #expect((a * b).inverse == a.inverse * b.inverse)
            #expect((a * b).conjugate == a.conjugate * b.conjugate)
        }
    }

    @Test("A pairing has order r")
    func order() {
        let value = Pairing.product([(.generator, .generator)])
        var power = Fp12.one
        for index in stride(from: 255, through: 0, by: -1) {
            power = power.squared()
            if Fr.order.bit(index) { power = power * value }
        }
        #expect(power == .one)
    }
}
