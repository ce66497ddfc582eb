// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// The entries of a node's ledger as they come: server-sent events, whose numbers alone count.
package struct EventStream {
    /// How long a stream may be silent: a node says every fifteen seconds that it is there.
    private static let silentSeconds: Int64 = 60
    /// Bytes of a line; an entry as JSON is shorter.
    private static let lineBytesMax = 4 << 20

    private let node: RemoteNode
    private let exchange: Exchange
    private var line: [UInt8] = []

    /// Follows a node from an entry on.
    package init(_ node: RemoteNode, from start: UInt64) throws(ClientError) {
        self.node = node
        exchange = try Exchange(
            node.url, Exchange.Question(target: "/events?from=\(start)"),
            seconds: Self.silentSeconds)
        let head = try node.head(of: exchange)
        guard head.status == .ok else {
            throw node.refusal(head, try node.body(of: exchange, 64 << 10))
        }
        guard head.headers.first(name: "Content-Type") == "text/event-stream" else {
            throw .nonsense(node.url, path: "/events", problem: "it is no stream of events")
        }
    }

    /// Waits for entries; returns the number after the newest that came.
    package mutating func next() throws(ClientError) -> UInt64 {
        while true {
            guard case .body(let bytes)? = try exchange.next(within: Self.silentSeconds) else {
                throw .cutShort(node.url)
            }
            var newest: UInt64?
            for byte in bytes.readableBytesView {
                guard byte == UInt8(ascii: "\n") else {
                    guard line.count < Self.lineBytesMax else {
                        throw .tooLong(node.url, bytesMax: Self.lineBytesMax)
                    }
                    line.append(byte)
                    continue
                }
                if let entry = try entry() { newest = entry }
                line.removeAll(keepingCapacity: true)
            }
            if let newest { return newest + 1 }
        }
    }

    /// The entry that the line names; nil for a line of another kind.
    private func entry() throws(ClientError) -> UInt64? {
        guard line.starts(with: Array("id: ".utf8)) else { return nil }
        guard let entry = UInt64(String(decoding: line.dropFirst(4), as: UTF8.self)),
            entry < .max
        else { throw .nonsense(node.url, path: "/events", problem: "an id is no entry") }
        return entry
    }

    /// Ends it.
    package func close() { exchange.close() }
}
