// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Metrics in Prometheus' text format, version 0.0.4, as a strict reader takes them.
package struct Exposition: Sendable {
    /// A series.
    package struct Sample: Sendable, Equatable {
        /// The name, with `_bucket`, `_sum` or `_count` for those of a histogram.
        package var name: String
        /// The labels, in order.
        package var labels: [String]
        /// The values of the labels by their names.
        package var values: [String: String]
        /// What it says.
        package var number: Double
    }

    /// A metric.
    package struct Family: Sendable {
        /// Its name.
        package var name: String
        /// Its help.
        package var help: String
        /// Its type.
        package var type: String
        /// Its series, in order.
        package var samples: [Sample] = []
    }

    /// Why a text is none, with the number of the line.
    package struct Problem: Error, CustomStringConvertible {
        /// What is wrong.
        package var description: String
    }

    /// The metrics, in order.
    package var families: [Family] = []

    /// Reads a text; throws where anything is not as the format has it, or stands twice.
    package init(_ text: String) throws(Problem) {
        guard text.hasSuffix("\n") else { throw Problem(description: "no end of the last line") }
        var names: Set<String> = []
        var seen: Set<String> = []
        for (place, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().enumerated()
        {
            func fail(_ words: String) -> Problem {
                Problem(description: "line \(place + 1): \(words): \(line)")
            }
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1)
                guard parts.count == 2, names.insert(String(parts[0])).inserted else {
                    throw fail("help")
                }
                families.append(
                    Family(name: String(parts[0]), help: String(parts[1]), type: ""))
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ")
                guard parts.count == 2, let last = families.last, last.name == parts[0],
                    last.type.isEmpty, ["counter", "gauge", "histogram"].contains(parts[1])
                else { throw fail("type") }
                families[families.count - 1].type = String(parts[1])
            } else {
                guard let sample = Self.sample(line) else { throw fail("not a sample") }
                guard let last = families.last, !last.type.isEmpty,
                    Self.belongs(sample.name, to: last)
                else { throw fail("another metric's") }
                let identity = "\(sample.name) \(sample.values.sorted { $0.key < $1.key })"
                guard seen.insert(identity).inserted else { throw fail("twice") }
                families[families.count - 1].samples.append(sample)
            }
        }
    }

    private static func belongs(_ name: String, to family: Family) -> Bool {
        guard family.type == "histogram" else { return name == family.name }
        return ["_bucket", "_sum", "_count"].contains { name == family.name + $0 }
    }

    private static func sample(_ line: Substring) -> Sample? {
        var rest = line
        let name = read(&rest) { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" }
        guard !name.isEmpty else { return nil }
        var labels: [String] = []
        var values: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while true {
                let label = read(&rest) { $0.isASCII && $0.isLetter || $0 == "_" }
                guard !label.isEmpty, rest.hasPrefix("=\"") else { return nil }
                rest.removeFirst(2)
                guard let value = quoted(&rest), values[label] == nil else { return nil }
                labels.append(label)
                values[label] = value
                if rest.first == "}" { break }
                guard rest.first == "," else { return nil }
                rest.removeFirst()
            }
            rest.removeFirst()
        }
        guard rest.first == " ", let number = Self.number(rest.dropFirst()) else { return nil }
        return Sample(name: name, labels: labels, values: values, number: number)
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.allSatisfy { "0123456789.e+-".contains($0) } ? Double(text) : nil
        }
    }

    private static func read(
        _ rest: inout Substring, while holds: (Character) -> Bool
    ) -> String {
        let taken = rest.prefix(while: holds)
        rest = rest[taken.endIndex...]
        return String(taken)
    }

    /// What stands before the next quotation mark, which it takes too.
    private static func quoted(_ rest: inout Substring) -> String? {
        var result = ""
        while let next = rest.popFirst() {
            switch next {
            case "\"": return result
            case "\\":
                switch rest.popFirst() {
                case "\\": result += "\\"
                case "\"": result += "\""
                case "n": result += "\n"
                default: return nil
                }
            default: result.append(next)
            }
        }
        return nil
    }

    // MARK: Asking

    /// The metric of a name.
    package subscript(_ name: String) -> Family? { families.first { $0.name == name } }

    /// What the series of a name and these values of labels says; nil where there is none.
    package func number(_ name: String, _ values: [String: String] = [:]) -> Double? {
        for family in families {
            for sample in family.samples where sample.name == name && sample.values == values {
                return sample.number
            }
        }
        return nil
    }
}
