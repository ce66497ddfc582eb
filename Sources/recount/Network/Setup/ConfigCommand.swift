// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ledger
import Node

/// `recount config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "List the keys of a configuration, or check one.",
        discussion: """
              recount config
              recount config check recount.toml
            """,
        subcommands: [ConfigKeysCommand.self, ConfigCheckCommand.self],
        defaultSubcommand: ConfigKeysCommand.self)
}

/// `recount config keys`.
struct ConfigKeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "List every key with its type, its default and what it is for.",
        discussion: """
            A configuration is TOML. Keys that are not listed are refused by name.

              recount config
            """)

    @Flag(help: "Print JSON Lines.")
    var json = false

    private struct Line: Encodable {
        var name: String
        var type: String
        var standard: String
        var meaning: String
        private enum CodingKeys: String, CodingKey {
            case name, type, meaning
            case standard = "default"
        }
    }

    mutating func run() throws {
        for key in Configuration.keys {
            if json {
                try Output.json(
                    Line(
                        name: key.name, type: key.type, standard: key.defaultText,
                        meaning: key.meaning), isLine: true)
            } else {
                Output.line(Output.strong(key.name))
                Output.line("  \(key.meaning)")
                Output.line("  \(key.type); default: \(key.defaultText)")
            }
        }
    }
}

/// `recount config check`.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration without making anything.",
        discussion: """
            Says what is wrong and what would be right, as recount init would say it: the
            verifying keys that it names are read and judged too. Exit codes: 0 it can be
            used; 1 it cannot; 2 the file cannot be read.

              recount config check recount.toml
              sed s/0.7/0.6/ recount.toml | recount config check -
            """)

    @Argument(help: "The configuration; - is standard input.", completion: .file())
    var file: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        var isUsable: Bool
        var problem: String?
        var validators: Int?
        var threshold: UInt32?
        var circuits: [String]?
    }

    private func unusable(_ error: NodeError) throws(Failure) -> Failure {
        let problem =
            if case .configuration(_, let problem) = error { "\(problem)" } else { "\(error)" }
        if json { try Output.json(Result(isUsable: false, problem: problem)) }
        return Failure("\(error)", .wrong)
    }

    mutating func run() throws {
        let configuration: Configuration
        do throws(NodeError) {
            configuration = try Configuration.load(path: file)
        } catch {
            guard case .configuration = error else { throw Failure("\(error)") }
            throw try unusable(error)
        }
        do throws(NodeError) { try LocalNetwork.check(configuration, of: file) } catch {
            throw try unusable(error)
        }
        let threshold = configuration.parameters.threshold
        if json {
            return try Output.json(
                Result(
                    isUsable: true, problem: nil, validators: configuration.validators.count,
                    threshold: threshold, circuits: configuration.circuits.map(\.name)))
        }
        Output.line("\(file) can be used.")
        var list = Listing()
        list.add("validators", "\(configuration.validators.count), \(threshold) approve")
        list.add("circuits", configuration.circuits.map(\.name).joined(separator: ", "))
        list.add("submitters", configuration.submitters.map(\.name).joined(separator: ", "))
        list.print()
    }
}
