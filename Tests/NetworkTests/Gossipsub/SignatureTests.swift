// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import Testing

@Suite("gossipsub: signatures of messages")
struct SignatureTests {
    static let key = SigningKey(seed: Bytes32([UInt8](repeating: 1, count: 32)) ?? .zero)
    static let other = SigningKey(seed: Bytes32([UInt8](repeating: 2, count: 32)) ?? .zero)

    static var message: GossipMessage {
        GossipMessage(topic: Bench.topic, data: [7], sequence: 0x0102, signedWith: key)
    }

    @Test("a signed message has its author, a number and a signature, and no key")
    func signing() throws {
        let message = Self.message
        #expect(message.author == PeerID(Self.key.publicKey).bytes)
        #expect(message.sequence == [0, 0, 0, 0, 0, 0, 1, 2])
        #expect(message.key == nil)
        #expect(message.check(by: .signed) == .proper)
        #expect(message.check(by: .unsigned) == .improper)
        let id = PeerID(Self.key.publicKey).bytes + [0, 0, 0, 0, 0, 0, 1, 2]
        #expect(message.id(by: .signed).bytes == id)
        #expect(try GossipMessage(bytes: message.bytes[...]) == message)
    }

    @Test("the key may be there, and must be the author's")
    func keys() {
        var message = Self.message
        message.key = KeyMessage.encode(Self.key.publicKey)
        #expect(message.check(by: .signed) == .proper)
        message.key = KeyMessage.encode(Self.other.publicKey)
        #expect(message.check(by: .signed) == .improper)
    }

    @Test("each field is signed, and so are fields that are not known")
    func fields() throws {
        var changed: [GossipMessage] = []
        func add(_ change: (inout GossipMessage) -> Void) {
            var message = Self.message
            change(&message)
            changed.append(message)
        }
        add { $0.author = PeerID(Self.other.publicKey).bytes }
        add { $0.author = nil }
        add { $0.author = [1, 2, 3] }
        add { $0.data = [8] }
        add { $0.sequence = [0, 0, 0, 0, 0, 0, 1, 3] }
        add { $0.sequence = [1] }
        add { $0.sequence = nil }
        add { $0.topic = Topic("u") }
        add { $0.signature = nil }
        add { $0.signature?[0] ^= 1 }
        add { $0.signature = [1, 2] }
        add { $0.unknown = [0x38, 1] }
        #expect(changed.map { $0.check(by: .signed) }.allSatisfy { $0 == .improper })

        var extended = Self.message
        extended.unknown = [0x38, 1]
        let signed = Array("libp2p-pubsub:".utf8) + Self.unsignedBytes(extended)
        extended.signature = Self.key.sign(signed).bytes
        #expect(extended.check(by: .signed) == .proper)
        let read = try GossipMessage(bytes: extended.bytes[...])
        #expect(read.check(by: .signed) == .proper)
    }

    private static func unsignedBytes(_ message: GossipMessage) -> [UInt8] {
        var bare = message
        bare.signature = nil
        return bare.bytes
    }

    @Test("data that is absent is not data that is empty")
    func absence() throws {
        var writer = ProtobufWriter()
        writer.write(4, bytes: Bench.topic.bytes)
        let absent = try GossipMessage(bytes: writer.bytes[...])
        #expect(absent.omitsData)
        #expect(absent.bytes == writer.bytes)
        writer.write(2, bytes: [UInt8]())
        #expect(try !GossipMessage(bytes: writer.bytes[...]).omitsData)
    }

    @Test("a key of another kind is neither right nor wrong")
    func otherKinds() {
        var message = Self.message
        // The SHA-256 multihash of a key of RSA.
        message.author = [0x12, 0x20] + [UInt8](repeating: 5, count: 32)
        #expect(message.check(by: .signed) == .unknownKey)
        var writer = ProtobufWriter()
        writer.write(1, varint: 2)
        writer.write(2, bytes: [UInt8](repeating: 2, count: 33))
        message.author = [0, UInt8(writer.bytes.count)] + writer.bytes
        #expect(message.check(by: .signed) == .unknownKey)
    }

    @Test("an unsigned topic takes nothing but topic and data")
    func unsigned() {
        let bare = GossipMessage(topic: Bench.topic, data: [7])
        #expect(bare.check(by: .unsigned) == .proper)
        #expect(bare.check(by: .signed) == .improper)
        for change in 0..<5 {
            var message = bare
            switch change {
            case 0: message.author = []
            case 1: message.sequence = []
            case 2: message.signature = []
            case 3: message.key = []
            default: message.unknown = [0x38, 1]
            }
            #expect(message.check(by: .unsigned) == .improper)
        }
    }

    private func bench(key: SigningKey? = nil) -> Bench {
        var bench = Bench(key: key) { settings in
            settings.topics.update(Bench.topic) { $0.policy = .signed }
        }
        bench.connect(1...3)
        bench.heartbeat()
        return bench
    }

    @Test("a topic that wants signatures drops messages without, at the cost of who brings them")
    func strict() {
        var bench = bench()
        #expect(bench.receive(1, Bench.saying("a")).isEmpty)
        #expect(bench.parts(1).topics < -19)
    }

    @Test("a false signature does not keep the true message out")
    func noSuppression() {
        var bench = bench()
        var forged = Self.message
        forged.data = [9]
        var rpc = RPC()
        rpc.messages = [forged]
        #expect(bench.receive(1, rpc).isEmpty)
        rpc.messages = [Self.message]
        #expect(bench.receive(2, rpc).token != nil)
    }

    @Test("a message goes neither back to its author nor is it news to it")
    func authors() throws {
        let author = PeerID(Self.key.publicKey)
        var bench = bench()
        bench.step(.connected(author, version: .meshsub11, isOutbound: true, address: nil))
        bench.step(.received(Bench.joining(), from: author))
        bench.heartbeat()
        #expect(bench.mesh.contains(author))
        var rpc = RPC()
        rpc.messages = [Self.message]
        let token = try #require(bench.receive(1, rpc).token)
        let receivers = bench.step(.verdict(token, .accept)).receivers
        #expect(receivers == [Bench.peer(2), Bench.peer(3)])

        var own = self.bench(key: Self.key)
        #expect(own.receive(1, rpc).isEmpty)
        #expect(own.parts(1).topics >= 0)
    }

    @Test("published messages are signed and numbered")
    func publishing() throws {
        var bench = bench(key: Self.key)
        let sent = (0..<2).flatMap { bench.step(.publish(Bench.topic, [UInt8($0)])).sent }
        let messages = sent.flatMap(\.rpc.messages)
        #expect(messages.count == 6)
        #expect(messages.allSatisfy { $0.check(by: .signed) == .proper })
        #expect(Set(messages.compactMap(\.sequence)).count == 2)
        var keyless = self.bench()
        #expect(keyless.step(.publish(Bench.topic, [1])) == [.unpublished(Bench.topic, .noKey)])
    }
}
