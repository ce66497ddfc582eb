// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import Dispatch
import EventLog
import Ledger
import NIOCore
import NIOPosix
import Node
import Synchronization
import TestSupport
import Testing

/// Stands for what a server does with the parts of a response, and holds a reader up on demand.
private final class Sink: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = Any
    typealias OutboundOut = ByteBuffer

    /// What is written where no part of a response would be: a comment.
    private static let filler = ByteBuffer(string: ": filler\n\n")

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = Mirror(reflecting: unwrapOutboundIn(data)).children.first?.value
        guard let bytes = part as? ByteBuffer else { return }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    /// Leaves bytes unsent, of which a channel with these watermarks takes no more.
    static func fill(_ channel: any Channel) async throws {
        let loop = channel.eventLoop
        try await loop.submit {
            let context = try channel.pipeline.syncOperations.context(handlerType: Sink.self)
            context.write(NIOAny(filler), promise: nil)
        }.get()
    }
}

/// A reader of a stream over a socket, of which both ends are in hand.
private final class Reader: Sendable {
    let channel: any Channel
    private let connection: Connection
    private let server: any Channel

    init() async throws {
        let accepted = Mutex<(any Channel)?>(nil)
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 1, high: 2))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Sink())
                    accepted.withLock { $0 = channel }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(server.localAddress?.port ?? 0)
        connection = try await Connection(HostPort(host: "127.0.0.1", port: port))
        while accepted.withLock({ $0 })?.isActive != true {
            try await Task.sleep(for: .milliseconds(1))
        }
        channel = try #require(accepted.withLock { $0 })
    }

    /// Holds it up, as a reader does that takes nothing.
    func stick() async throws { try await Sink.fill(channel) }

    /// Has it take what was written.
    func loosen() async throws {
        channel.flush()
        while !channel.isWritable { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// It leaves.
    func leave() async throws {
        connection.close()
        try await channel.closeFuture.get()
    }

    /// What it has heard, by entry.
    var ids: [UInt64] {
        let name = Array("id: ".utf8)
        return connection.bytes.split(separator: UInt8(ascii: "\n"))
            .filter { $0.starts(with: name) }
            .compactMap { UInt64(String(decoding: $0.dropFirst(name.count), as: UTF8.self)) }
    }

    /// Waits until it has heard an entry, or half a minute; what it has heard then.
    func hears(_ entry: UInt64) async throws -> [UInt64] {
        let sign = Array("id: \(entry)\n".utf8)
        for _ in 0..<3_000 {
            // The end of what was heard is less than an event.
            let bytes = connection.bytes.suffix(8_192)
            if bytes.firstRange(of: sign) != nil, bytes.last == UInt8(ascii: "\n") { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        return ids
    }

    func close() {
        connection.close()
        server.close(promise: nil)
    }
}

/// A herald of a ledger that grows when a test says so.
private final class Growing: Sendable {
    let herald: Herald
    let log: EventLog
    /// The entries that are told of.
    private let size = Mutex<UInt64>(0)
    private let looks = Mutex(0)

    init(_ log: EventLog, _ names: LedgerNames, atOnce: UInt64 = 4) {
        self.log = log
        var limits = APILimits()
        limits.eventsAtOnce = atOnce
        limits.heartbeatMilliseconds = 600_000
        let source = Mutex<(@Sendable () -> UInt64)?>(nil)
        herald = Herald(limits) { (log, source.withLock { $0 }?() ?? 0) }
        herald.names.withLock { $0 = names }
        source.withLock {
            $0 = { [weak self] in
                let size = self?.size.withLock { $0 } ?? 0
                self?.looks.withLock { $0 += 1 }
                return size
            }
        }
    }

    /// How often the herald has looked what there is.
    var lookCount: Int { looks.withLock { $0 } }

    /// Grows to so many entries, and tells the herald.
    func grow(to size: UInt64) {
        self.size.withLock { $0 = size }
        herald.ring()
    }

    var now: UInt64 { size.withLock { $0 } }

    /// Waits until the herald has looked so often.
    func looked(_ count: Int) async throws {
        for _ in 0..<3_000 where lookCount < count { try await Task.sleep(for: .milliseconds(10)) }
        try #require(lookCount >= count)
    }
}

/// What a follower came to; nil where it has not ended in half a minute.
private func end(
    _ work: @escaping @Sendable () async -> Follower.End
) async -> Follower.End? {
    await withTaskGroup(of: Follower.End?.self) { group in
        group.addTask { await work() }
        group.addTask {
            do { try await Task.sleep(for: .seconds(30)) } catch { return nil }
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
}

extension APISuite {
    @Suite("Who follows a ledger", .serialized)
    struct FeedTests {
        /// Runs `body` with the log of a node that has decided some requests, and its names.
        private static func with(
            _ body: (EventLog, LedgerNames) async throws -> Void
        ) async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<6]))
                let log = try #require(node.process.node?.log)
                let answer = Mutex<LedgerNames?>(nil)
                node.process.node?.readState({ LedgerNames($0) }) { names in
                    answer.withLock { $0 = names }
                }
                for _ in 0..<3_000 where answer.withLock({ $0 }) == nil {
                    try await Task.sleep(for: .milliseconds(10))
                }
                try await body(log, try #require(answer.withLock { $0 }))
            }
        }

        @Test("a reader that leaves is let go at once, before it follows, while it does, and told")
        func leaving() async throws {
            try await Self.with { log, names in
                let growing = Growing(log, names)
                let herald = growing.herald
                growing.grow(to: 10)
                // It left while it caught up: it is never given anything.
                let early = try await Reader()
                let caught = StreamReader(early.channel)
                try await early.leave()
                #expect(await end { await herald.follow(caught, from: 10) } == .gone)
                // It leaves while it waits.
                let late = try await Reader()
                let waiting = StreamReader(late.channel)
                async let ended = end { await herald.follow(waiting, from: 10) }
                growing.grow(to: 11)
                #expect(try await late.hears(10) == [10])
                try await late.leave()
                #expect(await ended == .gone)
                // Nobody follows: the herald looks at nothing any more.
                let looked = growing.lookCount
                growing.grow(to: 20)
                try await Task.sleep(for: .milliseconds(200))
                #expect(growing.lookCount == looked)
                early.close()
                late.close()
                await herald.stop()
            }
        }

        @Test("a reader that does not take what was written is told where it stands, and no later")
        func slow() async throws {
            try await Self.with { log, names in
                let growing = Growing(log, names)
                let herald = growing.herald
                growing.grow(to: 10)
                let reader = try await Reader()
                let stream = StreamReader(reader.channel)
                async let first = end { await herald.follow(stream, from: 10) }
                growing.grow(to: 15)
                #expect(try await reader.hears(14) == Array(10..<15))
                try await reader.stick()
                growing.grow(to: 17)
                #expect(await first == .behind(15))
                // What comes meanwhile is not passed over either.
                growing.grow(to: 19)
                try await reader.loosen()
                async let second = end { await herald.follow(stream, from: 15) }
                #expect(try await reader.hears(18) == Array(10..<19))
                herald.end()
                #expect(await second == .over)
                reader.close()
                await herald.stop()
            }
        }

        @Test("what was passed to a reader before it fell behind is still given to it")
        func passed() async throws {
            try await Self.with { log, names in
                let growing = Growing(log, names)
                let herald = growing.herald
                growing.grow(to: 10)
                let reader = try await Reader()
                let stream = StreamReader(reader.channel)
                async let ended = end { await herald.follow(stream, from: 10) }
                try await growing.looked(1)
                // Its event loop is busy: what is passed waits there.
                let gate = DispatchSemaphore(value: 0)
                reader.channel.eventLoop.execute { gate.wait() }
                growing.grow(to: 12)
                try await growing.looked(2)
                growing.grow(to: 12 + 17)
                let came = await ended
                gate.signal()
                #expect(came == .behind(12))
                #expect(try await reader.hears(11) == [10, 11])
                reader.close()
                await herald.stop()
            }
        }

        @Test("a reader that lacks too much, or whom the herald cannot name, fetches it itself")
        func far() async throws {
            try await Self.with { log, names in
                let growing = Growing(log, names, atOnce: 1)
                let herald = growing.herald
                let reader = try await Reader()
                let stream = StreamReader(reader.channel)
                growing.grow(to: 30)
                #expect(await end { await herald.follow(stream, from: 20) } == .behind(20))
                // The first entry that speaks of somebody.
                let nobody = LedgerNames(validators: [])
                let entry = try #require(
                    try (1..<log.size).first {
                        try !EventPiece.render($0..<($0 + 1), log, nobody).isNamed
                    })
                growing.grow(to: entry)
                async let near = end { await herald.follow(stream, from: entry - 1) }
                #expect(try await reader.hears(entry - 1) == [entry - 1])
                herald.names.withLock { $0 = nobody }
                growing.grow(to: entry + 1)
                #expect(await near == .behind(entry))
                #expect(reader.ids == [entry - 1])
                reader.close()
                await herald.stop()
            }
        }

        @Test("however readers dawdle while a ledger grows, each hears every entry once, in order")
        func always() async throws {
            try await Self.with { log, names in
                // The node goes on; what it holds now is enough.
                let size = log.size
                for seed in 1...12 as ClosedRange<UInt64> {
                    let growing = Growing(log, names)
                    let herald = growing.herald
                    let reader = try await Reader()
                    let start = seed
                    growing.grow(to: start)
                    let following = Task { try await Self.follow(growing, reader, from: start) }
                    var random = SplitMix64(seed: seed)
                    while growing.now < size {
                        switch random.next() % 4 {
                        case 0: try await reader.stick()
                        case 1: try await reader.loosen()
                        case 2: try await Task.sleep(for: .milliseconds(random.next() % 4))
                        default: growing.grow(to: min(size, growing.now + random.next() % 25))
                        }
                    }
                    try await reader.loosen()
                    herald.ring()
                    let heard = try await reader.hears(size - 1)
                    #expect(heard == Array(start..<size), "seed \(seed)")
                    herald.end()
                    #expect(try await following.value == .over, "seed \(seed)")
                    reader.close()
                    await herald.stop()
                }
            }
        }

        /// What a stream of events does: fetches what it lacks, and is given the rest.
        private static func follow(
            _ growing: Growing, _ reader: Reader, from start: UInt64
        ) async throws -> Follower.End {
            enum Part { case body(ByteBuffer) }
            let stream = StreamReader(reader.channel)
            let names = growing.herald.names.withLock { $0 }
            var next = start
            while true {
                let size = growing.now
                if next < size {
                    let (piece, _) = try EventPiece.render(next..<size, growing.log, names)
                    reader.channel.writeAndFlush(Part.body(piece.bytes), promise: nil)
                    next = size
                }
                let end = await growing.herald.follow(stream, from: next)
                guard case .behind(let entry) = end else { return end }
                next = entry
            }
        }
    }
}
