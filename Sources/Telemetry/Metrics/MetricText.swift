// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Writes metrics in Prometheus' text format, version 0.0.4.
///
/// Source: Prometheus, "Exposition formats", "Text format details".
struct MetricText {
    /// Bytes of the value of a label; of what is longer, the end is left out.
    static let labelBytesMax = 256

    private(set) var text = ""
    /// The labels of the series of this metric: two that were cut may have become one.
    private var seen: Set<String> = []

    /// Writes what stands before the series of a metric.
    mutating func begin(_ family: MetricFamily) {
        seen = []
        let help = family.help.replacing("\\", with: "\\\\")
        text += "# HELP \(family.name) \(help)\n# TYPE \(family.name) \(family.kind.word)\n"
    }

    /// Writes a series.
    mutating func add(_ family: MetricFamily, _ values: [String], _ value: MetricValue) {
        let labels = zip(family.labels, values).map { "\($0)=\"\(Self.escaped($1))\"" }
        guard seen.insert(labels.joined(separator: ",")).inserted else { return }
        switch value {
        case .number(let number): line(family.name, labels, Self.text(number))
        case .distribution(let counts, let sum):
            guard case .histogram(let bounds) = family.kind else { return }
            var count: UInt64 = 0
            for (own, bound) in zip(counts, bounds.map(Self.text) + ["+Inf"]) {
                count += own
                line("\(family.name)_bucket", labels + ["le=\"\(bound)\""], "\(count)")
            }
            line("\(family.name)_sum", labels, Self.text(sum))
            line("\(family.name)_count", labels, "\(count)")
        }
    }

    private mutating func line(_ name: String, _ labels: [String], _ value: String) {
        let braces = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
        text += "\(name)\(braces) \(value)\n"
    }

    /// A number as the format has it; whole ones without a point.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return "\(whole)" }
        return "\(value)"
    }

    /// The value of a label, which may come from outside: bounded, with what nobody sees spelt out.
    static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.bounded(bytes: labelBytesMax).visible.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
