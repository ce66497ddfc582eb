// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// One request and its answer on a connection of its own, taken part by part.
///
/// Nothing is read that nobody asked for: a node that never ends its answer fills one buffer. Not
/// to be used on an event loop: it blocks.
final class Exchange: Sendable {
    /// What is asked.
    struct Question: Sendable {
        var method: HTTPMethod = .GET
        /// Path and query, encoded.
        var target: String
        var headers: HTTPHeaders = [:]
        var body: [UInt8] = []
    }

    /// Bytes of all headers of an answer.
    private static let headBytesMax = 32 << 10
    /// Headers of an answer.
    private static let headersMax = 64

    private let url: NodeURL
    private let seconds: Int64
    private let deadline: ContinuousClock.Instant
    private let channel: any Channel
    private let inbox: Inbox

    /// Connects and asks; the whole answer is to come within `seconds`.
    init(_ url: NodeURL, _ question: Question, seconds: Int64) throws(ClientError) {
        self.url = url
        self.seconds = seconds
        deadline = .now + .seconds(seconds)
        let inbox = Inbox()
        self.inbox = inbox
        do {
            channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(min(seconds, 10)))
                .channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        var bounds = NIOHTTPDecoderLimitConfiguration()
                        bounds.maxHeaderFieldSize = Self.headBytesMax
                        bounds.maxHeaderListSize = Self.headBytesMax
                        bounds.maxHeaderFieldCount = Self.headersMax
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHTTPClientHandlers(
                            leftOverBytesStrategy: .dropBytes,
                            enableOutboundHeaderValidation: true, encoderConfiguration: .init(),
                            decoderLimitConfiguration: bounds)
                        try pipeline.addHandler(InboxHandler(inbox))
                    }
                }
                .connect(host: url.host, port: Int(url.port)).wait()
        } catch {
            throw .cannotConnect(url, problem: Self.words(error))
        }
        ask(question)
    }

    private func ask(_ question: Question) {
        var head = HTTPRequestHead(
            version: .http1_1, method: question.method, uri: url.prefix + question.target,
            headers: question.headers)
        head.headers.add(name: "Host", value: url.authority)
        head.headers.add(name: "Connection", value: "close")
        head.headers.add(name: "User-Agent", value: "recount")
        if question.method == .POST {
            head.headers.add(name: "Content-Length", value: "\(question.body.count)")
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if !question.body.isEmpty {
            let body = ByteBuffer(bytes: question.body)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        }
        // What cannot be sent is seen when the answer is taken: it may have come already.
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private static func words(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return "\(error)" }
        if let first = error.connectionErrors.first?.error { return words(of: first) }
        return "there is no such host"
    }

    private static func words(of error: any Error) -> String {
        (error as? IOError).map { "\($0.errnoCode == ECONNREFUSED ? "refused" : "\($0)")" }
            ?? "\(error)"
    }

    /// The next part of the answer; nil after its end.
    ///
    /// - Parameter within: Where given, how long to wait for this part, in place of the deadline of
    ///   the whole.
    func next(within idle: Int64? = nil) throws(ClientError) -> HTTPClientResponsePart? {
        let end = idle.map { .now + .seconds($0) } ?? deadline
        while true {
            switch inbox.pop() {
            case .part(let part): return part
            case .over(nil): throw .cutShort(url)
            case .over(let error?): throw failure(error)
            case .nothing: break
            }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { throw .slow(url, seconds: idle ?? seconds) }
            channel.read()
            inbox.wait(milliseconds: Int(left / .milliseconds(1)) + 1)
        }
    }

    private func failure(_ error: any Error) -> ClientError {
        switch error {
        case HTTPParserError.invalidEOFState: .cutShort(url)
        case is HTTPParserError, is NIOHTTPDecoderError: .notHTTP(url)
        default: .cutShort(url)
        }
    }

    /// Ends the connection.
    func close() { channel.close(promise: nil) }

    deinit { close() }
}

/// What has come of an answer and was not taken.
private final class Inbox: Sendable {
    enum Found {
        case part(HTTPClientResponsePart)
        case nothing
        /// Nothing more comes, by this error or by the end of the connection.
        case over((any Error)?)
    }

    private struct Contents {
        var parts: [HTTPClientResponsePart] = []
        var isOver = false
        var error: (any Error)?
    }

    private let contents = Mutex(Contents())
    private let bell = DispatchSemaphore(value: 0)

    func put(_ part: HTTPClientResponsePart) {
        contents.withLock { $0.parts.append(part) }
        bell.signal()
    }

    func end(_ error: (any Error)?) {
        contents.withLock { contents in
            guard !contents.isOver else { return }
            contents.isOver = true
            contents.error = error
        }
        bell.signal()
    }

    func pop() -> Found {
        contents.withLock { contents in
            if !contents.parts.isEmpty { return .part(contents.parts.removeFirst()) }
            return contents.isOver ? .over(contents.error) : .nothing
        }
    }

    func wait(milliseconds: Int) {
        _ = bell.wait(timeout: .now() + .milliseconds(milliseconds))
    }
}

/// Puts what comes into an inbox.
private final class InboxHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let inbox: Inbox
    /// Whether the bytes that are being read have ended a part.
    private var hasPart = false

    init(_ inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasPart = true
        inbox.put(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Bytes that end no part tell nobody that more are to be read.
        if !hasPart { context.read() }
        hasPart = false
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        inbox.end(nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.end(error)
        context.close(promise: nil)
    }
}
