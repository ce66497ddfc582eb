// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ledger
import Node

/// Finds the command that somebody may have meant who mistyped one.
enum Mistyped {
    /// Says that a word is no command, and which is the nearest; nil where all words are.
    ///
    /// - Parameter arguments: Those of the program, without its name.
    static func problem(in arguments: [String]) -> String? {
        var group: any ParsableCommand.Type = Recount.self
        var path = ["recount"]
        for word in arguments where !word.hasPrefix("-") {
            let known = group.configuration.subcommands
            guard !known.isEmpty, word != "help" else { return nil }
            guard let next = known.first(where: { name(of: $0) == word }) else {
                // Elsewhere it may be an argument of the group itself.
                let isCommand = group.configuration.defaultSubcommand == nil
                guard isCommand || !suggestion(for: word, among: known).isEmpty else { return nil }
                return "\(path.joined(separator: " ")) has no command '\(word.visible)'"
                    + suggestion(for: word, among: known)
            }
            group = next
            path.append(word)
        }
        return nil
    }

    /// The nearest of a group; or where it is spelled so, in another group.
    private static func suggestion(
        for word: String, among known: [any ParsableCommand.Type]
    ) -> String {
        let near = Spelling.suggestion(
            for: word,
            among: known.filter { $0.configuration.shouldDisplay }.compactMap { name(of: $0) })
        guard near.isEmpty else { return near }
        let elsewhere = Recount.configuration.subcommands.first { group in
            group.configuration.subcommands.contains { name(of: $0) == word }
        }
        return elsewhere.flatMap { name(of: $0) }.map { "; did you mean recount \($0) \(word)?" }
            ?? ""
    }

    private static func name(of command: any ParsableCommand.Type) -> String? {
        command.configuration.commandName
    }
}
