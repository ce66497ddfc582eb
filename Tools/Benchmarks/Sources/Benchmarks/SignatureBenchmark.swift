// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger

/// Signatures of votes by ten keys: libsodium one by one beside tables of the keys' multiples.
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

    /// One core: both ways by turns on the same votes, a share of them for the slower.
    func measure(runs: Int, _ note: (String) -> Void) throws -> [Measurement] {
        let checks = votes.flatMap { $0.signatureChecks(in: ledger) ?? [] }
        let checker = SignatureChecker()
        let (making, _) = timed { checker.verdicts(checks) }
        note(
            "\(checker.tableCount) tables of \(SignatureChecker.tableBytes >> 10) KiB; the first"
                + " \(checks.count) signatures took \(Int(making * 1000)) ms with making them")
        var singly: [Double] = []
        var together: [Double] = []
        var ratios: [Double] = []
        for _ in 0..<runs {
            let share = checks.prefix(checks.count / 5)
            let (slow, areValid) = timed { share.allSatisfy(\.holds) }
            let (fast, verdicts) = timed {
                stride(from: 0, to: checks.count, by: 2000).map { start in
                    checker.verdicts(Array(checks[start..<min(start + 2000, checks.count)]))
                }
            }
            guard areValid, verdicts.allSatisfy({ $0.allSatisfy(\.self) }) else {
                fatalError("the benchmark's own signatures do not hold")
            }
            singly.append(Double(share.count) / slow)
            together.append(Double(checks.count) / fast)
            ratios.append(Double(checks.count) / fast * slow / Double(share.count))
        }
        return [
            Measurement(
                "signatures of votes by ten keys, tables, one core", unit: "signatures/s",
                values: together),
            Measurement(
                "  beside: libsodium one by one", unit: "signatures/s", values: singly),
            Measurement("  tables over libsodium", unit: "times", values: ratios),
        ]
    }
}
