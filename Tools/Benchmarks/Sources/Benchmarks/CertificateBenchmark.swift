// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Figures
import Foundation
import Ledger

/// Reading and verifying a decision certificate that `recount prove request` made.
struct CertificateBenchmark {
    let path: String

    func measure(runs: Int) throws -> [Figure] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        guard let first = try Certificate(bytes).entry(0) else {
            throw CocoaError(.coderReadCorrupt)
        }
        let policy = try CertificatePolicy(
            quorum: try Quorum("7-of-10"),
            keys: .validators(of: LedgerID(Digest(hashing: first.bytes))))
        var values: [Double] = []
        for _ in 0..<runs {
            let (seconds, isValid) = try timed {
                try (0..<50).allSatisfy { _ in try Certificate(bytes).verify(policy).isValid }
            }
            guard isValid else { fatalError("the certificate \(path) is not valid") }
            values.append(seconds / 50 * 1000)
        }
        return [
            Figure(
                "certificate read and verified, 7 of 10 keys", unit: "ms", values: values,
                note: "\(bytes.count) bytes, one Groth16 proof")
        ]
    }
}
