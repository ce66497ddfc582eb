// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Ledger
internal import NIOCore
internal import NIOHTTP1

/// A request as routes see it: all of it is there, within its bounds.
struct Request: Sendable {
    /// What is to be done.
    let method: HTTPMethod
    /// The parts of the path, decoded.
    let path: [String]
    /// What stands behind the question mark, decoded, in order.
    let query: [(key: String, value: String)]
    /// The headers.
    let headers: HTTPHeaders
    /// The body.
    let body: ByteBuffer
    /// The parts of the path that a route names, by their names.
    var parameters: [String: String] = [:]

    /// Reads the head; throws `APIError` where the path or the query cannot be decoded.
    init(_ head: HTTPRequestHead, body: ByteBuffer) throws {
        method = head.method
        headers = head.headers
        self.body = body
        let parts = head.uri.split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, first.hasPrefix("/") else {
            throw APIError.wrong("path", "a path begins with a slash")
        }
        path = try first.split(separator: "/").map { try Self.decoded($0, "path") }
        query = try (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = try Self.decoded(sides[0], "query")
            return (key, sides.count > 1 ? try Self.decoded(sides[1], "query") : "")
        }
    }

    private static func decoded(_ text: Substring, _ field: String) throws -> String {
        guard let decoded = text.removingPercentEncoding else {
            throw APIError.wrong(field, "it is not percent-encoded UTF-8")
        }
        return decoded
    }

    /// The part of the path that the route calls so.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }
}

/// The parameters of a request, all of them known.
struct Query {
    private let values: [(key: String, value: String)]

    /// Takes them; throws where one is not `known`, or stands twice.
    init(_ request: Request, known: Set<String>) throws {
        var seen: Set<String> = []
        for (key, _) in request.query {
            guard known.contains(key) else {
                throw APIError.wrong(
                    String(key.prefix(64)),
                    known.isEmpty
                        ? "no parameter is known here"
                        : "the parameters are \(known.sorted().joined(separator: ", "))",
                    reason: "unknownParameter")
            }
            guard seen.insert(key).inserted else { throw APIError.wrong(key, "it stands twice") }
        }
        values = request.query
    }

    /// The text of a parameter, or nil where it is absent.
    func text(_ key: String) -> String? { values.first { $0.key == key }?.value }

    /// A whole number within a range.
    func number(_ key: String, _ range: ClosedRange<UInt64> = 0...UInt64.max) throws -> UInt64? {
        guard let text = text(key) else { return nil }
        guard let value = UInt64(plain: text), range.contains(value) else {
            throw APIError.wrong(
                key, "a whole number from \(range.lowerBound) to \(range.upperBound) is wanted")
        }
        return value
    }

    /// One of a few words.
    func word(_ key: String, _ words: [String]) throws -> String? {
        guard let text = text(key) else { return nil }
        guard words.contains(text) else {
            throw APIError.wrong(key, "one of \(words.joined(separator: ", ")) is wanted")
        }
        return text
    }
}
