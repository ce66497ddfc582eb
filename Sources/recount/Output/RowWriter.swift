// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Foundation
import Ledger

/// The option of commands that print rows.
struct CSVOption: ParsableArguments {
    @Flag(help: "Print comma-separated values, with the names of --json in the first line.")
    var csv = false
}

/// Prints rows for programs: JSON Lines, or a table as RFC 4180 has it.
///
/// Columns are the members that a row has in JSON, by name; what is no number, text or truth is
/// JSON in its cell.
enum RowWriter {
    case json
    case csv([String])

    /// What is asked for; nil where people are shown a table.
    ///
    /// - Parameter columns: The members that are printed with `--csv`, in their order.
    init?(json: Bool, _ option: CSVOption, _ columns: [String]) throws {
        guard !json || !option.csv else { throw ValidationError("give --json or --csv, not both") }
        guard json || option.csv else { return nil }
        self = json ? .json : .csv(columns)
        if option.csv { Self.line(columns.map(CSVCell.text)) }
    }

    /// Prints one object for programs, as JSON or as a table of one row with the members that it
    /// has in JSON, in their order there; false where people are to be shown it.
    static func prints(_ value: some Encodable, json: Bool, _ option: CSVOption) throws -> Bool {
        guard !json || !option.csv else { throw ValidationError("give --json or --csv, not both") }
        if json { try Output.json(value) }
        if option.csv {
            let members = try members(of: value)
            let names = members.keys.sorted()
            line(names.map(CSVCell.text))
            line(names.map { members[$0] ?? .none })
        }
        return json || option.csv
    }

    private static func members(
        of row: some Encodable
    ) throws(Failure) -> [String: CSVCell] {
        do {
            let text = try AnswerJSON.encode(row)
            return try JSONDecoder().decode([String: CSVCell].self, from: Data(text.utf8))
        } catch {
            throw Failure("a row cannot be written: \(ErrorWords.of(error))")
        }
    }

    /// Prints a row.
    func add(_ row: some Encodable) throws(Failure) {
        guard case .csv(let columns) = self else { return try Output.json(row, isLine: true) }
        let members = try Self.members(of: row)
        Self.line(columns.map { members[$0] ?? .none })
    }

    private static func line(_ cells: [CSVCell]) {
        Output.row(cells.map(\.quoted).joined(separator: ",") + "\r")
    }
}

/// A value in a table for spreadsheets.
package enum CSVCell: Decodable {
    case none
    case truth(Bool)
    case whole(Int64)
    case natural(UInt64)
    case fraction(Double)
    case text(String)
    /// Several values, which are JSON in the cell.
    case json(String)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .none
        } else if let value = Self.scalar(container) {
            self = value
        } else {
            self = .json(try AnswerJSON.encode(try container.decode(PlainJSON.self)))
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) -> CSVCell? {
        if let value = attempt({ try container.decode(Bool.self) }) { return .truth(value) }
        if let value = attempt({ try container.decode(Int64.self) }) { return .whole(value) }
        if let value = attempt({ try container.decode(UInt64.self) }) { return .natural(value) }
        if let value = attempt({ try container.decode(Double.self) }) { return .fraction(value) }
        return attempt { try container.decode(String.self) }.map(CSVCell.text)
    }

    /// As RFC 4180 writes it: in quotes where a comma, a quote or the end of a line is in it.
    ///
    /// A text that a spreadsheet would take for a formula begins with an apostrophe, and what
    /// controls a terminal is visible.
    package var quoted: String {
        switch self {
        case .none: ""
        case .truth(let value): "\(value)"
        case .whole(let value): "\(value)"
        case .natural(let value): "\(value)"
        case .fraction(let value): "\(value)"
        case .text(let value): Self.quoted(Self.harmless(value.visible))
        case .json(let value): Self.quoted(value.visible)
        }
    }

    private static func harmless(_ text: String) -> String {
        guard let first = text.first, "=+-@".contains(first) else { return text }
        return "'" + text
    }

    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}

/// Nil where a value is of another type.
private func attempt<Value>(_ read: () throws -> Value) -> Value? {
    do { return try read() } catch { return nil }
}

/// A JSON text that is written as it was read.
private indirect enum PlainJSON: Codable {
    case cell(CSVCell)
    case array([PlainJSON])
    case object([String: PlainJSON])

    init(from decoder: any Decoder) throws {
        if let array = attempt({ try [PlainJSON](from: decoder) }) {
            self = .array(array)
        } else if let object = attempt({ try [String: PlainJSON](from: decoder) }) {
            self = .object(object)
        } else {
            self = .cell(try CSVCell(from: decoder))
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .array(let values): try values.encode(to: encoder)
        case .object(let members): try members.encode(to: encoder)
        case .cell(let cell):
            var container = encoder.singleValueContainer()
            switch cell {
            case .none: try container.encodeNil()
            case .truth(let value): try container.encode(value)
            case .whole(let value): try container.encode(value)
            case .natural(let value): try container.encode(value)
            case .fraction(let value): try container.encode(value)
            case .text(let value), .json(let value): try container.encode(value)
            }
        }
    }
}
