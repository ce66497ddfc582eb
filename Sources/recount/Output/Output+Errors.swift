// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Ledger

/// What commands say on standard error: lines for people, or with `--json` an object a line.
///
/// Whatever controls a terminal is made visible, since a message may quote what came from outside.
/// Lines stay lines.
extension Output {
    /// Whether the command line asks for JSON.
    static let saysJSON = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
        .contains("--json")

    /// Says what went wrong, and where it ends the program, with which status.
    static func error(_ message: String, _ status: ExitStatus? = nil) {
        say(
            "recount: \(message)",
            Complaint(
                error: status?.word ?? "passing", message: message, exitCode: status?.rawValue))
    }

    /// Says what somebody should look at.
    static func warning(_ text: String) { say("recount: warning: \(text)", Remark(warning: text)) }

    /// Says what somebody may want to know.
    static func notice(_ text: String) { say("note: \(text)", Remark(note: text)) }

    private static func say(_ text: String, _ record: some Encodable) {
        guard saysJSON else {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return standardError(lines.map(\.visible).joined(separator: "\n") + "\n")
        }
        do { standardError(try AnswerJSON.encode(record).visibleJSON + "\n") } catch {
            standardError("{}\n")
        }
    }

    /// An error, as the API of a node answers one too: a word for machines, words for people.
    private struct Complaint: Encodable {
        var error: String
        var message: String
        var exitCode: Int32?
    }

    private struct Remark: Encodable {
        var warning: String?
        var note: String?
    }
}

extension ExitStatus {
    /// What an error that ends the program so is called.
    fileprivate var word: String {
        switch self {
        case .good: "good"
        case .wrong: "wrong"
        case .unusable: "unusable"
        }
    }
}
