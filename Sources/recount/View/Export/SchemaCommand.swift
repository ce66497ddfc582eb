// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Node

/// `recount schema`.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of what a command prints with --json.",
        discussion: """
            For programs that read what commands print: every field, what it means, whether
            it is always there, and that there is no other. JSON Schema, draft 2020-12, one
            document a command. Of a command that prints an object a
            line, the schema is that of a line. Without a command, all are listed.

              recount schema
              recount schema why
              recount schema show request
              recount schema evidence verify > evidence.schema.json
              recount culprits home --json > found.json
              check-jsonschema --schemafile <(recount schema culprits) found.json

            Exit codes: 0 printed; 2 there is no schema of that command.
            """)

    @Argument(
        help: "The command, in its words: why, case show.", completion: Completions.schemas)
    var command: [String] = []

    @Flag(help: "Print the list as JSON Lines: command, description.")
    var json = false

    private struct Row: Encodable {
        let command: String
        let description: String
    }

    mutating func run() throws {
        guard command.isEmpty else { return try printDocument() }
        let rows = try SchemaDocument.allCases.map { document in
            Row(command: document.command, description: try document.head().description)
        }
        if json {
            for row in rows { try Output.json(row, isLine: true) }
            return
        }
        var table = Table(("schema of", .left), ("what it describes", .left))
        for row in rows { table.add(row.command, row.description) }
        table.print()
    }

    /// A document is JSON, with or without `--json`.
    private func printDocument() throws {
        guard let document = SchemaDocument(words: command) else {
            let known = SchemaDocument.allCases.map(\.command).joined(separator: ", ")
            let words = command.joined(separator: " ")
            let near = Spelling.suggestion(
                for: words, among: SchemaDocument.allCases.map(\.command))
            throw Failure("there is no schema of \(words): name one of \(known)\(near)")
        }
        let text = String(decoding: document.bytes, as: UTF8.self)
        Output.line(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
