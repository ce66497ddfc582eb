// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// A metric: what it is called, what it says, and how many series of it there may be.
package struct MetricFamily: Sendable {
    /// What its numbers are.
    package enum Kind: Sendable, Equatable {
        /// It only grows, from the start of the process.
        case counter
        /// It goes up and down.
        case gauge
        /// How often a value was at most each of these bounds, which ascend, in the metric's unit.
        case histogram([Double])

        /// The word of the text format.
        var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// `recount_...`, with its unit last; a counter ends with `_total`.
    package let name: String
    /// What it says, in a sentence.
    package let help: String
    /// What its numbers are.
    package let kind: Kind
    /// The names of the labels that each series has, in order.
    package let labels: [String]
    /// Series beyond so many are left out, and counted.
    package let seriesMax: Int

    /// A metric without labels has one series.
    package init(
        _ name: String, _ kind: Kind, _ help: String, labels: [String] = [], seriesMax: Int = 1
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.seriesMax = seriesMax
    }

    /// Stops the process where it is not as metrics are named and bounded here.
    func check() {
        invariant(
            name.hasPrefix("recount_") && name.utf8.allSatisfy(Self.isOfName), "name \(name)")
        invariant((kind == .counter) == name.hasSuffix("_total"), "\(name) is a \(kind.word)")
        invariant(!help.isEmpty && !help.contains("\n"), "help of \(name)")
        for label in labels {
            invariant(label != "le" && label.utf8.allSatisfy(Self.isOfName), "label \(label)")
        }
        invariant(seriesMax > 0 && (!labels.isEmpty || seriesMax == 1), "series of \(name)")
        guard case .histogram(let bounds) = kind else { return }
        invariant(
            !bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 },
            "bounds of \(name)")
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}

/// What a series says at one time.
package enum MetricValue: Sendable, Equatable {
    /// Of a counter or a gauge.
    case number(Double)
    /// Of a histogram: how many values fell between each bound and the one before, then those above
    /// the last; and the sum of all.
    case distribution(counts: [UInt64], sum: Double)

    /// Whether a metric of this kind says such things.
    func fits(_ kind: MetricFamily.Kind) -> Bool {
        switch (self, kind) {
        case (.number, .counter), (.number, .gauge): true
        case (.distribution(let counts, _), .histogram(let bounds)):
            counts.count == bounds.count + 1
        default: false
        }
    }
}

/// What somebody knows of a series when it is asked.
package struct MetricSample: Sendable {
    /// The metric's name.
    package let name: String
    /// The values of its labels, in the order of their names.
    package let labels: [String]
    /// What it says.
    package let value: MetricValue

    /// A sample.
    package init(_ name: String, _ labels: [String], _ value: MetricValue) {
        self.name = name
        self.labels = labels
        self.value = value
    }

    /// A number.
    package init(_ name: String, _ labels: [String], _ number: some BinaryInteger) {
        self.init(name, labels, .number(Double(number)))
    }

    /// One for yes, zero for no.
    package init(_ name: String, _ labels: [String], _ isSo: Bool) {
        self.init(name, labels, .number(isSo ? 1 : 0))
    }
}
