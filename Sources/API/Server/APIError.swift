// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// Why a request is not answered as it was meant, as JSON: a word, words, and the field.
struct APIError: Error, Sendable {
    /// The status of the response.
    var status: HTTPResponseStatus
    /// One word for machines.
    var reason: String
    /// What is wrong, for a person.
    var message: String
    /// The part of the request that is wrong, where one is.
    var field: String?
    /// When to come again, in seconds.
    var retryAfterSeconds: Int?
    /// The methods that there are, where it is another.
    var allowed: [String] = []

    private struct Body: Encodable {
        var error: String
        var message: String
        var field: String?
    }

    /// A part of the request is wrong.
    static func wrong(
        _ field: String, _ message: String, reason: String = "malformed"
    ) -> APIError {
        APIError(status: .badRequest, reason: reason, message: message, field: field)
    }

    /// There is no such thing.
    static func notFound(_ message: String) -> APIError {
        APIError(status: .notFound, reason: "notFound", message: message)
    }

    /// There is something, and it does not do that.
    static func notAllowed(_ methods: [String]) -> APIError {
        APIError(
            status: .methodNotAllowed, reason: "notAllowed",
            message: "this path answers \(methods.joined(separator: ", "))", field: "method",
            allowed: methods)
    }

    /// The node has too much to do, or cannot at this time.
    static func busy(_ message: String, reason: String = "busy") -> APIError {
        APIError(
            status: .serviceUnavailable, reason: reason, message: message, retryAfterSeconds: 1)
    }

    /// The one who asks has asked too much.
    static func tooMany(_ message: String, reason: String, seconds: Int = 1) -> APIError {
        APIError(
            status: .tooManyRequests, reason: reason, message: message,
            retryAfterSeconds: seconds)
    }

    /// The body is longer than any can be.
    static func tooLong(max: Int) -> APIError {
        APIError(
            status: .payloadTooLarge, reason: "tooLong",
            message: "the body has more than \(max) bytes", field: "body")
    }

    /// Something of the node's own failed.
    static func failed(_ message: String) -> APIError {
        APIError(status: .internalServerError, reason: "failed", message: message)
    }

    /// The response that says so.
    var response: Response {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let retryAfterSeconds { headers.add(name: "Retry-After", value: "\(retryAfterSeconds)") }
        if !allowed.isEmpty { headers.add(name: "Allow", value: allowed.joined(separator: ", ")) }
        let text = AnswerJSON.lenient(Body(error: reason, message: message, field: field))
        return Response(status: status, headers: headers, body: .bytes(ByteBuffer(string: text)))
    }
}
