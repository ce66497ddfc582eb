// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// What is answered.
struct Response: Sendable {
    /// What comes after the head.
    enum Body: Sendable {
        /// All of it.
        case bytes(ByteBuffer)
        /// Whatever is written until the call ends.
        case stream(@Sendable (BodyWriter) async throws -> Void)
    }

    /// The status.
    var status: HTTPResponseStatus
    /// The headers, without those about length and connection.
    var headers: HTTPHeaders
    /// The body.
    var body: Body

    /// A value as JSON.
    static func json(
        _ value: some Encodable, _ status: HTTPResponseStatus = .ok
    ) throws -> Response {
        Response(
            status: status, headers: ["Content-Type": "application/json"],
            body: .bytes(ByteBuffer(string: try AnswerJSON.encode(value))))
    }

    /// Bytes as they are; `isForEver` where they never change.
    static func bytes(
        _ bytes: [UInt8], _ type: String = "application/octet-stream", isForEver: Bool = false
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                "Content-Type": type,
                "Cache-Control": isForEver
                    ? "public, max-age=31536000, immutable" : "no-cache",
            ], body: .bytes(ByteBuffer(bytes: bytes)))
    }
}

/// The parts of a response on their way out.
typealias ResponsePart = HTTPPart<HTTPResponseHead, ByteBuffer>

/// Writes a body, the next part when the reader has taken enough of what was written.
struct BodyWriter: Sendable {
    /// Bytes that are written at once.
    static let partBytes = 32 << 10

    /// The connection.
    let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ResponsePart>

    init(_ channel: any Channel, _ outbound: NIOAsyncChannelOutboundWriter<ResponsePart>) {
        self.channel = channel
        self.outbound = outbound
    }

    /// Writes parts of a response at once.
    func send(_ parts: ResponsePart...) async throws {
        try await outbound.write(contentsOf: parts)
    }

    /// Nothing more is written.
    func finish() { outbound.finish() }

    /// Writes bytes; throws where the connection has ended.
    func write(_ bytes: ByteBuffer) async throws {
        var rest = bytes
        while rest.readableBytes > 0,
            let part = rest.readSlice(length: min(Self.partBytes, rest.readableBytes))
        {
            try await outbound.write(.body(part))
        }
    }
}
