// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Why a line of input is no request. The line is told by whoever read it.
package enum LineProblem: Error, Equatable, Sendable {
    /// The line has more bytes than a line may have.
    case tooLong(bytes: Int, max: Int)
    /// The line is not well-formed UTF-8.
    case notUTF8
    /// Arrays and objects are nested more deeply than any request is.
    case tooDeep(max: Int)
    /// The line is not one JSON value.
    case notJSON(String)
    /// A field that must be there is not.
    case missing(field: String)
    /// A field has another type than it must have, or a number that the type cannot hold.
    case wrongType(field: String, expected: String)
    /// A field has the right type and a value that it cannot have.
    case wrongValue(field: String, problem: String)
    /// A field is not one of a request.
    case unknownField(field: String, known: [String])
}

extension LineProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .tooLong(let bytes, let max):
            "the line has \(bytes) bytes or more; \(max) are possible"
        case .notUTF8: "the line is not well-formed UTF-8"
        case .tooDeep(let max): "the line is nested more than \(max) levels deep"
        case .notJSON(let problem): "the line is not one JSON value: \(problem)"
        case .missing(let field): "the field \(field) is missing"
        case .wrongType(let field, let expected): "the field \(field) must be \(expected)"
        case .wrongValue(let field, let problem): "the field \(field): \(problem)"
        case .unknownField(let field, let known):
            "the field \(field) is not known\(Spelling.suggestion(for: field, among: known))"
        }
    }
}

extension LineProblem {
    /// What is wrong with a line whose JSON is.
    fileprivate init(_ problem: JSONProblem) {
        switch problem {
        case .notUTF8: self = .notUTF8
        case .tooDeep(let max): self = .tooDeep(max: max)
        default:
            // Whoever read the line tells its number.
            let column = problem.place.flatMap { $0.line == 1 ? "column \($0.column)" : "\($0)" }
            self = .notJSON((column.map { "\($0): " } ?? "") + problem.words)
        }
    }
}

/// The JSON that the command line reads and prints.
package enum NodeJSON {
    /// The JSON of a value on one line, keys in order of their bytes. Whole numbers above 2^53 - 1
    /// are text (`ExactNumbers`).
    package static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: ExactNumbers.quoted(try encoder.encode(value)), as: UTF8.self)
    }

    /// Reads one line.
    ///
    /// Checks, in order: length, strict JSON (`StrictJSON`), then the fields of `T` in the
    /// order in which it reads them.
    package static func decode<T: Decodable>(
        _ type: T.Type, line: [UInt8]
    ) throws(LineProblem) -> T {
        guard line.count <= NodeLimits.lineBytesMax else {
            throw .tooLong(bytes: line.count, max: NodeLimits.lineBytesMax)
        }
        do {
            return try StrictJSON.decode(type, from: line, numbers: .whole(except: ["note"]))
        } catch let problem as JSONProblem {
            throw LineProblem(problem)
        } catch let problem as LineProblem {
            throw problem
        } catch let error as Swift.DecodingError {
            throw problem(of: error)
        } catch {
            throw .notJSON("\(error)")
        }
    }

    /// What a decoder has found wrong, with the field in the words of the text.
    package static func problem(of error: Swift.DecodingError) -> LineProblem {
        switch error {
        case .keyNotFound(let key, let context):
            return .missing(field: path(context.codingPath + [key]))
        case .typeMismatch(let type, let context):
            return .wrongType(field: path(context.codingPath), expected: word(for: type))
        case .valueNotFound(let type, let context):
            return .wrongType(field: path(context.codingPath), expected: word(for: type))
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return .wrongValue(
                field: path(context.codingPath), problem: context.debugDescription)
        case .dataCorrupted(let context):
            let detail = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            return .notJSON(brief(detail))
        @unknown default: return .notJSON("\(error)")
        }
    }

    /// The words that Foundation puts into the middle of its errors, without the rest.
    private static func brief(_ text: String) -> String {
        guard let start = text.range(of: "NSDebugDescription=") else { return text }
        return String(text[start.upperBound...].prefix { $0 != "}" && $0 != "," })
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        var text = ""
        for key in keys {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return text.isEmpty ? "(the whole line)" : text
    }

    private static func word(for type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is UInt64.Type: "a whole number from 0 to 18446744073709551615"
        case is any BinaryInteger.Type: "a whole number"
        case is [Any].Type, is [String].Type, is [[String]].Type: "an array"
        default: "an object"
        }
    }
}
