// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

@Suite("Fields")
struct FieldTests {
    /// Checks the laws of a field on the edges and on random elements.
    static func checkAxioms<F: FieldElement>(
        _ edges: [F], seed: UInt64, _ random: (inout SplitMix64) -> F
    ) {
        var generator = SplitMix64(seed: seed)
        let elements = edges + (0..<12).map { _ in random(&generator) }
        for a in elements {
            #expect(a + .zero == a && a * .one == a && a * .zero == .zero, "seed \(seed)")
            #expect(a + a.negated == .zero && a - a == .zero, "seed \(seed)")
            #expect(a.squared() == a * a && a.doubled() == a + a, "seed \(seed)")
            #expect(a.isZero ? a.inverse.isZero : a * a.inverse == .one, "seed \(seed)")
            for b in elements {
                #expect(a + b == b + a && a * b == b * a, "seed \(seed)")
                #expect(a - b == a + b.negated, "seed \(seed)")
                for c in elements {
                    let holds =
                        (a + b) + c == a + (b + c) && (a * b) * c == a * (b * c)
                        && a * (b + c) == a * b + a * c
                    #expect(holds, "seed \(seed)")
                }
            }
        }
        var inverted = elements
        F.invertAll(&inverted)
        #expect(inverted == elements.map(\.inverse))
    }

    @Test("The laws of a field hold in Fp, Fr and Fp2", arguments: 1...4)
    func axioms(seed: UInt64) {
        Self.checkAxioms([Fp.zero, .one, Fp.one.negated, Fp(2).inverse], seed: seed, Fp.random)
        Self.checkAxioms([Fr.zero, .one, Fr.one.negated, Fr(2).inverse], seed: seed, Fr.random)
        let largest = Fp.one.negated
        Self.checkAxioms(
            [
                Fp2.zero, .one, Fp2(c0: .zero, c1: .one), Fp2(c0: largest, c1: largest),
                Fp2(c0: .zero, c1: largest),
            ], seed: seed, Fp2.random)
    }

    @Test("Products agree with long multiplication modulo the order")
    func productsByAdditions() {
        var generator = SplitMix64(seed: 7)
        for _ in 0..<50 {
            let a = Fr.random(&generator)
            let b = Fr.random(&generator)
            var sum = Fr.zero
            for index in stride(from: 255, through: 0, by: -1) {
                sum = sum + sum
                if b.canonical.bit(index) { sum = sum + a }
            }
            #expect(sum == a * b)
        }
        #expect(
            Fp(UInt64.max) * Fp(UInt64.max)
                == Fp(decimal: "340282366920938463426481119284349108225"))
    }

    static func checkNumbers<F: PrimeField>(_ type: F.Type, order text: String) throws {
        #expect(F.order.decimal == text)
        #expect(F(decimal: text) == nil)
        let order = F.order
        #expect(F(canonical: order) == nil)
        #expect(F(littleEndian: order.littleEndianBytes) == nil)
        #expect(F(bigEndian: order.bigEndianBytes) == nil)
        let ones = [UInt8](repeating: 0xFF, count: 32)
        #expect(F(littleEndian: ones) == nil && F(bigEndian: ones) == nil)
        #expect(F(reducing: order) == .zero)
        #expect(F(reducingLittleEndian: order.littleEndianBytes) == .zero)
        for length in [0, 31, 33] {
            let bytes = [UInt8](repeating: 0, count: length)
            #expect(F(littleEndian: bytes) == nil && F(bigEndian: bytes) == nil)
            #expect(F(reducingLittleEndian: bytes) == nil)
            #expect(F(littleEndian: bytes.span) == nil && F(bigEndian: bytes.span) == nil)
        }
        // 2^256 - 1 by repeated doubling, against the reduction.
        var power = F.one
        for _ in 0..<256 { power = power.doubled() }
        #expect(F(reducingLittleEndian: ones) == power - .one)
        var generator = SplitMix64(seed: 11)
        for element in [F.zero, .one, F.one.negated] + (0..<50).map({ _ in F.random(&generator) }) {
            #expect(F(littleEndian: element.littleEndianBytes) == element)
            #expect(F(bigEndian: element.bigEndianBytes) == element)
            #expect(F(littleEndian: element.littleEndianBytes.span) == element)
            #expect(F(bigEndian: element.bigEndianBytes.span) == element)
            #expect(F(decimal: element.decimal) == element)
            #expect(element.littleEndianBytes == element.bigEndianBytes.reversed())
            #expect(element.canonical < F.order)
        }
    }

    @Test("Numbers at and above the order are refused, and all forms agree")
    func numbers() throws {
        try Self.checkNumbers(
            Fp.self,
            order: "21888242871839275222246405745257275088696311157297823662689037894645226208583")
        try Self.checkNumbers(
            Fr.self,
            order: "21888242871839275222246405745257275088548364400416034343698204186575808495617")
        #expect(Fr(258).littleEndianBytes.prefix(3) == [2, 1, 0])
        #expect(Fr(258).bigEndianBytes.suffix(3) == [0, 1, 2])
    }

    @Test(
        "Texts that are no canonical decimal number are refused",
        arguments: [
            "", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "0x1", "1e3", "١", "1\u{301}",
            String(repeating: "9", count: 78), String(repeating: "1", count: 100_000),
        ])
    func badDecimals(text: String) {
        #expect(Fr(decimal: text) == nil)
    }

    @Test("Inverses of small, large and sparse numbers of any length are inverses")
    func inverses() {
        let seed: UInt64 = 5
        var generator = SplitMix64(seed: seed)
        var elements: [Fp] = [.one, .one.negated, .one.doubled().inverse]
        for shift in 0..<254 {
            // Numbers with few bits and few bits missing, as themselves and in Montgomery form.
            var power = UInt256(0, 0, 0, 0)
            switch shift >> 6 {
            case 0: power.limb0 = 1 << UInt64(shift & 63)
            case 1: power.limb1 = 1 << UInt64(shift & 63)
            case 2: power.limb2 = 1 << UInt64(shift & 63)
            default: power.limb3 = 1 << UInt64(shift & 63)
            }
            let single = Fp(reducing: power)
            elements += [single, single - .one, single.negated, single + Fp(generator.next())]
            // 2^-256, which takes the Montgomery form to the number.
            let radix = Fp(reducing: UInt256(0, 0, 0, 1 << 63)).doubled().inverse
            elements += [single * radix, (single - .one) * radix, single.negated * radix]
        }
        for _ in 0..<1000 { elements.append(.random(&generator)) }
        for element in elements where !element.isZero {
            #expect(element * element.inverse == .one, "seed \(seed): \(element.decimal)")
        }
        #expect(Fp.zero.inverse == .zero && Fp2.zero.inverse == .zero)
    }

    @Test("A square has a root and a non-square has none")
    func squareRoots() {
        var generator = SplitMix64(seed: 3)
        var missing = 0
        for _ in 0..<40 {
            let a = Fp.random(&generator)
            let root = a.squared().squareRoot
            #expect(root == a || root == a.negated)
            #expect(a.isLarger != a.negated.isLarger)
            if let found = a.squareRoot { #expect(found.squared() == a) } else { missing += 1 }
            let b = Fp2.random(&generator)
            let root2 = b.squared().squareRoot
            #expect(root2 == b || root2 == b.negated)
            #expect(b.isLarger != b.negated.isLarger)
            if let found = b.squareRoot { #expect(found.squared() == b) } else { missing += 1 }
            for real in [Fp2(c0: a, c1: .zero), Fp2(c0: .zero, c1: a)] {
                let square = real.squared().squareRoot
                #expect(square == real || square == real.negated)
            }
        }
        #expect(missing > 20 && missing < 60)
        #expect(Fp.zero.squareRoot == .zero && Fp2.zero.squareRoot == .zero)
        #expect(Fp.one.negated.squareRoot == nil)
    }
}
