// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// One figure: what was done, how fast, and what it stands beside.
package struct Figure: Codable, Equatable, Sendable {
    /// What was done; what is set in stands beside the figure before it.
    package let name: String
    /// What it is counted in.
    package let unit: String
    /// The value in the middle; not a number where there is none.
    package let median: Double
    /// The lowest value.
    package let lowest: Double
    /// The highest value.
    package let highest: Double
    /// How many values there are.
    package let runs: Int
    /// What else a reader should know.
    package let note: String

    /// Summarises one value a run.
    package init(_ name: String, unit: String, values: [Double], note: String = "") {
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
    package var line: String {
        let left = name.padding(toLength: 58, withPad: " ", startingAt: 0)
        return "\(left) \(Self.text(median)) \(unit)  [\(Self.text(lowest)) ..."
            + " \(Self.text(highest))] x\(runs)  \(note)"
    }

    /// A value as people read it.
    package static func text(_ value: Double) -> String {
        value >= 1000 ? String(format: "%.0f", value) : String(format: "%.3f", value)
    }

    /// Whether it stands beside the figure before it: what it is named after is set in.
    package var isBeside: Bool { name.hasPrefix("  ") }

    /// Whether more of it is better: of rates, and of how many times something is done faster.
    package var isBetterHigher: Bool { unit.hasSuffix("/s") || unit == "times" }
}

/// All figures of a run, and what they were measured on.
package struct Report: Codable {
    /// What they were measured on.
    package let machine: Machine
    /// The figures, in the order in which they were measured.
    package let figures: [Figure]

    /// Joins both.
    package init(machine: Machine, figures: [Figure]) {
        self.machine = machine
        self.figures = figures
    }

    /// Reads what `--json` wrote.
    package static func read(_ path: String) throws -> Report {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(
            Report.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// The report as `--json` writes it.
    package var json: String {
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
package func timed<R>(_ work: () throws -> R) rethrows -> (seconds: Double, result: R) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try work()
    let (seconds, attoseconds) = (clock.now - start).components
    return (Double(seconds) + Double(attoseconds) / 1e18, result)
}
