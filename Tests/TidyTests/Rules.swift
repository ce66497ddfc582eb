// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A rule of the house that a machine can check, for one file.
struct Rule: Sendable, CustomTestStringConvertible {
    /// What holds, as a sentence.
    let name: String
    /// Whether the rule speaks of this file.
    let concerns: @Sendable (TreeFile) -> Bool
    /// What is wrong, with the line counted from 1.
    let complaints: @Sendable (SwiftText) -> [(line: Int, fact: String)]
    /// A file that breaks the rule, so that the rule itself is tested.
    let bad: TreeFile

    var testDescription: String { name }

    /// Returns what is wrong with `file`, a line for each fact.
    func broken(in file: TreeFile) -> [String] {
        guard concerns(file) else { return [] }
        return complaints(SwiftText(file.text)).map { "\(file.path):\($0.line): \($0.fact)" }
    }
}

extension Rule {
    static let header = [
        "// Recount: an event-sourced ledger for a quorum of validators.",
        "// SPDX-License-Identifier: Apache-2.0",
        "",
    ]
    static let pure: Set = ["BN254", "Groth16", "Ledger", "Replication"]
    static let exact = pure.union(["EventLog", "Cryptography"])

    static let all: [Rule] = [
        Rule(
            name: "A Swift file starts with the header",
            concerns: \.isSwift,
            complaints: { text in
                // A manifest must start with the version of its tools.
                let first = text.lines.first?.hasPrefix("// swift-tools-version:") == true ? 1 : 0
                let found = text.lines.dropFirst(first).prefix(3).map(String.init)
                return found == header ? [] : [(first + 1, "the header is missing")]
            },
            bad: TreeFile(path: "Sources/Node/A.swift", text: "// Recount\n\nimport Foundation\n")),
        Rule(
            name: "No forced and no dropped failure in Sources",
            concerns: { $0.isSwift && $0.module != nil },
            complaints: { matches(#"\b(try!|as!|try\?)"#, in: $0.code) },
            bad: TreeFile(path: "Sources/Node/A.swift", text: "let a = try? \"\\(b as! C)\"\n")),
        Rule(
            name: "No floating point where results are compared between machines",
            concerns: { $0.isSwift && exact.contains($0.module ?? "") },
            complaints: {
                matches(
                    #"\b(Double|Float[0-9]*|CGFloat|Decimal)\b|(?<![\w.$])[0-9][0-9_]*\.[0-9]"#,
                    in: $0.code)
            },
            bad: TreeFile(path: "Sources/Ledger/A.swift", text: "let share = 0.7\n")),
        Rule(
            name: "Tests see what the package sees, and no more",
            concerns: \.isSwift,
            complaints: { matches(#"@testable\b"#, in: $0.code) },
            bad: TreeFile(path: "Tests/NodeTests/A.swift", text: "@testable import Node\n")),
        Rule(
            name: "Lines are at most 100 columns",
            concerns: \.isSwift,
            complaints: { text in
                text.lines.enumerated().filter { $0.element.count > 100 }
                    .map { ($0.offset + 1, "\($0.element.count) columns") }
            },
            bad: TreeFile(
                path: "Tests/NodeTests/A.swift", text: String(repeating: "a", count: 101))),
        Rule(
            name: "Help fits into 80 columns",
            concerns: { $0.isSwift && $0.module == "recount" },
            complaints: { text in tooWideHelp(text.lines) },
            bad: TreeFile(
                path: "Sources/recount/A.swift",
                text: "discussion: \"\"\"\n  \(String(repeating: "a", count: 81))\n  \"\"\"\n")),
        Rule(
            name: "Files are at most 600 lines",
            concerns: \.isSwift,
            complaints: { text in
                // The last line feed ends a line and starts none.
                let count = text.lines.count - (text.lines.last == "" ? 1 : 0)
                return count > 600 ? [(count, "\(count) lines")] : []
            },
            bad: TreeFile(
                path: "Tests/NodeTests/A.swift", text: String(repeating: "\n", count: 601))),
        Rule(
            name: "Nothing is left to do",
            concerns: { _ in true },
            complaints: { matches(#"\b(TO"# + #"DO|FIX"# + #"ME)\b"#, in: $0.lines) },
            bad: TreeFile(path: "Tools/run", text: "# TO" + "DO: finish\n")),
        Rule(
            name: "No document is cited that readers do not have",
            concerns: { _ in true },
            complaints: {
                matches(
                    #"\b(DESI"# + #"GN\b|STY"# + #"LE\.md|NOT"# + #"ES\.md|[Ii]ss"#
                        + #"ue #?[0-9]+\b)"#, in: $0.lines)
            },
            bad: TreeFile(
                path: "Sources/Node/A.swift", text: "/// As DESI" + "GN section 4 has it.\n")),
        Rule(
            name: "A doc comment of an initialiser says more than that it is one",
            concerns: { $0.isSwift && $0.module != nil },
            complaints: {
                matches(
                    #"/// (Takes the fields in order|Joins (both|them|the parts))\."#,
                    in: $0.lines)
            },
            bad: TreeFile(
                path: "Sources/Node/A.swift", text: "/// Takes the fields in order.\ninit() {}\n")),
        Rule(
            name: "No path of somebody's machine",
            concerns: { _ in true },
            complaints: { matches(#"(?<![\w.])/(root|home|Users|work)/"#, in: $0.lines) },
            bad: TreeFile(path: "README.md", text: "see /" + "root/recount\n")),
    ]

    /// Returns the lines of discussions that a terminal of 80 columns breaks.
    private static func tooWideHelp(_ lines: [Substring]) -> [(line: Int, fact: String)] {
        var indent: Int?
        var isInside = false
        var found: [(line: Int, fact: String)] = []
        for (offset, line) in lines.enumerated() {
            let text = line.drop { $0 == " " }
            if isInside, text.hasPrefix("\"\"\"") { isInside = false }
            if isInside, !text.isEmpty {
                let spaces = indent ?? line.count - text.count
                indent = spaces
                if line.count - spaces > 80 {
                    found.append((offset + 1, "\(line.count - spaces) columns"))
                }
            }
            if text.hasSuffix("discussion: \"\"\"") { (isInside, indent) = (true, nil) }
        }
        return found
    }

    /// Returns each match of `pattern`, which is a constant of ours, with its line.
    private static func matches(
        _ pattern: String, in lines: [Substring]
    ) -> [(line: Int, fact: String)] {
        guard let expression = try? NSRegularExpression(pattern: pattern)
        else { return [(0, "the pattern cannot be read: \(pattern)")] }
        var found: [(line: Int, fact: String)] = []
        for (offset, line) in lines.enumerated() {
            let line = String(line)
            let whole = NSRange(line.startIndex..., in: line)
            for match in expression.matches(in: line, range: whole) {
                let place = Range(match.range, in: line)
                found.append((offset + 1, place.map { String(line[$0]) } ?? line))
            }
        }
        return found
    }
}
