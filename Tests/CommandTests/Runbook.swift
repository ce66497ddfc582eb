// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The article with incidents, as far as it can be typed.
///
/// An incident is a section whose title begins with its number. A line that is indented by four
/// columns and begins with `$ ` is typed, ` # exit 1` behind it is the exit code where that is not
/// 0, and the indented lines below are what it prints; where there are none, that is not told.
struct Runbook {
    /// What is typed, and what comes of it.
    struct Step: Sendable {
        let command: String
        let status: Int32
        var quoted: [String] = []

        init(line: Substring) {
            let parts = line.components(separatedBy: " # exit ")
            command = parts[0].trimmingCharacters(in: .whitespaces)
            status = parts.count > 1 ? Int32(parts[1]) ?? -1 : 0
        }
    }

    /// A section.
    struct Incident: Sendable, CustomTestStringConvertible {
        let title: String
        var steps: [Step] = []

        var testDescription: String { title }
    }

    static let path = Vectors.repository
        .appendingPathComponent("Sources/recount/Recount.docc/Runbook.md").path

    let incidents: [Incident]

    /// Reads the article; without any incident where it cannot be read.
    static let shared = Runbook(
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self))

    init(_ text: String) {
        var incidents: [Incident] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") {
                incidents.append(Incident(title: String(line.dropFirst(3))))
            } else if !incidents.isEmpty {
                Self.read(line, &incidents[incidents.count - 1])
            }
        }
        self.incidents = incidents.filter { $0.title.first?.isNumber == true }
    }

    private static func read(_ line: Substring, _ incident: inout Incident) {
        if line.hasPrefix("    $ ") {
            incident.steps.append(Step(line: line.dropFirst(6)))
        } else if !incident.steps.isEmpty, line.isEmpty || line.hasPrefix("    ") {
            incident.steps[incident.steps.count - 1].quoted.append(String(line.dropFirst(4)))
        }
    }
}

extension Runbook.Step {
    /// What the page says that it prints; nil where it does not say.
    var quotation: Quotation? {
        let isSilent = quoted.allSatisfy(\.isEmpty)
        return isSilent ? nil : Quotation(quoted.joined(separator: "\n"))
    }

    /// Types it into a shell that finds the built program, as one that looks at both outputs.
    func run(in folder: String) throws -> CommandResult {
        let program = URL(fileURLWithPath: Command.path).deletingLastPathComponent().path
        let script =
            "cd '\(folder)' || exit 99; PATH='\(program)':\"$PATH\"; exec 2>&1\n\(command)"
        return try Command.execute("/bin/sh", ["-c", script])
    }
}
