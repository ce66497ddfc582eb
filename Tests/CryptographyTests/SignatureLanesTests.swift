// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CKernels
import CSodium
import Cryptography
import Foundation
import Synchronization
import TestSupport
import Testing

/// Sums of multiples in eight lanes are those without lanes, and those of plain arithmetic.
@Suite(.enabled(if: SignatureChecker.hasLanes, "no AVX-512 IFMA, or RECOUNT_PORTABLE is set"))
struct SignatureLanesTests {
    /// `RECOUNT_CASES`, or a million.
    private static let cases =
        ProcessInfo.processInfo.environment["RECOUNT_CASES"].flatMap { Int($0) } ?? 1_000_000

    /// Random R, S, keys and messages of no to three blocks: all that a verdict rests on.
    @Test(.timeLimit(.minutes(30)))
    func `a million sums of random scalars, with lanes and without`() {
        let keys = (1...10).map { SigningKey(seed: HostileSignatures.value(Self.bytes($0))) }
        let lanes = SignatureChecker(signaturesBeforeTable: 1)
        let portable = SignatureChecker(signaturesBeforeTable: 1, isPortable: true)
        for checker in [lanes, portable] { checker.prepare(keys.map(\.publicKey)) }
        let different = Atomic<Int>(0)
        let compared = Atomic<Int>(0)
        let share = 4000
        DispatchQueue.concurrentPerform(iterations: (Self.cases + share - 1) / share) { number in
            var random = SplitMix64(seed: UInt64(number))
            let checks = (0..<share).map { _ in
                // One scalar in thirty-two is not below l, and so has no sum.
                let words = (0..<8).map { $0 < 7 ? random.next() : random.next() >> 3 }
                var bytes = words.flatMap { word in
                    (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
                }
                if random.next() % 16 > 0 { bytes[63] &= 0x0F }
                let message = [UInt8](
                    repeating: bytes[0], count: Int(truncatingIfNeeded: random.next() % 320))
                return SignatureCheck(
                    key: keys[Int(random.next() % 10)].publicKey, message: message,
                    signature: Signature(bytes) ?? .zero)
            }
            let pairs = Array(zip(lanes.encodings(checks), portable.encodings(checks)))
            let wrong = pairs.count { $0 != $1 }
            different.wrappingAdd(wrong, ordering: .relaxed)
            compared.wrappingAdd(pairs.count { $0.0 != nil }, ordering: .relaxed)
        }
        #expect(different.load(ordering: .relaxed) == 0)
        #expect(compared.load(ordering: .relaxed) > Self.cases / 10 * 9)
    }

    /// Limbs at both ends of what a table may hold, and points that are none.
    @Test func `entries of any limbs add up as plain arithmetic says`() {
        var random = SplitMix64(seed: 51)
        let twice: [UInt64] = [1 << 52 - 38] + [UInt64](repeating: 1 << 52 - 2, count: 4)
        func limb(_ place: Int) -> UInt64 {
            let value: UInt64 =
                switch random.next() % 8 {
                case 0: 0
                case 1: 1
                case 2: 1 << 51 - 1
                case 3: 1 << 51
                case 4: 1 << 51 + 1 << 13
                case 5: 1 << 52 - 1
                default: random.next() >> 12
                }
            // The product is taken from 2p.
            return place < 10 ? value : min(value, twice[place - 10])
        }
        let table = CraftedTable { _ in (0..<15).map(limb) }
        for _ in 0..<100 {
            let scalars = (0..<8).map { _ in Self.scalar(&random) }
            for (scalar, encoding) in zip(scalars, table.encodings(scalars)) {
                var point = ReferencePoint()
                table.add(scalar, to: &point)
                #expect(encoding == point.encoding)
            }
        }
    }

    /// One entry of coordinates that are given: values on both sides of p, in limbs that may be
    /// carried or not, are encoded canonically.
    @Test func `coordinates on both sides of the modulus are encoded by their least value`() {
        let half = ReferenceField(2).inverse
        let edges: [ReferenceField] =
            (0..<20).flatMap { [ReferenceField($0), .zero - ReferenceField($0)] }
            + (0..<255).map { bit in
                ReferenceField(
                    reducing: (0..<4).map { $0 == bit / 64 ? 1 << UInt64(bit % 64) : 0 })
            }
        let entries = edges.enumerated().map { number, y in
            let x = edges[(number * 7 + 3) % edges.count]
            var limbs = ((y + x) * half).limbs + ((y - x) * half).limbs + (x * y).limbs
            if number % 2 == 0 {
                // The same value, a limb moved to the one below.
                for start in [0, 5] where limbs[start + 1] > 0 && limbs[start] < 1 << 51 {
                    limbs[start + 1] -= 1
                    limbs[start] += 1 << 51
                }
            }
            return limbs
        }
        let table = CraftedTable { $0 < entries.count ? entries[$0] : CraftedTable.neutral }
        for start in stride(from: 0, to: edges.count, by: 8) {
            let places = start..<min(start + 8, edges.count)
            let encodings = table.encodings(places.map { [UInt64($0) + 1, 0, 0, 0] })
            for (place, encoding) in zip(places, encodings) {
                let x = edges[(place * 7 + 3) % edges.count]
                #expect(encoding == edges[place].encoding(withSign: x.isOdd), "\(place)")
            }
        }
    }

    /// A table of the generator in every place: each digit adds it, or takes it away.
    @Test func `equal and opposite points are added like others`() {
        let x = ReferenceField(
            hexBigEndian: "216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a")
        let y = ReferenceField(
            hexBigEndian: "6666666666666666666666666666666666666666666666666666666666666658")
        let d = ReferenceField(
            hexBigEndian: "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3")
        let half = ReferenceField(2).inverse
        let entry = ((y + x) * half).limbs + ((y - x) * half).limbs + (d * x * y).limbs
        let table = CraftedTable { _ in entry }
        var random = SplitMix64(seed: 4)
        for number in 0..<64 {
            // Digits of 1, of -1024 + 1 and of none, in a few windows or in many.
            var scalar: [UInt64] = [0, 0, 0, 0]
            var sum = 0
            var carry = 0
            for window in 0..<22 {
                let choice = Int(random.next() % UInt64(number % 3 + 2))
                let digit = [1, 1025, 0, 1][choice]
                let taken = digit + carry
                sum += taken == 0 ? 0 : taken > 1024 ? -1 : 1
                carry = taken > 1024 ? 1 : 0
                for bit in 0..<11 where digit >> bit & 1 == 1 {
                    let place = 11 * window + bit
                    scalar[place / 64] |= 1 << UInt64(place % 64)
                }
            }
            sum += carry
            let bytes = HostileSignatures.base(
                [UInt8(abs(sum))] + [UInt8](repeating: 0, count: 31))
            var words = (0..<4).map { word in
                bytes[8 * word..<8 * word + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            if sum < 0 { words[3] ^= 1 << 63 }
            #expect(table.encodings([scalar]) == [words], "\(sum) times the generator")
        }
    }

    /// Multiples of l and their neighbours, single bits, all ones, and random digests.
    @Test func `digests are reduced as libsodium does`() {
        var random = SplitMix64(seed: 252)
        var digests: [[UInt8]] = []
        let order = HostileSignatures.order + [UInt8](repeating: 0, count: 32)
        let one = [1] + [UInt8](repeating: 0, count: 63)
        let minusOne = [UInt8](repeating: 255, count: 64)
        for shift in 0...259 {
            var multiple = order
            for _ in 0..<shift { multiple = HostileSignatures.plus(multiple, multiple) }
            if shift % 3 > 0 { multiple = HostileSignatures.plus(multiple, order) }
            digests.append(multiple)
            var (above, below) = (multiple, multiple)
            for _ in 0..<3 {
                above = HostileSignatures.plus(above, one)
                below = HostileSignatures.plus(below, minusOne)
                digests += [above, below]
            }
        }
        for bit in 0..<512 {
            var power = [UInt8](repeating: 0, count: 64)
            power[bit / 8] = 1 << UInt8(bit % 8)
            digests += [power, HostileSignatures.plus(power, minusOne), power.map { ~$0 }]
        }
        for _ in 0..<80_000 { digests.append(random.bytes(64)) }
        while digests.count % 8 > 0 { digests.append(minusOne) }
        var wrong = 0
        for start in stride(from: 0, to: digests.count, by: 8) {
            let eight = digests[start..<start + 8].flatMap(\.self)
            var words = [UInt64](repeating: 0, count: 32)
            // SAFETY: eight digests, and room for four words each.
            unsafe recount_scalar25519(eight, &words)
            for lane in 0..<8 {
                let bytes = words[4 * lane..<4 * lane + 4].flatMap { word in
                    (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
                }
                if bytes != HostileSignatures.reduced(digests[start + lane]) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    /// Every number of signatures around those of a group and of a call, and in each place of a
    /// group one that holds while all others fail, and the other way round.
    @Test func `every lane gets its own verdict`() {
        let keys = (1...9).map { SigningKey(seed: HostileSignatures.value(Self.bytes($0))) }
        let checker = SignatureChecker(signaturesBeforeTable: 1)
        func check(_ number: Int, holds: Bool) -> SignatureCheck {
            let message = [UInt8](repeating: UInt8(number & 255), count: number * 37 % 300)
            let key = keys[number % keys.count]
            return SignatureCheck(
                key: key.publicKey, message: holds ? message : message + [1],
                signature: key.sign(message))
        }
        for count in Array(1...25) + [255, 256, 257] {
            for place in count < 255 ? Array(0..<min(count, 17)) : [0, 7, 8, count - 1] {
                for holds in [true, false] {
                    let checks = (0..<count).map { check($0, holds: ($0 == place) == holds) }
                    let expected = (0..<count).map { ($0 == place) == holds }
                    #expect(checker.verdicts(checks) == expected, "\(place) of \(count)")
                }
            }
        }
        #expect(checker.tableCount == keys.count)
    }

    private static func bytes(_ number: Int) -> [UInt8] {
        [UInt8(number)] + [UInt8](repeating: 0, count: 31)
    }

    /// A scalar below l, with digits at both ends of what they may be more often than by chance.
    private static func scalar(_ random: inout SplitMix64) -> [UInt64] {
        var words: [UInt64] = [0, 0, 0, 0]
        for window in 0..<23 {
            let digits: [UInt64] = [0, 1, 1023, 1024, 1025, 2047, random.next() & 2047]
            let digit = digits[Int(random.next() % 7)]
            for bit in 0..<11 where 11 * window + bit < 252 {
                let place = 11 * window + bit
                words[place / 64] |= (digit >> UInt64(bit) & 1) << UInt64(place % 64)
            }
        }
        return words
    }
}
