// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One figure: what was done, how fast, and what it stands beside.
struct Measurement: Codable {
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
        let left = name.padding(toLength: 58, withPad: " ", startingAt: 0)
        return "\(left) \(Self.text(median)) \(unit)  [\(Self.text(lowest)) ..."
            + " \(Self.text(highest))] x\(runs)  \(note)"
    }

    /// A value as people read it.
    static func text(_ value: Double) -> String {
        value >= 1000 ? String(format: "%.0f", value) : String(format: "%.3f", value)
    }

    /// Whether it stands beside the figure before it: what it is named after is set in.
    var isBeside: Bool { name.hasPrefix("  ") }

    /// Whether more of it is better: of rates, and of how many times something is done faster.
    var isBetterHigher: Bool { unit.hasSuffix("/s") || unit == "times" }
}

/// All figures of a run, and what they were measured on.
struct Report: Codable {
    let machine: Machine
    let figures: [Measurement]

    /// Reads what `--json` wrote.
    static func read(_ path: String) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
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
