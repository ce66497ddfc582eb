// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Figures

/// Products of the base field with nothing around them, and what as many as a task needs would
/// take: the least time that the arithmetic leaves.
struct BareProducts {
    let measurement: Figure

    /// By powers of (p - 3) / 4, 252 squarings and 73 products, eight at once where that is there.
    init(runs: Int) {
        let elements = (0..<1_024).map { Fp(UInt64($0)) }
        let productCount = Double(elements.count * 325)
        let values = (0..<runs).map { _ in
            let (seconds, powers) = timed { Fp.progenitors(of: elements) }
            precondition(powers.count == elements.count)
            return seconds * 1e9 / productCount
        }
        measurement = Figure("BN254, a bare product of the field", unit: "ns", values: values)
    }

    /// What `count` products take. The counts are those of the formulas, each product with its own
    /// reduction: what is reduced together, or a square, takes less.
    func limit(_ task: String, count: Int) -> Figure {
        Figure(
            "  limit: \(count) bare products for \(task)", unit: "ms",
            values: [measurement.median * Double(count) / 1e6])
    }
}
