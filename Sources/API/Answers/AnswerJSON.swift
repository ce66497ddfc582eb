// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Node

/// The JSON that commands print and the API answers.
package enum AnswerJSON {
    /// The JSON of a value: keys in snake case, in order; on several lines, or on one. Whole
    /// numbers above 2^53 - 1 are text (`ExactNumbers`).
    package static func encode(_ value: some Encodable, isLine: Bool = true) throws -> String {
        String(
            decoding: ExactNumbers.quoted(try data(value, isLine: isLine)), as: UTF8.self)
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
