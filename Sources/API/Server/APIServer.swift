// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import Node

/// The HTTP API of a node: it listens until it is stopped.
package final class APIServer: Sendable {
    /// Where it listens.
    package let address: HostPort
    /// What it answers: methods and paths, as routes are written.
    package let operations: [String]

    /// How many connections there are.
    package var connectionCount: Int { connections.count }

    private let connections: Connections
    private let desk: NodeDesk
    private let feed: NodeFeed
    private let group: MultiThreadedEventLoopGroup
    private let running: Task<Void, Never>

    /// Listens at an address and answers for a node.
    ///
    /// - Parameters:
    ///   - feed: What the node has told from its start.
    ///   - around: What answers are made from beside the node.
    package init(
        _ node: ValidatorNode, feed: NodeFeed, listen: HostPort, requestsPerSecond: UInt32,
        limits: APILimits = APILimits(), around: APISurroundings
    ) async throws(NodeError) {
        limits.check()
        let connections = Connections(limits)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let server: NIOAsyncChannel<Conversation.Channel, Never>
        do {
            server = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: listen.host, port: Int(listen.port)) { channel in
                    Self.configure(channel, limits, connections)
                }
        } catch {
            do { try await group.shutdownGracefully() } catch {
                // Its threads are gone either way.
            }
            throw .cannot("nothing can listen at \(listen): \(error)")
        }
        let desk = NodeDesk(node, feed, limits, parties: around.parties)
        let router = Routes.router(
            desk, Scraper(desk, around, connections), nodes: around.nodes)
        let conversation = Conversation(
            router: router, counts: ResponseCounts(around.metrics),
            meter: RateMeter(perSecond: requestsPerSecond, addressesMax: limits.addressesMax),
            budget: AnswerBudget(bytesMax: limits.answerBytesMax),
            bodyBytesMax: limits.bodyBytesMax, uploads: UploadPlaces(limits),
            readers: Set(around.nodes))
        let port = server.channel.localAddress?.port ?? Int(listen.port)
        address = HostPort(host: listen.host, port: UInt16(clamping: port))
        operations = router.operations
        self.connections = connections
        self.desk = desk
        self.feed = feed
        self.group = group
        running = Task { await Self.run(server, conversation, feed) }
    }

    private static func configure(
        _ channel: any Channel, _ limits: APILimits, _ connections: Connections
    ) -> EventLoopFuture<Conversation.Channel> {
        channel.eventLoop.makeCompletedFuture {
            var bounds = NIOHTTPDecoderLimitConfiguration()
            bounds.maxHeaderFieldSize = limits.headBytesMax
            bounds.maxHeaderListSize = limits.headBytesMax
            bounds.maxHeaderFieldCount = limits.headersMax
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false,
                withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: bounds)
            try pipeline.addHandler(ConnectionGuard(limits, connections))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: NIOAsyncChannel.Configuration(
                    backPressureStrategy: .init(lowWatermark: 2, highWatermark: 10),
                    isOutboundHalfClosureEnabled: true))
        }
    }

    private static func run(
        _ server: NIOAsyncChannel<Conversation.Channel, Never>, _ conversation: Conversation,
        _ feed: NodeFeed
    ) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await feed.run() }
            do {
                try await server.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { await conversation.run(connection) }
                    }
                }
            } catch {
                // The socket has failed, or the node ends; the connections that are there go on.
            }
        }
    }

    /// Ends it: streams and those who wait first, then the connections.
    package func stop() async {
        feed.end()
        // What was on its way out gets there.
        do { try await Task.sleep(for: .milliseconds(100)) } catch {
            // Then it is cut.
        }
        running.cancel()
        await running.value
        await desk.stop()
        do { try await group.shutdownGracefully() } catch {
            // Its threads are gone either way.
        }
    }
}
