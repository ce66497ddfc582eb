// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Synchronization
import TestSupport
import Testing

/// The tables give the verdict of libsodium, whatever is put before them: with lanes, where the
/// processor has them, and without.
@Suite struct SignatureCheckerTests {
    private typealias Kind = HostileSignatures.Kind

    /// `RECOUNT_CASES`, or so many as take seconds.
    private static let cases =
        ProcessInfo.processInfo.environment["RECOUNT_CASES"].flatMap { Int($0) } ?? 24_000

    /// `RECOUNT_SEED`, or one of the clock.
    private static let seed =
        ProcessInfo.processInfo.environment["RECOUNT_SEED"].flatMap { UInt64($0) }
        ?? UInt64(Date().timeIntervalSince1970 * 1000)

    @Test func hostileSignaturesGetTheVerdictOfLibsodium() {
        let seed = Self.seed
        var hostile = HostileSignatures(seed: seed)
        let checkers = [false, true].map {
            SignatureChecker(signaturesBeforeTable: 1, isPortable: $0)
        }
        var accepted = [Int](repeating: 0, count: Kind.allCases.count)
        var refused = accepted
        var left = Self.cases
        while left > 0 {
            let chunk = (0..<min(left, 1000)).map { _ in hostile.next() }
            left -= chunk.count
            let verdicts = checkers.map { $0.verdicts(chunk.map(\.check)) }
            for (place, (kind, check)) in chunk.enumerated() {
                let expected = check.key.verifies(check.signature, of: check.message)
                let found = verdicts.map { $0[place] }
                if found != [expected, expected] {
                    Issue.record(
                        """
                        \(kind): tables \(found), libsodium \(expected), key \(check.key.hex), \
                        message \(check.message.hex), signature \(check.signature.hex); \
                        RECOUNT_SEED=\(seed) RECOUNT_CASES=\(Self.cases)
                        """)
                    return
                }
                if expected { accepted[kind.rawValue] += 1 } else { refused[kind.rawValue] += 1 }
            }
        }
        print("seed \(seed): \(Self.cases) cases, \(accepted.reduce(0, +)) accepted")
        for checker in checkers { #expect(checker.tableCount == hostile.signers.count) }
        // What must have come about, or the cases are not those that they are said to be.
        let mustHold: Set<Kind> = [.genuine, .smallKey]
        let mayHold = mustHold.union([.otherKey, .otherMessage, .topBitsOfScalar])
        for kind in Kind.allCases where Self.cases >= 10_000 {
            let count = accepted[kind.rawValue]
            if !mayHold.contains(kind) { #expect(count == 0, "\(kind)") }
            if !mustHold.contains(kind) { #expect(refused[kind.rawValue] > 0, "\(kind)") }
            if mustHold.contains(kind) {
                #expect(count > 0 && refused[kind.rawValue] == 0, "\(kind)")
            }
        }
    }

    @Test(arguments: [false, true])
    func scalarsOnBothSidesOfTheOrderAndOfPowersOfTwoGetTheVerdictOfLibsodium(isPortable: Bool) {
        let hostile = HostileSignatures(seed: 9)
        let checker = SignatureChecker(signaturesBeforeTable: 1, isPortable: isPortable)
        let one = [1] + [UInt8](repeating: 0, count: 31)
        let minusOne = [UInt8](repeating: 255, count: 32)
        var scalars = [HostileSignatures.zero, HostileSignatures.order]
        for bit in 0..<256 {
            var power = HostileSignatures.zero
            power[bit / 8] = 1 << UInt8(bit % 8)
            let negated = HostileSignatures.plus(power.map { ~$0 }, one)
            scalars += [
                power, HostileSignatures.plus(power, minusOne),
                HostileSignatures.plus(HostileSignatures.order, power),
                HostileSignatures.plus(HostileSignatures.order, negated),
            ]
        }
        let checks = scalars.enumerated().map { number, scalar in
            let r = HostileSignatures.base(
                HostileSignatures.reduced([UInt8](repeating: UInt8(number & 127) + 1, count: 64)))
            return SignatureCheck(
                key: hostile.signers[number % hostile.signers.count].key, message: [7],
                signature: Signature(r + scalar) ?? .zero)
        }
        for (check, verdict) in zip(checks, checker.verdicts(checks)) {
            #expect(verdict == check.key.verifies(check.signature, of: check.message))
        }
        #expect(checker.tableCount == hostile.signers.count)
    }

    @Test(arguments: [false, true])
    func thirdPartyVectorsGetTheVerdictOfLibsodium(isPortable: Bool) throws {
        let checks = try VectorSignatures.all()
        guard !checks.isEmpty else { return }
        #expect(checks.count > 270)
        // With tables at once, never, and for some keys only.
        for checker in [
            SignatureChecker(
                tablesMax: 1000, signaturesBeforeTable: 1, isPortable: isPortable),
            SignatureChecker(
                tablesMax: 0, signaturesBeforeTable: 1, isPortable: isPortable),
            SignatureChecker(
                tablesMax: 3, signaturesBeforeTable: 2, isPortable: isPortable),
        ] {
            for _ in 0..<2 {
                for (check, verdict) in zip(checks, checker.verdicts(checks)) {
                    #expect(
                        verdict == check.key.verifies(check.signature, of: check.message),
                        "key \(check.key.hex), signature \(check.signature.hex)")
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func keysThatAreNotValidNeverGetATable(isPortable: Bool) {
        let checker = SignatureChecker(signaturesBeforeTable: 1, isPortable: isPortable)
        let point = SigningKey(seed: .zero).publicKey.bytes
        var hexes = HostileSignatures.smallOrder
        // A point with a part of small order, y beyond p, and no point.
        hexes.append(HostileSignatures.sum(point, HostileSignatures.smallOrder[1]))
        hexes.append([0xEE] + [UInt8](repeating: 0xFF, count: 30) + [0x7F])
        hexes.append([2] + [UInt8](repeating: 0, count: 31))
        let checks = hexes.flatMap { key in
            HostileSignatures.smallOrder.map { r in
                SignatureCheck(
                    key: PublicKey(HostileSignatures.value(key)), message: [1],
                    signature: Signature(r + HostileSignatures.zero) ?? .zero)
            }
        }
        for _ in 0..<3 {
            for (check, verdict) in zip(checks, checker.verdicts(checks)) {
                #expect(!check.key.isValid)
                #expect(verdict == check.key.verifies(check.signature, of: check.message))
            }
        }
        #expect(checker.tableCount == 0)
    }

    @Test(arguments: [false, true])
    func tablesAreMadeForKeysThatSignOftenUpToTheirNumber(isPortable: Bool) {
        let keys = (1...4).map { SigningKey(seed: HostileSignatures.value(Self.seed($0))) }
        let checker = SignatureChecker(
            tablesMax: 2, signaturesBeforeTable: 10, isPortable: isPortable)
        func check(_ number: Int, _ count: Int) -> Bool {
            let checks = (0..<count).map { place in
                let message = [UInt8(place)]
                return SignatureCheck(
                    key: keys[number].publicKey, message: message,
                    signature: keys[number].sign(message))
            }
            return checker.verdicts(checks) == checks.map { _ in true }
        }
        #expect(checker.verdicts([]).isEmpty)
        #expect(check(0, 9))
        #expect(checker.tableCount == 0)
        #expect(check(0, 1))
        #expect(checker.tableCount == 1)
        for number in 0..<4 { #expect(check(number, 65)) }
        #expect(checker.tableCount == 2)
        for count in [1, 63, 64, 65, 128, 129] { #expect(check(0, count)) }
    }

    @Test func tablesAreThereBeforeTheFirstSignature() {
        let checker = SignatureChecker(tablesMax: 2, signaturesBeforeTable: 10)
        let keys = (1...3).map { SigningKey(seed: HostileSignatures.value(Self.seed($0))) }
        let invalid = PublicKey(HostileSignatures.value(HostileSignatures.smallOrder[1]))
        checker.prepare([keys[0].publicKey, invalid])
        checker.prepare([keys[0].publicKey])
        #expect(checker.tableCount == 1)
        checker.prepare(keys.map(\.publicKey))
        #expect(checker.tableCount == 2)
        let checks = keys.map {
            SignatureCheck(key: $0.publicKey, message: [7], signature: $0.sign([7]))
        }
        #expect(checker.verdicts(checks) == [true, true, true])
    }

    @Test(arguments: [false, true])
    func manyThreadsShareTheTables(isPortable: Bool) {
        let checker = SignatureChecker(
            tablesMax: 5, signaturesBeforeTable: 20, isPortable: isPortable)
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 16) { number in
            var hostile = HostileSignatures(seed: 77)
            for _ in 0..<(number * 10) { _ = hostile.next() }
            let checks = (0..<150).map { _ in hostile.next().check }
            for (check, verdict) in zip(checks, checker.verdicts(checks))
            where verdict != check.key.verifies(check.signature, of: check.message) {
                wrong.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(checker.tableCount == 5)
    }

    private static func seed(_ number: Int) -> [UInt8] {
        [UInt8(number)] + [UInt8](repeating: 0, count: 31)
    }
}
