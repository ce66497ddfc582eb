// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import TestSupport
import Testing

@Suite("mDNS: packets")
struct DNSPacketTests {
    static func name(_ text: String) -> DNSName {
        let labels = text.split(separator: ".").map { Array($0.utf8) }
        guard let name = DNSName(labels: labels) else { fatalError("no name: \(text)") }
        return name
    }

    static var full: DNSPacket {
        var packet = DNSPacket()
        packet.id = 0x0102
        packet.flags = DNSPacket.responseFlags
        packet.questions = [.init(name("a.local"), kind: DNSPacket.Kind.ptr, group: 0x8001)]
        packet.answers = [
            .init(name("a.local"), kind: DNSPacket.Kind.ptr, seconds: 120, .pointer(name("b.c")))
        ]
        packet.authorities = [
            .init(name("x"), kind: 47, seconds: 70_000, .other([1, 2, 3]))
        ]
        packet.additionals = [
            .init(
                name("b.c"), kind: DNSPacket.Kind.txt, group: 0x8001, seconds: 1,
                .texts([[1], [2, 3]])),
            .init(name("b.c"), kind: DNSPacket.Kind.txt, seconds: 1, .texts([])),
            .init(
                name("b.c"), kind: DNSPacket.Kind.srv, seconds: 1,
                .service(port: 4001, host: name("h.local"))),
            .init(name("h.local"), kind: DNSPacket.Kind.a, seconds: 1, .address(0x0A4D_0001)),
        ]
        return packet
    }

    @Test("what is written is read")
    func roundTrip() throws {
        #expect(try DNSPacket(bytes: Self.full.bytes) == Self.full)
        #expect(try DNSPacket(bytes: Self.full.bytes + [1, 2, 3]) == Self.full)
        #expect(Self.full.isResponse)
    }

    @Test("a question has the bytes of RFC 1035")
    func question() {
        var packet = DNSPacket()
        packet.questions = [.init(Self.name("_p2p._udp.local"), kind: DNSPacket.Kind.ptr)]
        let name: [UInt8] =
            [4] + Array("_p2p".utf8) + [4] + Array("_udp".utf8) + [5]
            + Array("local".utf8) + [0]
        #expect(packet.bytes == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 12, 0, 1])
    }

    /// A header with one question, of these bytes.
    private func asking(_ name: [UInt8], before: [UInt8] = []) -> [UInt8] {
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + before + name + [0, 12, 0, 1]
    }

    @Test("names may end with a name that stands before them")
    func pointers() throws {
        // "b.a" at 12, and a question of "c" with a pointer to it, and one of a pointer alone.
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]
        bytes += [1, 0x62, 1, 0x61, 0, 0, 12, 0, 1]
        bytes += [1, 0x63, 0xC0, 12, 0, 12, 0, 1]
        bytes += [0xC0, 14, 0, 12, 0, 1]
        let packet = try DNSPacket(bytes: bytes)
        #expect(packet.questions.map(\.name) == ["b.a", "c.b.a", "a"].map(Self.name))
    }

    @Test("names that do not end, or are too long, are refused")
    func badNames() {
        // To itself, forwards, back into the part that is being read, to nowhere.
        #expect(throws: DNSError.name(offset: 12)) { try DNSPacket(bytes: asking([0xC0, 12])) }
        #expect(throws: DNSError.name(offset: 12)) {
            try DNSPacket(bytes: asking([0xC0, 14, 0]))
        }
        #expect(throws: DNSError.name(offset: 12)) {
            try DNSPacket(bytes: asking([1, 0x61, 0xC0, 12]))
        }
        #expect(throws: DNSError.name(offset: 12)) {
            try DNSPacket(bytes: asking([0xFF, 0xFF]))
        }
        #expect(throws: DNSError.name(offset: 12)) { try DNSPacket(bytes: asking([0x40, 0])) }
        #expect(throws: DNSError.name(offset: 12)) { try DNSPacket(bytes: asking([0x80, 0])) }
        let label = [UInt8(63)] + [UInt8](repeating: 0x61, count: 63)
        let long = label + label + label + label + [0]
        #expect(throws: DNSError.name(offset: 12)) { try DNSPacket(bytes: asking(long)) }
        let fits = label + label + label + [61] + [UInt8](repeating: 0x61, count: 61) + [0]
        #expect(throws: Never.self) { try DNSPacket(bytes: asking(fits)) }
    }

    @Test("every beginning of a packet is refused")
    func truncation() {
        let bytes = Self.full.bytes
        for count in 0..<bytes.count {
            #expect(throws: DNSError.self) { try DNSPacket(bytes: Array(bytes.prefix(count))) }
        }
    }

    @Test("there is a most of bytes and of entries")
    func limits() {
        #expect(throws: DNSError.tooLong(9001)) {
            try DNSPacket(bytes: [UInt8](repeating: 0, count: 9001))
        }
        #expect(throws: DNSError.tooMany(129)) {
            try DNSPacket(bytes: [0, 0, 0, 0, 0, 0, 0, 65, 0, 64, 0, 0])
        }
    }

    @Test("content that does not fill its length is refused")
    func contents() {
        func record(_ kind: UInt8, _ length: UInt8, _ content: [UInt8]) -> [UInt8] {
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, kind, 0, 1, 0, 0, 0, 9, 0, length]
                + content
        }
        let cases: [([UInt8], UInt16)] = [
            (record(12, 2, [0, 0]), 12), (record(16, 2, [2, 1, 1]), 16),
            (record(33, 6, [0, 0, 0, 0, 0, 1]), 33), (record(1, 3, [1, 2, 3]), 1),
            (record(1, 5, [1, 2, 3, 4, 5]), 1), (record(12, 1, [1, 0x61, 0]), 12),
        ]
        for (bytes, kind) in cases {
            #expect(throws: DNSError.content(kind: kind)) { try DNSPacket(bytes: bytes) }
        }
    }

    @Test("names count the same in both cases")
    func letters() {
        #expect(Self.name("A.b") == Self.name("a.B"))
        #expect(Set([Self.name("A.b"), Self.name("a.B")]).count == 1)
        #expect(Self.name("a.b") != Self.name("ab"))
        #expect(DNSName(labels: [[]]) == nil)
        #expect(DNSName(labels: [[UInt8](repeating: 1, count: 64)]) == nil)
    }

    @Test("whatever bytes come, they are read or refused")
    func garbage() {
        var generator = SplitMix64(seed: 3)
        let good = Self.full.bytes
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<4 {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            }
            guard let packet = try? DNSPacket(bytes: bytes) else { continue }
            #expect((try? DNSPacket(bytes: packet.bytes)) != nil || packet.bytes.count > 9000)
        }
    }
}
