// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

@Suite("Addresses")
struct MultiaddrTests {
    static let peer = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"

    @Test(
        "Text and bytes are those of the vectors",
        .enabled(if: Vectors.has(NamesVectors.path), NamesVectors.missing))
    func vectors() throws {
        for vector in try Vectors.json(NamesVectors.path, as: NamesVectors.self).multiaddrs {
            let address = try Multiaddr(text: vector.text)
            #expect(address.bytes.hex == vector.packed)
            #expect(address.text == vector.text)
        }
    }

    @Test(
        "Text and bytes agree, both ways",
        arguments: [
            ("/ip4/127.0.0.1/tcp/0", "047f000001060000"),
            ("/ip4/0.0.0.0/tcp/65535", "040000000006ffff"),
            ("/ip6/::/tcp/1", "2900000000000000000000000000000000060001"),
            ("/ip6/2001:db8::1:0:0:1/tcp/80", "2920010db8000000000001000000000001060050"),
            ("/dns4/a.example/tcp/443", "3609612e6578616d706c650601bb"),
            ("/dns6/b-1/tcp/443", "3703622d310601bb"),
            (
                "/p2p/\(peer)",
                "a503260024080112208a88e3dd7409f195fd52db2d3cba5d72"
                    + "ca6709bf1d94121bf3748801b40f6f5c"
            ),
        ])
    func roundTrip(text: String, packed: String) throws {
        let address = try Multiaddr(text: text)
        #expect(address.bytes.hex == packed)
        #expect(try Multiaddr(bytes: try hex(packed)) == address)
        #expect(address.text == text)
    }

    @Test(
        "Addresses of version 6 have one spelling, by RFC 5952",
        arguments: [
            ("2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("0:0:0:0:0:0:0:1", "::1"),
            ("1:0:0:0:0:0:0:0", "1::"), ("::ffff:1.2.3.4", "::ffff:102:304"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
            ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"), ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
        ])
    func version6(text: String, spelled: String) throws {
        #expect(try Multiaddr(text: "/ip6/\(text)/tcp/1").text == "/ip6/\(spelled)/tcp/1")
    }

    @Test(
        "What is no address of version 6 is refused",
        arguments: [
            ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::",
            "1:2:3:4:5:6:7::8:9", "1.2.3.4::", "::+1", "1:", ":1", "::1%eth0", "",
        ])
    func notVersion6(text: String) {
        #expect(throws: MultiaddrError.value(part: "ip6"), "\(text)") {
            try Multiaddr(text: "/ip6/\(text)/tcp/1")
        }
    }

    @Test(
        "Texts that are no address are refused",
        arguments: [
            ("", MultiaddrError.empty), ("ip4/1.2.3.4", .empty), ("/", .unknownName("")),
            ("/ip4", .value(part: "ip4")), ("/ip4/1.2.3", .value(part: "ip4")),
            ("/ip4/1.2.3.256", .value(part: "ip4")), ("/ip4/01.2.3.4", .value(part: "ip4")),
            ("/ip4/1.2.3.4/", .unknownName("")), ("/ip4/1.2.3.4/udp/1", .unknownName("udp")),
            ("/ip4/1.2.3.4/tcp/65536", .value(part: "tcp")), ("/tcp/-1", .value(part: "tcp")),
            ("/dns4/a b", .value(part: "dns4")), ("/p2p/x", .peer(.wire(.truncated))),
            (String(repeating: "/tcp/1", count: 9), .tooManyParts),
            (String(repeating: "/tcp/1", count: 200), .tooLong(bytes: 1200)),
        ])
    func wrongText(text: String, error: MultiaddrError) {
        #expect(throws: error) { try Multiaddr(text: text) }
    }

    @Test(
        "Bytes that are no address are refused",
        arguments: [
            ("", MultiaddrError.empty), ("04", .wire(.truncated)), ("047f0000", .wire(.truncated)),
            ("0600", .wire(.truncated)), ("910200", .unknownCode(273)),
            ("36ffffffff0f", .wire(.tooLong(length: 4_294_967_295, limit: 253))),
            ("3600", .value(part: "dns4")), ("3601ff", .value(part: "dns4")),
            ("a50300", .peer(.wire(.truncated))),
            (String(repeating: "060001", count: 9), .tooManyParts),
        ])
    func wrongBytes(text: String, error: MultiaddrError) throws {
        let bytes = try hex(text)
        #expect(throws: error) { try Multiaddr(bytes: bytes) }
    }

    @Test("The peer at the end is told apart from the place")
    func parts() throws {
        let place = try Multiaddr(text: "/ip4/1.2.3.4/tcp/5")
        let peer = try PeerID(text: Self.peer)
        let whole = place.with(peer)
        #expect(whole.text == "/ip4/1.2.3.4/tcp/5/p2p/\(Self.peer)")
        #expect(whole.peer == peer)
        #expect(whole.withoutPeer == place)
        #expect(whole.with(peer) == whole)
        #expect(place.peer == nil)
        #expect(place.withoutPeer == place)
        #expect(place.tcp?.port == 5)
        #expect(try Multiaddr(text: "/p2p/\(Self.peer)").withoutPeer == nil)
        #expect(try Multiaddr(text: "/tcp/5/ip4/1.2.3.4").tcp == nil)
    }

    @Test("Bytes at random never trap, and what is read is written back", arguments: 0..<8)
    func randomBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let codes: [UInt8] = [4, 6, 41, 54, 55]
        var readCount = 0
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<(1 + random.next() % 3) {
                bytes.append(codes[Int(random.next() % 5)])
                for _ in 0..<(random.next() % 17) { bytes.append(UInt8(random.next() % 8)) }
            }
            guard case .success(let address) = Result(catching: { try Multiaddr(bytes: bytes) })
            else { continue }
            readCount += 1
            #expect(address.bytes == bytes)
            #expect(try Multiaddr(text: address.text) == address)
        }
        #expect(readCount > 20)
    }
}
