// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Figures
import Foundation
import Ledger

/// Signatures of votes by ten keys: with tables of the keys' multiples, eight at a time where the
/// processor can and one after the other, beside libsodium one by one.
struct SignatureBenchmark {
    private let ledger = LedgerID(.ofNothing)
    private let keys: [SigningKey]
    private let votes: [VoteMessage]

    /// Signs `count` votes of ten validators.
    init(count: Int = 20_000) {
        let keys = (1...10).map { number in
            SigningKey(seed: Bytes32([UInt8](repeating: UInt8(number), count: 32)) ?? .zero)
        }
        self.keys = keys
        let ledger = ledger
        votes = (0..<count).map { number in
            VoteMessage(
                request: RequestID(Digest(hashing: Array("request \(number / 10)".utf8))),
                validator: keys[number % 10].publicKey, vote: .approve, reason: .proofHolds,
                timestamp: Time(1_767_225_600_000 + UInt64(number)), signature: .zero
            ).signed(by: keys[number % 10], in: ledger)
        }
    }

    /// One core: all ways by turns on the same votes, a share of them for the slowest.
    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        let checks = votes.flatMap { $0.signatureChecks(in: ledger) ?? [] }
        let lanes = SignatureChecker()
        let portable = SignatureChecker(isPortable: true)
        let (making, _) = timed { lanes.verdicts(checks) }
        note(
            "\(lanes.tableCount) tables of \(SignatureChecker.tableBytes >> 10) KiB; the first"
                + " \(checks.count) signatures took \(Int(making * 1000)) ms with making them")
        if !SignatureChecker.hasLanes {
            note("the processor has no AVX-512 IFMA, or RECOUNT_PORTABLE is set: no lanes")
        }
        _ = portable.verdicts(checks)
        var (singly, alone, together): ([Double], [Double], [Double]) = ([], [], [])
        var (twenties, aloneRatios, ratios): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<runs {
            let share = Array(checks.prefix(checks.count / 5))
            let (seconds, areValid) = timed { share.allSatisfy(\.holds) }
            guard areValid else { fatalError("the benchmark's own signatures do not hold") }
            let slow = Double(share.count) / seconds
            let (middle, fast) = (rate(portable, checks, 2000), rate(lanes, checks, 2000))
            singly.append(slow)
            alone.append(middle)
            together.append(fast)
            twenties.append(rate(lanes, checks, 20))
            aloneRatios.append(middle / slow)
            ratios.append(fast / slow)
        }
        let unit = "signatures/s"
        return [
            Figure("signatures of votes by ten keys, one core", unit: unit, values: together),
            Figure("  beside: without lanes", unit: unit, values: alone),
            Figure("  beside: libsodium one by one", unit: unit, values: singly),
            Figure("  over libsodium", unit: "times", values: ratios),
            Figure("  without lanes over libsodium", unit: "times", values: aloneRatios),
            Figure("  in batches of twenty", unit: unit, values: twenties),
        ]
    }

    /// Signatures a second, in batches.
    private func rate(
        _ checker: SignatureChecker, _ checks: [SignatureCheck], _ size: Int
    ) -> Double {
        let batches = stride(from: 0, to: checks.count, by: size).map { start in
            Array(checks[start..<min(start + size, checks.count)])
        }
        let (seconds, hold) = timed {
            batches.allSatisfy { checker.verdicts($0).allSatisfy(\.self) }
        }
        guard hold else { fatalError("the benchmark's own signatures do not hold") }
        return Double(checks.count) / seconds
    }
}
