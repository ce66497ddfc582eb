// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Node
import Synchronization
import TestSupport
import Testing

/// What came back.
struct Reply {
    var status = 0
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    func object() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    /// Reads a response; nil where the bytes are none.
    init?(_ bytes: [UInt8]) {
        let text = bytes
        guard let end = text.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: text[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        guard let code = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        status = code
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        body = Array(text[end.upperBound...])
        if headers["transfer-encoding"] == "chunked" { body = Self.chunks(body) }
    }

    private static func chunks(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: [0x0D, 0x0A]) {
            let digits = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            guard let count = Int(digits, radix: 16), count > 0 else { break }
            result += rest[end.upperBound...].prefix(count)
            rest = rest[end.upperBound...].dropFirst(count + 2)
        }
        return result
    }
}

/// A client that says what it is told to, byte by byte.
struct HTTP: Sendable {
    let address: HostPort
    /// The address that it comes from; nil for the usual one.
    let from: String?

    init(_ address: HostPort, from: String? = nil) {
        self.address = address
        self.from = from
    }

    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Reply {
        try await send("GET", path, headers, [])
    }

    func post(
        _ path: String, _ body: [UInt8], type: String = "application/octet-stream"
    ) async throws -> Reply {
        try await send("POST", path, ["Content-Type": type], body)
    }

    func send(
        _ method: String, _ path: String, _ headers: [String: String], _ body: [UInt8]
    ) async throws -> Reply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: node\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        let bytes = try await raw(Array((head + "\r\n").utf8) + body)
        return try #require(Reply(bytes), "\(String(decoding: bytes, as: UTF8.self))")
    }

    /// Says bytes, and gives all that comes until the node closes, or until so many seconds.
    func raw(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await connect { connection in
            try await connection.say(bytes)
            return await connection.hear()
        }
    }

    /// Opens a connection for as long as `body` runs.
    ///
    /// - Parameter isDeaf: Whether it never reads what comes.
    func connect<Value: Sendable>(
        isDeaf: Bool = false, _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await Connection(address, isDeaf: isDeaf, from: from)
        do {
            let value = try await body(connection)
            connection.close()
            return value
        } catch {
            connection.close()
            throw error
        }
    }
}

/// A connection, as a client holds it.
final class Connection: Sendable {
    private struct Contents {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private final class Heard: Sendable {
        let contents = Mutex(Contents())
    }

    private final class Ear: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let heard: Heard

        init(_ heard: Heard) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(buffer: unwrapInboundIn(data))
            heard.contents.withLock { $0.bytes += bytes }
        }

        func channelInactive(context: ChannelHandlerContext) {
            heard.contents.withLock { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let heard: Heard
    private let channel: any Channel

    init(_ address: HostPort, isDeaf: Bool = false, from: String? = nil) async throws {
        let heard = Heard()
        self.heard = heard
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: !isDeaf)
            .channelInitializer { $0.pipeline.addHandler(Ear(heard)) }
        if let from {
            bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: from, port: 0))
        }
        channel = try await bootstrap.connect(host: address.host, port: Int(address.port)).get()
    }

    /// What came so far.
    var bytes: [UInt8] { heard.contents.withLock { $0.bytes } }

    /// The same as text.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the node has closed it.
    var isClosed: Bool { heard.contents.withLock { $0.isClosed } || !channel.isActive }

    func close() { channel.close(promise: nil) }

    /// Says nothing more, and goes on reading.
    func closeOutput() { channel.close(mode: .output, promise: nil) }

    func say(_ text: String) async throws { try await say(Array(text.utf8)) }

    func say(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Waits until what came is enough, the node closes, or time is up; returns what came.
    @discardableResult
    func hear(
        seconds: Double = testPatienceSeconds,
        until isEnough: (String) -> Bool = { _ in false }
    ) async -> [UInt8] {
        let end = ContinuousClock.now + .seconds(seconds)
        while !isClosed, .now < end, !isEnough(text) {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { break }
        }
        return bytes
    }
}
