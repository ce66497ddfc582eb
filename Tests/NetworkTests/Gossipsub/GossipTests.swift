// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import Testing

@Suite("gossipsub: IHAVE, IWANT and peer exchange")
struct GossipTests {
    static func ids(_ count: Int, _ mark: UInt8 = 0) -> [MessageID] {
        (0..<count).map { MessageID(bytes: [mark, UInt8($0 >> 8), UInt8($0 & 0xFF)]) }
    }

    @Test("peers outside of the mesh are told of messages for three heartbeats")
    func telling() throws {
        var bench = Bench { $0.degreeOut = 0 }
        bench.connect(1...12)
        bench.heartbeat()
        try bench.bring(1, "a", .accept)
        for _ in 0..<3 {
            let effects = bench.heartbeat()
            #expect(effects.gossiped == (1...12).map(Bench.peer).filter(notIn(bench.mesh)))
            #expect(effects.sent.flatMap(\.rpc.haves).allSatisfy { $0.ids == [Bench.id("a")] })
        }
        #expect(bench.heartbeat().gossiped.isEmpty)
    }

    private func notIn(_ mesh: [PeerID]) -> (PeerID) -> Bool { { !mesh.contains($0) } }

    @Test("a quarter of the peers is told where that is more than D_lazy")
    func factor() throws {
        var bench = Bench()
        bench.connect(1...46)
        bench.heartbeat()
        try bench.bring(1, "a", .accept)
        #expect(bench.heartbeat().gossiped.count == 10)
    }

    @Test("a peer below the gossip threshold is told nothing and not listened to")
    func threshold() throws {
        var bench = Bench()
        bench.connect(1...2)
        bench.heartbeat()
        try bench.bring(1, "a", .accept)
        bench.connect(3...4)
        bench.step(.applicationScore(-101, of: Bench.peer(3)))
        bench.step(.applicationScore(-99, of: Bench.peer(4)))
        #expect(bench.receive(3, Bench.wanting([Bench.id("a")])).isEmpty)
        #expect(bench.receive(4, Bench.wanting([Bench.id("a")])).receivers == [Bench.peer(4)])
        #expect(bench.receive(3, Bench.having(Self.ids(1))).isEmpty)
        #expect(bench.receive(4, Bench.having(Self.ids(1))).wanted == Self.ids(1))
        #expect(bench.heartbeat().gossiped == [Bench.peer(4)])
    }

    @Test("a message can be asked for during five heartbeats, three times by each")
    func asking() throws {
        var bench = Bench()
        bench.connect(1...3)
        try bench.bring(1, "a", .accept)
        let want = Bench.wanting([Bench.id("a"), Bench.id("a"), Bench.id("nothing")])
        for _ in 0..<3 { #expect(bench.receive(2, want).receivers == [Bench.peer(2)]) }
        #expect(bench.receive(2, want).isEmpty)
        bench.heartbeat(4)
        #expect(bench.receive(3, want).receivers == [Bench.peer(3)])
        bench.heartbeat()
        #expect(bench.receive(3, want).isEmpty)
    }

    @Test("only what has not been seen is asked for, and only in topics of this node")
    func seen() throws {
        var bench = Bench()
        bench.connect(1...2)
        try bench.bring(1, "a", .accept)
        let new = MessageID(bytes: [1])
        #expect(bench.receive(2, Bench.having([Bench.id("a"), new, new])).wanted == [new])
        #expect(bench.receive(2, Bench.having([new], Topic("other"))).isEmpty)
    }

    @Test("ten RPCs with IHAVE of a peer are looked at between heartbeats")
    func haveMessages() {
        var bench = Bench()
        bench.connect([1])
        let asked = (0..<12).map {
            bench.receive(1, Bench.having(Self.ids(1, UInt8($0)))).wanted.count
        }
        #expect(asked == [Int](repeating: 1, count: 10) + [0, 0])
        bench.heartbeat()
        #expect(bench.receive(1, Bench.having(Self.ids(1, 99))).wanted.count == 1)
    }

    @Test("five thousand ids are asked of a peer between heartbeats")
    func haveIDs() {
        var bench = Bench()
        bench.connect([1])
        #expect(bench.receive(1, Bench.having(Self.ids(3000, 1))).wanted.count == 3000)
        #expect(bench.receive(1, Bench.having(Self.ids(3000, 2))).wanted.count == 2000)
        #expect(bench.receive(1, Bench.having(Self.ids(3000, 3))).wanted.count == 0)
    }

    @Test("IHAVE that is not followed by the message costs; by whomever it comes, it does not")
    func promises() throws {
        var bench = Bench { $0.score.behaviourThreshold = 0 }
        bench.connect(1...3)
        bench.receive(1, Bench.having(Self.ids(5)))
        bench.receive(2, Bench.having([Bench.id("b")]))
        bench.heartbeat(2)
        #expect(bench.parts(1).behaviour == 0)
        try bench.bring(3, "b", .ignore)
        bench.heartbeat()
        #expect(bench.parts(1).behaviour == -10)
        #expect(bench.parts(2).behaviour == 0)
    }

    @Test("the cache is bounded in bytes and in number")
    func cache() throws {
        var bench = Bench {
            $0.limits.cachedBytes = 3000
            $0.limits.cachedMessages = 4
        }
        bench.connect(1...2)
        func isThere(_ text: String) -> Bool {
            !bench.receive(2, Bench.wanting([Bench.id(text)])).isEmpty
        }
        let texts = (0..<4).map { String(repeating: "\($0)", count: 900) }
        for text in texts { try bench.bring(1, text, .accept) }
        #expect(texts.map(isThere) == [false, true, true, true])
        for text in ["a", "b", "c", "d", "e"] {
            try bench.bring(1, text, .accept)
        }
        #expect(["a", "b", "c", "d", "e"].map(isThere) == [false, true, true, true, true])
    }

    @Test("IHAVE of many topics is told in RPCs that others take")
    func manyIDs() throws {
        let topics = (0..<3).map { Topic("\($0)") }
        // Without meshes, so that everybody is told of everything.
        var bench = Bench { settings in
            settings.degree = 0
            settings.degreeLow = 0
            settings.degreeHigh = 0
            settings.degreeScore = 0
            settings.degreeOut = 0
            settings.standardTopic.floodsPublished = false
        }
        for topic in topics { bench.step(.subscribe(topic)) }
        bench.connect([1], joins: false)
        for topic in topics {
            bench.receive(1, Bench.joining(topic))
            for number in 0..<1700 {
                bench.step(.publish(topic, [UInt8(number >> 8), UInt8(number & 0xFF)]))
            }
        }
        let sent = bench.heartbeat().sent
        #expect(sent.map { $0.rpc.haves.map(\.ids.count) } == [[1700], [1700], [1700]])
        for (rpc, _) in sent { #expect(try RPC(bytes: rpc.bytes[...]) == rpc) }
    }

    // MARK: - Peer exchange

    static let named = SigningKey(seed: Bytes32([UInt8](repeating: 3, count: 32)) ?? .zero)
    static var record: [UInt8] {
        let address = Multiaddr.tcp(.ip4(0x0A00_0001), 4001)
        return PeerRecord.seal(sequence: 1, addresses: [address], with: named)
    }
    static var hint: RPC.PeerHint {
        RPC.PeerHint(peer: PeerID(named.publicKey).bytes, record: record)
    }

    @Test("a named peer is connected to, by its own signed record")
    func exchange() throws {
        var bench = Bench()
        bench.connect(1...2)
        bench.heartbeat()
        let record = try PeerRecord.open(Self.record[...])
        #expect(bench.receive(1, Bench.pruning([Self.hint])) == [.connect(record)])
        bench.step(.applicationScore(-1, of: Bench.peer(2)))
        #expect(bench.receive(2, Bench.pruning([Self.hint])).isEmpty)
        // Whoever was not in the mesh has no reason to name others.
        #expect(bench.receive(1, Bench.pruning([Self.hint])).isEmpty)
    }

    @Test("a record that is missing, false or of another is not followed")
    func falseRecords() {
        var bench = Bench { $0.score.behaviourThreshold = 0 }
        bench.connect(1...4)
        bench.heartbeat()
        let peer = PeerID(Self.named.publicKey).bytes
        var broken = Self.record
        broken[broken.count - 1] ^= 1
        let hints = [
            RPC.PeerHint(peer: peer, record: nil), RPC.PeerHint(peer: peer, record: [1, 2]),
            RPC.PeerHint(peer: peer, record: broken),
            RPC.PeerHint(peer: Bench.peer(77).bytes, record: Self.record),
        ]
        for (index, hint) in hints.enumerated() {
            #expect(bench.receive(index + 1, Bench.pruning([hint])).isEmpty)
        }
        #expect((1...4).map { bench.parts($0).behaviour } == [0, 0, -10, -10])
    }

    @Test("a peer that is connected is not connected to")
    func known() {
        var bench = Bench()
        bench.connect([1])
        bench.heartbeat()
        let named = PeerID(Self.named.publicKey)
        bench.step(.connected(named, version: .meshsub11, isOutbound: true, address: nil))
        #expect(bench.receive(1, Bench.pruning([Self.hint])).isEmpty)
    }

    @Test("of all that are named in an RPC sixteen are followed")
    func many() {
        let other = Topic("u")
        var bench = Bench()
        bench.step(.subscribe(other))
        bench.connect([1])
        bench.receive(1, Bench.joining(other))
        bench.heartbeat()
        let hints = (0..<40).map { number in
            let seed = Bytes32([UInt8(number)] + [UInt8](repeating: 4, count: 31)) ?? .zero
            let key = SigningKey(seed: seed)
            let record = PeerRecord.seal(
                sequence: 1, addresses: [.tcp(.ip4(1), 1)], with: key)
            return RPC.PeerHint(peer: PeerID(key.publicKey).bytes, record: record)
        }
        var rpc = Bench.pruning(Array(hints.prefix(20)))
        rpc.prunes += Bench.pruning(Array(hints.suffix(20)), other).prunes
        #expect(bench.receive(1, rpc).count == 16)
    }
}
