// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One figure: what was done, how fast, and what it stands beside.
struct Measurement: Encodable {
    let name: String
    let unit: String
    let median: Double
    let lowest: Double
    let highest: Double
    let runs: Int
    let note: String

    /// Summarises one value a run.
    init(_ name: String, unit: String, values: [Double], note: String = "") {
        let sorted = values.sorted()
        self.name = name
        self.unit = unit
        median = sorted.isEmpty ? .nan : sorted[sorted.count / 2]
        lowest = sorted.first ?? .nan
        highest = sorted.last ?? .nan
        runs = values.count
        self.note = note
    }

    /// One line of the table.
    var line: String {
        func text(_ value: Double) -> String {
            value >= 1000 ? String(format: "%.0f", value) : String(format: "%.3f", value)
        }
        let left = name.padding(toLength: 58, withPad: " ", startingAt: 0)
        return "\(left) \(text(median)) \(unit)  [\(text(lowest)) ... \(text(highest))] "
            + "x\(runs)  \(note)"
    }
}

/// Returns the seconds that `work` takes, and what it gives.
func timed<R>(_ work: () throws -> R) rethrows -> (seconds: Double, result: R) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try work()
    let (seconds, attoseconds) = (clock.now - start).components
    return (Double(seconds) + Double(attoseconds) / 1e18, result)
}
