// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import NIOCore
import NIOPosix
import Testing

/// A server that says whatever a test wants, byte by byte.
final class RawServer: Sendable {
    /// What is answered to a request for a path.
    enum Answer: Sendable {
        /// These bytes, and then the end of the connection.
        case bytes([UInt8])
        /// These bytes, and then nothing.
        case silence([UInt8])
        /// These bytes, and then the last of them again and again.
        case endless([UInt8], [UInt8])
        /// These bytes, one every so many ms.
        case drip([UInt8], milliseconds: Int64)

        /// A good head with a body.
        static func json(_ text: String, status: String = "200 OK") -> Answer {
            let head =
                "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(text.utf8.count)\r\n\r\n"
            return .bytes(Array((head + text).utf8))
        }

        /// Text as it is, with line ends of HTTP.
        static func text(_ text: String) -> Answer {
            .bytes(Array(text.replacing("\n", with: "\r\n").utf8))
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let answer: @Sendable (String) -> Answer
        private var heard: [UInt8] = []

        init(_ answer: @escaping @Sendable (String) -> Answer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            heard += unwrapInboundIn(data).readableBytesView
            guard heard.firstRange(of: Array("\r\n\r\n".utf8)) != nil else { return }
            let words = String(decoding: heard, as: UTF8.self).split(separator: " ")
            heard = []
            let (channel, answer) = (context.channel, answer)
            let target = words.count > 1 ? String(words[1]) : ""
            // What is answered may itself have to be asked for.
            Thread.detachNewThread { Self.say(answer(target), channel) }
        }

        private static func say(_ answer: Answer, _ channel: any Channel) {
            switch answer {
            case .bytes(let bytes):
                channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in
                    channel.close(promise: nil)
                }
            case .silence(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            case .endless(let bytes, let more):
                channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
                go(on: channel, ByteBuffer(bytes: more))
            case .drip(let bytes, let milliseconds):
                drip(bytes[...], .milliseconds(milliseconds), channel)
            }
        }

        private static func go(on channel: any Channel, _ more: ByteBuffer) {
            channel.writeAndFlush(more).whenSuccess { go(on: channel, more) }
        }

        private static func drip(
            _ bytes: ArraySlice<UInt8>, _ pause: TimeAmount, _ channel: any Channel
        ) {
            guard let first = bytes.first, channel.isActive else { return }
            channel.writeAndFlush(ByteBuffer(bytes: [first]), promise: nil)
            channel.eventLoop.scheduleTask(in: pause) { drip(bytes.dropFirst(), pause, channel) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    let url: NodeURL
    private let channel: any Channel

    init(_ answer: @escaping @Sendable (String) -> Answer) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let text = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
        url = try #require(NodeURL(text))
    }

    deinit { channel.close(promise: nil) }
}
