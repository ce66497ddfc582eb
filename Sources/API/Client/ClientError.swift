// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Why a node gave no answer that can be used. The description says what to do.
package enum ClientError: Error, Equatable, Sendable {
    /// Nothing answers at the address.
    case cannotConnect(NodeURL, problem: String)
    /// It did not answer in time.
    case slow(NodeURL, seconds: Int64)
    /// The connection ended within the answer.
    case cutShort(NodeURL)
    /// The answer has more bytes than any such answer.
    case tooLong(NodeURL, bytesMax: Int)
    /// What came is no HTTP.
    case notHTTP(NodeURL)
    /// It sends the client elsewhere.
    case redirected(NodeURL, to: String)
    /// The node says no.
    case refused(NodeURL, NodeRefusal)
    /// The answer is not what a node answers there.
    case nonsense(NodeURL, path: String, problem: String)
}

/// A node's no, as it says it.
package struct NodeRefusal: Equatable, Sendable {
    /// The status of HTTP.
    package let status: Int
    /// One word for machines.
    package let error: String
    /// What is wrong, for a person.
    package let message: String
    /// The part of the request that is wrong, where one is.
    package let field: String?
    /// When to come again, in seconds.
    package let retryAfterSeconds: UInt64?
}

extension ClientError {
    /// Whether the same may be answered a little later.
    package var isPassing: Bool {
        switch self {
        case .cannotConnect, .slow, .cutShort: true
        case .refused(_, let no): no.status == 429 || no.status == 503
        case .tooLong, .notHTTP, .redirected, .nonsense: false
        }
    }
}

extension ClientError: CustomStringConvertible {
    /// What is wrong and what to do, for a person; nothing in it controls a terminal.
    package var description: String {
        switch self {
        case .cannotConnect(let url, let problem):
            "nothing answers at \(url) (\(problem.visible)): is the node running, and its API on?"
                + " recount node HOME --api 127.0.0.1:5100 turns it on"
        case .slow(let url, let seconds):
            "\(url) gave no whole answer within \(seconds) seconds; ask again, or another node"
        case .cutShort(let url): "\(url) ended the connection within its answer; ask again"
        case .tooLong(let url, let bytesMax):
            "\(url) answers with more than \(bytesMax) bytes, which no node does there"
        case .notHTTP(let url):
            "what \(url) answers is not HTTP/1.1: is another program there? name the address that"
                + " `recount node` tells"
        case .redirected(let url, let target):
            "\(url) sends on to \(target.prefix(200).visible), which is not followed: name the"
                + " node itself"
        case .refused(let url, let refusal): refusal.text(url)
        case .nonsense(let url, let path, let problem):
            "\(url)\(path.visible) is not what a node of this version answers:"
                + " \(problem.prefix(300).visible)"
        }
    }
}

extension NodeRefusal {
    fileprivate func text(_ url: NodeURL) -> String {
        let said = "\(message.prefix(500).visible)"
        let place = field.map { "\($0.prefix(80).visible): " } ?? ""
        let again = retryAfterSeconds.map { "; come again in \($0) s" } ?? ""
        return switch status {
        case 429: "\(url) is asked too much: \(said)\(again)"
        case 503: "\(url) cannot answer now: \(said)\(again)"
        case 500...: "\(url) failed (\(status)): \(said)"
        default: "\(url) says no (\(status) \(error.prefix(80).visible)): \(place)\(said)\(again)"
        }
    }
}
