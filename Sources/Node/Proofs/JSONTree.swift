// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Any JSON value, for looking at the shape of what a file holds before it is judged.
enum JSONTree: Equatable, Sendable {
    case object([String: JSONTree])
    case array([JSONTree])
    case text(String)
    /// A whole number that fits; any other is `other`.
    case number(UInt64)
    /// true, false, null, and numbers that are not read here.
    case other
}

extension JSONTree: Decodable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = Self.attempt({ try value.decode(String.self) }) {
            self = .text(text)
        } else if let fields = Self.attempt({ try value.decode([String: JSONTree].self) }) {
            self = .object(fields)
        } else if let elements = Self.attempt({ try value.decode([JSONTree].self) }) {
            self = .array(elements)
        } else if let number = Self.attempt({ try value.decode(UInt64.self) }) {
            self = .number(number)
        } else {
            self = .other
        }
    }

    private static func attempt<Value>(_ body: () throws -> Value) -> Value? {
        do { return try body() } catch { return nil }
    }
}

extension JSONTree {
    /// The value that an object has under a name.
    subscript(_ name: String) -> JSONTree? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    /// Whether it is an object with all of these names.
    func has(_ names: String...) -> Bool { names.allSatisfy { self[$0] != nil } }

    /// The elements of an array.
    var elements: [JSONTree]? { if case .array(let elements) = self { elements } else { nil } }

    /// A text as it stands.
    var text: String? { if case .text(let text) = self { text } else { nil } }
}
