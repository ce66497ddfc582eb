// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The JSON that commands print and the API answers.
package enum AnswerJSON {
    /// The JSON of a value: keys in snake case, in order; on several lines, or on one.
    package static func encode(_ value: some Encodable, isLine: Bool = true) throws -> String {
        String(decoding: try data(value, isLine: isLine), as: UTF8.self)
    }

    /// The same for values that cannot fail to be written; an empty object where one does.
    static func lenient(_ value: some Encodable) -> String {
        do { return try encode(value) } catch { return "{}" }
    }

    private static func data(_ value: some Encodable, isLine: Bool) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(value)
    }
}
