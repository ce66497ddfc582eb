// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// Keeps one connection within the limits: that there is room for it, and the time and bytes that
/// its heads, bodies and readings may take.
///
/// It stands behind the decoder. A part of a head that has not ended is unseen, and counts as none.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = ResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: APILimits
    private let connections: Connections
    private var address: ClientAddress?
    private var isWatched = false

    /// Heads that have come less responses that have ended.
    private var underWay = 0
    private var closesAfterResponse = false
    private var isLingering = false
    /// Whether the response under way is a stream that goes on until its reader leaves.
    private var isStreaming = false
    private var isInputClosed = false

    private var headDeadline: NIODeadline?
    private var bodyDeadline: NIODeadline?
    private var stallDeadline: NIODeadline?
    private var lingerDeadline: NIODeadline?

    init(_ limits: APILimits, _ connections: Connections) {
        self.limits = limits
        self.connections = connections
    }

    // MARK: Coming and going

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func enter(_ context: ChannelHandlerContext) {
        guard address == nil, !isLingering else { return }
        let address = ClientAddress(context.channel.remoteAddress)
        guard connections.enter(address) else { return turnAway(context) }
        self.address = address
        headDeadline = .now() + .milliseconds(limits.headMilliseconds)
        watch(context)
    }

    private func leave() {
        if let address { connections.leave(address) }
        address = nil
        isLingering = true
        isWatched = false
    }

    private func turnAway(_ context: ChannelHandlerContext) {
        isLingering = true
        let head = HTTPResponseHead(
            version: .http1_1, status: .serviceUnavailable,
            headers: ["Connection": "close", "Content-Length": "0", "Retry-After": "1"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    // MARK: Time

    /// Looks at the deadlines again and again, at a quarter of the shortest.
    private func watch(_ context: ChannelHandlerContext) {
        isWatched = true
        let shortest = min(
            limits.headMilliseconds, limits.bodyMilliseconds, limits.uploadMilliseconds,
            limits.stallMilliseconds, limits.lingerMilliseconds)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(max(5, shortest / 4))) {
            let (handler, context) = bound.value
            guard handler.isWatched else { return }
            let deadlines = [
                handler.headDeadline, handler.bodyDeadline, handler.stallDeadline,
                handler.lingerDeadline,
            ]
            if deadlines.contains(where: { $0.map { $0 <= .now() } ?? false }) {
                context.close(promise: nil)
            } else {
                handler.watch(context)
            }
        }
    }

    /// A reader of a stream that says nothing more has left: what it asked has long come.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            isInputClosed = true
            if isStreaming { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallDeadline =
            context.channel.isWritable ? nil : .now() + .milliseconds(limits.stallMilliseconds)
        context.fireChannelWritabilityChanged()
    }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isLingering else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            underWay += 1
            headDeadline = nil
            let isUpload = head.method == .POST && head.uri.hasPrefix("/jobs")
            bodyDeadline =
                .now()
                + .milliseconds(isUpload ? limits.uploadMilliseconds : limits.bodyMilliseconds)
        case .body: break
        case .end: bodyDeadline = nil
        }
        context.fireChannelRead(data)
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            // What only says that the body may come is no response.
            if head.status != .continue {
                closesAfterResponse = head.headers["Connection"].contains("close")
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
            isStreaming = head.headers["Content-Type"].contains("text/event-stream")
            if isStreaming, isInputClosed { context.close(promise: nil) }
        case .body(let bytes):
            context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end(let trailers):
            underWay -= 1
            if underWay == 0 {
                headDeadline = .now() + .milliseconds(limits.headMilliseconds)
            }
            guard closesAfterResponse else {
                return context.write(wrapOutboundOut(.end(trailers)), promise: promise)
            }
            context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: promise)
            // An end at once, with bytes unread, could take the answer back.
            isLingering = true
            lingerDeadline = .now() + .milliseconds(limits.lingerMilliseconds)
            context.close(mode: .output, promise: nil)
        }
    }
}
