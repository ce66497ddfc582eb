// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import TestSupport
import Testing

@Suite("mDNS: asking and answering")
struct PeerDiscoveryTests {
    private var generator = SplitMix64(seed: 4)
    private var node: PeerDiscovery
    private var other: PeerDiscovery
    private static let place = Multiaddr.tcp(.ip4(0x0A4D_0001), 4001)
    private static let second = Multiaddr.tcp(.ip4(0x0A4D_0001), 4002)

    init() {
        node = PeerDiscovery(
            peer: Bench.peer(1), addresses: [Self.place, Self.second], using: &generator)
        other = PeerDiscovery(peer: Bench.peer(2), addresses: [], using: &generator)
    }

    private static let question: [UInt8] = {
        var packet = DNSPacket()
        let service = DNSPacketTests.name("_p2p._udp.local")
        packet.questions = [.init(service, kind: DNSPacket.Kind.ptr)]
        return packet.bytes
    }()

    /// Asks, and gives what is answered by a time, with when.
    private mutating func answers(
        to question: [UInt8], at now: UInt64
    ) -> [(time: UInt64, packet: DNSPacket)] {
        #expect(node.receive(question, at: now, using: &generator).isEmpty)
        var answers: [(time: UInt64, packet: DNSPacket)] = []
        for time in now..<(now + 3000) {
            for case .send(let bytes) in node.tick(at: time, using: &generator) {
                if let packet = try? DNSPacket(bytes: bytes), packet.isResponse {
                    answers.append((time, packet))
                }
            }
        }
        return answers
    }

    @Test("a question is asked at once and then ever more seldom, to a minute")
    mutating func asking() {
        var times: [UInt64] = []
        for time in stride(from: UInt64(0), to: 600_000, by: 50) {
            for case .send(let bytes) in node.tick(at: time, using: &generator) {
                #expect(bytes == Self.question)
                times.append(time)
            }
            #expect(node.nextDeadline > time)
        }
        #expect(times.first == 0)
        #expect((12...18).contains(times.count))
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 <= 75_050 })
        #expect(gaps.prefix(5).allSatisfy { $0 <= 20_050 })
    }

    @Test("an answer names the addresses under a random name")
    mutating func answering() throws {
        let answers = answers(to: Self.question, at: 5000)
        let (time, packet) = try #require(answers.first)
        #expect(answers.count == 1)
        #expect((5020...5120).contains(time))
        #expect(packet.id == 0)
        #expect(packet.flags == 0x8400)
        guard case .pointer(let instance)? = packet.answers.first?.content else {
            Issue.record("no pointer")
            return
        }
        #expect(instance.labels[0].count >= 32)
        let texts = packet.additionals.compactMap { record -> [[UInt8]]? in
            guard case .texts(let texts) = record.content, record.name == instance
            else { return nil }
            return texts
        }
        let expected = [Self.place, Self.second].map {
            Array("dnsaddr=\($0.text)/p2p/\(Bench.peer(1).text)".utf8)
        }
        #expect(texts == [expected])
        let services = packet.additionals.filter { $0.kind == DNSPacket.Kind.srv }
        #expect(services.count == 2)
        #expect(packet.additionals.contains { $0.content == .address(0x0A4D_0001) })
    }

    @Test("there is at most one answer a second, however much is asked")
    mutating func rate() {
        for time in stride(from: UInt64(0), to: 1000, by: 10) {
            _ = node.receive(Self.question, at: time, using: &generator)
        }
        var times: [UInt64] = []
        for time in UInt64(0)..<10_000 {
            if time > 1000, time % 25 == 0 {
                _ = node.receive(Self.question, at: time, using: &generator)
            }
            for case .send(let bytes) in node.tick(at: time, using: &generator)
            where bytes != Self.question { times.append(time) }
        }
        #expect((5...10).contains(times.count))
        #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 >= 1000 })
    }

    @Test("who knows the answer gets none")
    mutating func knownAnswer() throws {
        let first = try #require(answers(to: Self.question, at: 0).first).packet
        var question = try DNSPacket(bytes: Self.question)
        question.answers = first.answers
        #expect(answers(to: question.bytes, at: 10_000).isEmpty)
        question.answers = first.answers.map {
            DNSPacket.Record($0.name, kind: $0.kind, seconds: 59, $0.content)
        }
        #expect(answers(to: question.bytes, at: 20_000).count == 1)
    }

    @Test("the name itself can be asked about, and which services there are")
    mutating func otherQuestions() throws {
        let first = try #require(answers(to: Self.question, at: 0).first).packet
        guard case .pointer(let instance)? = first.answers.first?.content else { return }
        var question = DNSPacket()
        question.questions = [.init(instance, kind: DNSPacket.Kind.txt)]
        #expect(answers(to: question.bytes, at: 10_000).count == 1)
        let services = DNSPacketTests.name("_services._dns-sd._udp.local")
        question.questions = [.init(services, kind: DNSPacket.Kind.ptr)]
        let meta = try #require(answers(to: question.bytes, at: 20_000).first).packet
        #expect(meta.answers.contains { $0.name == services })
        question.questions = [.init(DNSPacketTests.name("_http._tcp.local"), kind: 12)]
        #expect(answers(to: question.bytes, at: 30_000).isEmpty)
        // A question to be answered to the asker alone.
        let service = DNSPacketTests.name("_P2P._udp.LOCAL")
        question.questions = [.init(service, kind: 12, group: 0x8001)]
        #expect(answers(to: question.bytes, at: 40_000).count == 1)
    }

    @Test("a node learns of another, and not of itself")
    mutating func learning() throws {
        let packet = try #require(answers(to: Self.question, at: 0).first).packet
        #expect(node.receive(packet.bytes, at: 5000, using: &generator).isEmpty)
        let found = other.receive(packet.bytes, at: 5000, using: &generator)
        #expect(found == [.found(Bench.peer(1), [Self.place, Self.second])])
        // Again only when it is news or some time has passed; and whatever the id is.
        var again = packet
        again.id = 77
        #expect(other.receive(again.bytes, at: 6000, using: &generator).isEmpty)
        #expect(other.receive(again.bytes, at: 36_000, using: &generator).count == 1)
        node.addresses = [Self.second]
        let moved = try #require(answers(to: Self.question, at: 40_000).first).packet
        let news = other.receive(moved.bytes, at: 41_000, using: &generator)
        #expect(news == [.found(Bench.peer(1), [Self.second])])
    }

    /// An answer with these texts, of a name.
    private func saying(_ texts: [String], of name: String = "x._p2p._udp.local") -> [UInt8] {
        var packet = DNSPacket()
        packet.flags = DNSPacket.responseFlags
        let texts = texts.map { Array($0.utf8) }
        packet.answers = [
            .init(
                DNSPacketTests.name(name), kind: DNSPacket.Kind.txt, seconds: 1, .texts(texts))
        ]
        return packet.bytes
    }

    @Test("only addresses of peers count, under names of the service")
    mutating func texts() {
        let peer = Bench.peer(1).text
        let good = "/ip4/10.77.0.1/tcp/4001/p2p/\(peer)"
        let bad = [
            "dnsaddr=/ip4/10.77.0.1/tcp/4001", "dnsaddr=/ip4/10.77.0.1/udp/4001/quic/p2p/\(peer)",
            "dnsaddr=/p2p/\(peer)", "dnsaddrs=\(good)", "addr=\(good)", "dnsaddr", "dnsaddr=",
            "=", "dnsaddr=/ip4/10.77.0.1/tcp/4001/p2p/\(peer)x",
        ]
        #expect(other.receive(saying(bad), at: 0, using: &generator).isEmpty)
        let foreign = saying(["dnsaddr=\(good)"], of: "x._http._tcp.local")
        #expect(other.receive(foreign, at: 0, using: &generator).isEmpty)
        let numbered = saying(["dnsaddr2=\(good)", "dnsaddr=\(good)"])
        #expect(
            other.receive(numbered, at: 0, using: &generator)
                == [.found(Bench.peer(1), [Self.place])])
    }

    @Test("addresses of a peer, peers and packets are bounded")
    mutating func bounds() {
        let peer = Bench.peer(1).text
        let many = (1...20).map { "dnsaddr=/ip4/10.77.0.1/tcp/\($0)/p2p/\(peer)" }
        let found = other.receive(saying(many), at: 0, using: &generator)
        guard case .found(_, let places)? = found.first else {
            Issue.record("nothing found")
            return
        }
        #expect(places.count == 8)
        let read = (0..<300).count { number in
            let text = "dnsaddr=/ip4/10.77.0.1/tcp/1/p2p/\(Bench.peer(number + 10).text)"
            return !other.receive(saying([text]), at: 1, using: &generator).isEmpty
        }
        #expect(read == 99)
        let later = "dnsaddr=/ip4/10.77.0.1/tcp/1/p2p/\(Bench.peer(999).text)"
        #expect(other.receive(saying([later]), at: 100, using: &generator).count == 1)
    }

    private static func bytes(_ captured: String) throws -> [UInt8] {
        try hex(String(captured.filter { !$0.isWhitespace }))
    }

    @Test("what go-libp2p and py-libp2p send is understood")
    mutating func captured() throws {
        let go = try PeerID(text: "12D3KooWRPNdb8yNbLXXndgXTVkFdWZ9G8fKStGe2utVXq6PmS4C")
        let python = try PeerID(text: "12D3KooWHwsmAGR5e1iCtrnzyhLuU1jiRzQyy43zxRh3YRzRZoBL")
        for (packet, peer, port) in [
            (CapturedPackets.goAnswer, go, UInt16(18_002)),
            (CapturedPackets.pythonAnswer, python, 18_001),
        ] {
            let found = other.receive(try Self.bytes(packet), at: 0, using: &generator)
            #expect(found == [.found(peer, [.tcp(.ip4(0x7F00_0001), port)])])
        }
        for (number, packet) in [CapturedPackets.goQuestion, CapturedPackets.pythonQuestion]
            .enumerated()
        {
            let answers = answers(to: try Self.bytes(packet), at: UInt64(number) * 10_000)
            #expect(answers.count == 1)
        }
    }
}
