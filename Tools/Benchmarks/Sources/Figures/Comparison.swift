// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What moved between two runs beyond noise: figures of which all runs of one lie on the same side
/// of all runs of the other, and whose medians are a twentieth apart or more.
package struct Comparison {
    private static let least = 0.05

    private let before: Report
    private let after: Report

    /// Of a run and a later one.
    package init(before: Report, after: Report) {
        self.before = before
        self.after = after
    }

    /// A line for each figure that moved, and what is to be known of the rest.
    package var lines: [String] {
        var lines: [String] = []
        if before.machine.processor != after.machine.processor
            || before.machine.kernels != after.machine.kernels
        {
            lines.append("compared with another machine: \(before.machine.line)")
        }
        let old = Dictionary(
            Self.keyed(before.figures).map { ($0.key, $0.figure) },
            uniquingKeysWith: { one, _ in one })
        let pairs = Self.keyed(after.figures).compactMap { key, figure in
            old[key].map { (key, $0, figure) }
        }
        let moved = pairs.filter { _, old, new in Self.hasMoved(old, new) }
        for (key, old, new) in moved {
            let isBetter = (new.median > old.median) == new.isBetterHigher
            lines.append(
                "\(isBetter ? "better" : "worse"): \(key): \(Figure.text(old.median)) ->"
                    + " \(Figure.text(new.median)) \(new.unit),"
                    + String(format: " %.2f times", new.median / old.median))
        }
        lines.append(
            "\(moved.count) of \(pairs.count) figures moved beyond noise;"
                + " \(after.figures.count - pairs.count) are new")
        return lines
    }

    private static func hasMoved(_ old: Figure, _ new: Figure) -> Bool {
        guard old.median > 0, new.median > 0 else { return false }
        let isApart = new.lowest > old.highest || new.highest < old.lowest
        return isApart && abs(new.median / old.median - 1) >= least
    }

    /// Figures by name; what stands beside one is named after it too.
    private static func keyed(
        _ figures: [Figure]
    ) -> [(key: String, figure: Figure)] {
        var main = ""
        return figures.map { figure in
            let name = figure.name.trimmingCharacters(in: .whitespaces)
            guard figure.isBeside else {
                main = name
                return (name, figure)
            }
            return ("\(main), \(name)", figure)
        }
    }
}
