// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Holds values against a JSON Schema, as far as the schemas of this program go.
///
/// A word that it does not know is a problem too, so that nothing is passed unread.
package struct SchemaCheck {
    private static let remarks: Set = ["$schema", "$id", "$defs", "title", "description"]

    /// The schema.
    package let root: JSONValue

    /// Takes a schema.
    package init(root: JSONValue) { self.root = root }

    /// What is wrong with a value, with the place where.
    package func problems(_ value: JSONValue) throws -> [String] { try problems(value, root, "") }

    private func problems(
        _ value: JSONValue, _ schema: JSONValue, _ place: String
    ) throws -> [String] {
        var all: [String] = []
        for (word, rule) in schema.members where !Self.remarks.contains(word) {
            all += try problems(value, word, rule, schema, place)
        }
        return all
    }

    private func problems(
        _ value: JSONValue, _ word: String, _ rule: JSONValue, _ schema: JSONValue, _ place: String
    ) throws -> [String] {
        switch word {
        case "$ref": return try problems(value, target(rule), place)
        case "oneOf":
            let fitting = try rule.elements.filter { try problems(value, $0, place).isEmpty }
            return fitting.count == 1 ? [] : ["\(place): \(fitting.count) of the forms fit"]
        case "properties", "required", "additionalProperties":
            return try members(value.members, word, rule, schema, place)
        case "items":
            return try value.elements.enumerated().flatMap { index, element in
                try problems(element, rule, "\(place)/\(index)")
            }
        default: return try isKept(value, word, rule) ? [] : ["\(place): \(word) is not kept"]
        }
    }

    private func members(
        _ members: [String: JSONValue], _ word: String, _ rule: JSONValue, _ schema: JSONValue,
        _ place: String
    ) throws -> [String] {
        switch word {
        case "properties":
            return try rule.members.flatMap { name, schema in
                try members[name].map { try problems($0, schema, "\(place)/\(name)") } ?? []
            }
        case "required":
            return rule.elements.compactMap(\.text).filter { members[$0] == nil }
                .map { "\(place): \($0) is lacking" }
        default:
            let known = schema.members["properties"]?.members ?? [:]
            let others = members.filter { known[$0.key] == nil }
            guard rule != .bool(false) else {
                return others.keys.map { "\(place): \($0) is too much" }
            }
            return try others.flatMap { name, value in
                try problems(value, rule, "\(place)/\(name)")
            }
        }
    }

    private func isKept(_ value: JSONValue, _ word: String, _ rule: JSONValue) throws -> Bool {
        switch word {
        case "type":
            let types = rule.text.map { [$0] } ?? rule.elements.compactMap(\.text)
            return types.contains(where: value.kinds.contains)
        case "enum": return rule.elements.contains(value)
        case "pattern":
            return try value.text?.firstMatch(of: Regex(rule.text ?? "")) != nil
        case "minimum":
            if case .number(let number) = value { return number >= Double(rule.whole ?? 0) }
            return value == .null || value.whole ?? .min >= rule.whole ?? .max
        case "minItems": return Int64(value.elements.count) >= rule.whole ?? .max
        case "maxItems": return Int64(value.elements.count) <= rule.whole ?? .min
        default: return false
        }
    }

    private func target(_ reference: JSONValue) -> JSONValue {
        let name = reference.text?.split(separator: "/").last.map(String.init) ?? ""
        // A name that is not there gives a schema with a word that nobody knows.
        return root.members["$defs"]?.members[name] ?? .object(["no such definition": .null])
    }
}
