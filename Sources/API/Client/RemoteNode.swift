// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// A node as programs reach it over HTTP. Nothing that it says is believed here; it is only read.
///
/// Answers and waits are bounded. Calls block, and must not be made on an event loop.
package struct RemoteNode: Sendable {
    /// Where it answers.
    package let url: NodeURL
    /// How long an answer may take, in seconds.
    package let seconds: Int64

    /// Bytes of an answer in JSON: a thousand rows with room to spare.
    private static let answerBytesMax = 32 << 20
    /// Bytes of an answer that says no.
    private static let refusalBytesMax = 64 << 10

    /// A node at an address.
    package init(_ url: NodeURL, seconds: Int64 = 60) {
        self.url = url
        self.seconds = seconds
    }

    // MARK: Asking

    /// The bytes that stand at a path.
    ///
    /// - Parameters:
    ///   - path: Its parts, not encoded.
    ///   - query: Parameters; those without a value are left out.
    ///   - waiting: How long the node may wait before it answers, in seconds.
    package func bytes(
        _ path: [String], _ query: [(String, String?)] = [], bytesMax: Int,
        waiting: Int64 = 0
    ) throws(ClientError) -> [UInt8] {
        let target = Self.target(path, query)
        return try ask(Exchange.Question(target: target), bytesMax, seconds + waiting)
    }

    /// The value that stands at a path as JSON.
    package func value<Value: Decodable>(
        _ type: Value.Type, _ path: [String], _ query: [(String, String?)] = [],
        waiting: Int64 = 0
    ) throws(ClientError) -> Value {
        let bytes = try bytes(path, query, bytesMax: Self.answerBytesMax, waiting: waiting)
        return try decode(type, bytes, Self.target(path, query))
    }

    /// The same; nil where the node knows nothing of it.
    package func found<Value: Decodable>(
        _ type: Value.Type, _ path: [String], _ query: [(String, String?)] = [],
        waiting: Int64 = 0
    ) throws(ClientError) -> Value? {
        do throws(ClientError) { return try value(type, path, query, waiting: waiting) } catch {
            guard case .refused(_, let no) = error, no.status == 404 else { throw error }
            return nil
        }
    }

    /// Hands something in, and gives what is answered.
    package func post<Value: Decodable>(
        _ type: Value.Type, _ path: [String], _ body: [UInt8], contentType: String
    ) throws(ClientError) -> Value {
        let question = Exchange.Question(
            method: .POST, target: Self.target(path, []),
            headers: ["Content-Type": contentType], body: body)
        let bytes = try ask(question, Self.answerBytesMax, seconds)
        return try decode(type, bytes, question.target)
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], _ target: String
    ) throws(ClientError) -> Value {
        do { return try AnswerJSON.decode(type, from: bytes) } catch {
            throw .nonsense(url, path: target, problem: AnswerJSON.words(error))
        }
    }

    // MARK: The exchange

    /// Path and query as they are sent.
    static func target(_ path: [String], _ query: [(String, String?)]) -> String {
        let start = "/" + path.map(encoded).joined(separator: "/")
        let pairs = query.compactMap { key, value in value.map { "\(key)=\(encoded($0))" } }
        return pairs.isEmpty ? start : start + "?" + pairs.joined(separator: "&")
    }

    /// A text in which all but letters, digits and `-._~` is written as percent and digits.
    private static func encoded(_ text: String) -> String {
        var allowed = CharacterSet(charactersIn: "a"..."z")
        allowed.insert(charactersIn: "A"..."Z")
        allowed.insert(charactersIn: "0"..."9")
        allowed.insert(charactersIn: "-._~")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }

    private func ask(
        _ question: Exchange.Question, _ bytesMax: Int, _ seconds: Int64
    ) throws(ClientError) -> [UInt8] {
        let exchange = try Exchange(url, question, seconds: seconds)
        defer { exchange.close() }
        let head = try head(of: exchange)
        let isGood = (200...299).contains(head.status.code)
        let bytes = try body(of: exchange, isGood ? bytesMax : Self.refusalBytesMax)
        guard isGood else { throw refusal(head, bytes) }
        return bytes
    }

    /// The head of the answer, past those that only say that it will come.
    func head(of exchange: Exchange) throws(ClientError) -> HTTPResponseHead {
        while let part = try exchange.next() {
            guard case .head(let head) = part else { continue }
            if (300...399).contains(head.status.code) {
                throw .redirected(url, to: head.headers.first(name: "Location") ?? "nowhere")
            }
            if head.status.code >= 200 { return head }
        }
        throw .cutShort(url)
    }

    /// The whole body of the answer.
    func body(of exchange: Exchange, _ bytesMax: Int) throws(ClientError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try exchange.next() {
            switch part {
            case .head: continue
            case .body(let buffer):
                guard bytes.count + buffer.readableBytes <= bytesMax else {
                    throw .tooLong(url, bytesMax: bytesMax)
                }
                bytes += buffer.readableBytesView
            case .end: return bytes
            }
        }
        throw .cutShort(url)
    }

    private struct Said: Decodable {
        var error: String
        var message: String
        var field: String?
    }

    /// What an answer with another status than success says.
    func refusal(_ head: HTTPResponseHead, _ bytes: [UInt8]) -> ClientError {
        let status = Int(head.status.code)
        let again = head.headers.first(name: "Retry-After").flatMap { UInt64($0) }
        do {
            let said = try AnswerJSON.decode(Said.self, from: bytes)
            return .refused(
                url,
                NodeRefusal(
                    status: status, error: said.error, message: said.message, field: said.field,
                    retryAfterSeconds: again))
        } catch {
            return .refused(
                url,
                NodeRefusal(
                    status: status, error: "\(head.status.reasonPhrase)",
                    message: "no reason that this program understands", field: nil,
                    retryAfterSeconds: again))
        }
    }
}
