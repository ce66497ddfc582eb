// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import TestSupport
import Testing

@Suite("gossipsub: RPCs in bytes")
struct RPCTests {
    static var full: RPC {
        var rpc = RPC()
        rpc.subscriptions = [
            RPC.Subscription(joins: true, topic: Topic("a")),
            RPC.Subscription(joins: false, topic: Topic("b")),
        ]
        rpc.messages = [
            GossipMessage(topic: Topic("a"), data: [1, 2, 3]), SignatureTests.message,
        ]
        rpc.haves = [RPC.Have(topic: Topic("a"), ids: GossipTests.ids(3))]
        rpc.wants = [GossipTests.ids(2), []]
        rpc.grafts = [Topic("a")]
        rpc.prunes = [
            RPC.Prune(topic: Topic("b")),
            RPC.Prune(
                topic: Topic("c"),
                peers: [
                    RPC.PeerHint(peer: [1], record: [2, 3]),
                    RPC.PeerHint(peer: [4], record: nil),
                ], backoffSeconds: 60),
        ]
        return rpc
    }

    @Test("what is written is read")
    func roundTrip() throws {
        let bytes = Self.full.bytes
        #expect(try RPC(bytes: bytes[...]) == Self.full)
        #expect(try RPC(bytes: bytes[...]).bytes == bytes)
        #expect(RPC().bytes.isEmpty)
        #expect(RPC().isEmpty)
        #expect(try RPC(bytes: []).isEmpty)
        // A part of a larger array, whose indices do not begin at zero.
        #expect(try RPC(bytes: ([9, 9] + bytes)[2...]) == Self.full)
    }

    @Test("the bytes are those of the specification")
    func bytes() {
        #expect(Bench.joining().bytes == [0x0A, 5, 0x08, 1, 0x12, 1, 0x74])
        #expect(Bench.saying("x").bytes == [0x12, 6, 0x12, 1, 0x78, 0x22, 1, 0x74])
        #expect(Bench.grafting().bytes == [0x1A, 5, 0x1A, 3, 0x0A, 1, 0x74])
        let id = [MessageID(bytes: [7])]
        #expect(Bench.wanting(id).bytes == [0x1A, 5, 0x12, 3, 0x0A, 1, 7])
        #expect(Bench.having(id).bytes == [0x1A, 8, 0x0A, 6, 0x0A, 1, 0x74, 0x12, 1, 7])
        #expect(Bench.pruning().bytes == [0x1A, 7, 0x22, 5, 0x0A, 1, 0x74, 0x18, 60])
    }

    @Test("unknown fields are skipped, and those of a message are kept")
    func unknown() throws {
        let extra: [UInt8] = [0xA2, 0x06, 2, 1, 2]
        let bytes = Self.full.bytes + extra
        #expect(try RPC(bytes: bytes[...]) == Self.full)
        let message = Bench.saying("x").messages[0].bytes + extra
        let read = try GossipMessage(bytes: message[...])
        #expect(read.unknown == extra)
        #expect(read.bytes == message)
    }

    /// An RPC with a field of control repeated.
    private static func control(_ field: UInt32, _ content: [UInt8], _ count: Int) -> [UInt8] {
        var inner = ProtobufWriter()
        for _ in 0..<count { inner.write(field, bytes: content) }
        var writer = ProtobufWriter()
        writer.write(3, bytes: inner.bytes)
        return writer.bytes
    }

    private static func repeated(_ field: UInt32, _ content: [UInt8], _ count: Int) -> [UInt8] {
        var writer = ProtobufWriter()
        for _ in 0..<count { writer.write(field, bytes: content) }
        return writer.bytes
    }

    static let limited:
        [(name: String, field: UInt32, limit: Int, make: @Sendable (Int) -> [UInt8])] =
            [
                ("subscriptions", 1, 512, { repeated(1, [0x12, 0], $0) }),
                ("messages", 2, 4096, { repeated(2, [0x22, 0], $0) }),
                ("haves", 1, 512, { control(1, [0x0A, 0], $0) }),
                ("wants", 2, 512, { control(2, [], $0) }),
                ("grafts", 3, 512, { control(3, [0x0A, 0], $0) }),
                ("prunes", 4, 512, { control(4, [0x0A, 0], $0) }),
                ("ids of haves", 2, 10_000, { control(1, [0x0A, 0] + repeated(2, [], $0), 1) }),
                ("ids of wants", 1, 10_000, { control(2, repeated(1, [], $0), 1) }),
                ("hints", 2, 512, { control(4, [0x0A, 0] + repeated(2, [], $0), 1) }),
            ]

    @Test("there is a most of everything", arguments: limited.map(\.name))
    func limits(name: String) throws {
        let row = try #require(Self.limited.first { $0.name == name })
        #expect(throws: Never.self) { try RPC(bytes: row.make(row.limit)[...]) }
        #expect(throws: WireError.tooMany(field: row.field, limit: row.limit)) {
            try RPC(bytes: row.make(row.limit + 1)[...])
        }
    }

    @Test("ids and hints are counted over all entries")
    func limitsOverEntries() {
        let half = [0x0A, 0] + Self.repeated(2, [], 5001)
        #expect(throws: WireError.tooMany(field: 2, limit: 10_000)) {
            try RPC(bytes: Self.control(1, half, 2)[...])
        }
        let quarter = Self.repeated(1, [], 2501)
        #expect(throws: WireError.tooMany(field: 1, limit: 10_000)) {
            try RPC(bytes: Self.control(2, quarter, 4)[...])
        }
    }

    static let refused: [([UInt8], WireError)] = [
        ([0x0A, 2, 0x08, 1], .missing(field: 2)),
        ([0x12, 0], .missing(field: 4)),
        ([0x12, 6, 0x22, 1, 0x61, 0x22, 1, 0x62], .tooMany(field: 4, limit: 1)),
        (control(3, [], 1), .missing(field: 1)),
        (control(4, [], 1), .missing(field: 1)),
        (control(1, [], 1), .missing(field: 1)),
        ([0x08, 1], .unexpectedType(field: 1)),
        (control(2, [0x08, 1], 1), .unexpectedType(field: 1)),
        (
            repeated(2, repeated(4, [UInt8](repeating: 0x61, count: 257), 1), 1),
            .tooLong(length: 257, limit: 256)
        ),
        (
            control(2, repeated(1, [UInt8](repeating: 1, count: 129), 1), 1),
            .tooLong(length: 129, limit: 128)
        ),
        (
            repeated(2, repeated(5, [UInt8](repeating: 1, count: 1025), 1), 1),
            .tooLong(length: 1025, limit: 1024)
        ),
    ]

    @Test("what is not an RPC is refused", arguments: refused)
    func refusals(bytes: [UInt8], error: WireError) {
        #expect(throws: error) { try RPC(bytes: bytes[...]) }
    }

    @Test("whatever bytes come, they are read or refused, and what is read is written again")
    func garbage() throws {
        var generator = SplitMix64(seed: 11)
        let good = Self.full.bytes
        var readCount = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch generator.next() % 3 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: index)
                }
            }
            guard let rpc = try? RPC(bytes: bytes[...]) else { continue }
            readCount += 1
            #expect(try RPC(bytes: rpc.bytes[...]) == rpc)
        }
        #expect(readCount > 100)
    }
}
