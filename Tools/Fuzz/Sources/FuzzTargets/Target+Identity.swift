// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport

extension FuzzTarget {
    /// Names, addresses and signed records of peers, in bytes and as text.
    static let names = FuzzTarget(
        name: "names",
        about: "peer ids, addresses, keys and signed records; what is read is written alike",
        bytesMax: 2048,
        seeds: {
            let peer = PeerID(NetworkSeeds.key(9).publicKey)
            let address = NetworkSeeds.address.with(peer)
            let all: [(String, [UInt8])] = [
                ("peer", peer.bytes), ("peer-text", Array(peer.text.utf8)),
                ("address", address.bytes), ("address-text", Array(address.text.utf8)),
                ("key", KeyMessage.encode(peer.publicKey)), ("record", NetworkSeeds.record),
                ("content-id", Array(peer.contentIDText.utf8)),
            ]
            return all.enumerated().map { number, row in
                Seed(name: row.0, bytes: [UInt8(number % 6)] + row.1)
            }
        },
        run: { bytes in
            guard let kind = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            switch kind % 6 {
            case 0:
                let peer = decoded { () throws(IdentityError) in try PeerID(bytes: body) }
                law(peer.map(\.bytes) ?? body == body, "a peer id has one form in bytes")
            case 1: checkPeerText(String(decoding: body, as: UTF8.self))
            case 2:
                let address = decoded { () throws(MultiaddrError) in try Multiaddr(bytes: body) }
                law(address.map(\.bytes) ?? body == body, "an address has one form in bytes")
                if let address { checkAddress(address) }
            case 3:
                let text = String(decoding: body, as: UTF8.self)
                if let address = decoded({ () throws(MultiaddrError) in try Multiaddr(text: text) })
                {
                    checkAddress(address)
                }
            case 4:
                let key = decoded { () throws(IdentityError) in try KeyMessage.decode(body[...]) }
                guard let key else { return }
                let again = decoded { () throws(IdentityError) in
                    try KeyMessage.decode(KeyMessage.encode(key)[...])
                }
                law(again == key, "a key that is written is read alike")
            default:
                let record = decoded { () throws(IdentityError) in
                    try PeerRecord.open(body[...])
                }
                guard let record, record.peer.publicKey == NetworkSeeds.key(9).publicKey
                else { return }
                law(record.sequence == 5, "a record of a known key is forged")
            }
        })

    private static func checkPeerText(_ text: String) {
        let peer = decoded { () throws(IdentityError) in try PeerID(text: text) }
        guard let peer else { return }
        let again = decoded { () throws(IdentityError) in try PeerID(text: peer.text) }
        law(again == peer, "a peer id that is written is read alike")
    }

    private static func checkAddress(_ address: Multiaddr) {
        let text = decoded { () throws(MultiaddrError) in try Multiaddr(text: address.text) }
        law(text == address, "an address that is spelt is read alike")
        let bytes = decoded { () throws(MultiaddrError) in try Multiaddr(bytes: address.bytes) }
        law(bytes == address, "an address that is written is read alike")
    }

    /// What peers say of themselves.
    static let identities = FuzzTarget(
        name: "identities",
        about: "messages of identify; what is read is written so that it reads alike",
        bytesMax: 4096,
        seeds: {
            var message = IdentifyMessage()
            message.publicKey = NetworkSeeds.key(9).publicKey
            message.listenAddresses = [NetworkSeeds.address]
            message.observedAddress = NetworkSeeds.address
            message.protocols = ["/meshsub/1.1.0", "/ipfs/ping/1.0.0"]
            message.protocolVersion = "ipfs/0.1.0"
            message.agent = "recount"
            message.signedRecord = NetworkSeeds.record
            return [Seed(name: "full", bytes: message.bytes)]
        },
        run: { bytes in
            let read = decoded { () throws(WireError) in try IdentifyMessage(bytes[...]) }
            guard var message = read else { return }
            // Addresses that are not spoken are left out, and a list of none cannot be written.
            if message.listenAddresses == [] { message.listenAddresses = nil }
            // A text that is no UTF-8 is repaired, and may be too long then.
            let texts = [message.agent, message.protocolVersion].compactMap(\.self)
            let all = texts + (message.protocols ?? [])
            guard !all.contains(where: { $0.unicodeScalars.contains("\u{FFFD}") }) else { return }
            let again = decoded { () throws(WireError) in try IdentifyMessage(message.bytes[...]) }
            law(again == message, "a message of identify that is written is read alike")
        })

    /// Packets of multicast DNS, as they are and given to a node.
    static let discovery = FuzzTarget(
        name: "discovery",
        about: "packets of mDNS; what is read is written alike, and a node answers once a second",
        bytesMax: 4096,
        seeds: {
            var generator = SplitMix64(seed: 2)
            var node = PeerDiscovery(
                peer: PeerID(NetworkSeeds.key(9).publicKey), addresses: [NetworkSeeds.address],
                using: &generator)
            var packets: [[UInt8]] = []
            for time in stride(from: UInt64(0), to: 500, by: 50) {
                for case .send(let packet) in node.tick(at: time, using: &generator) {
                    packets.append(packet)
                    _ = node.receive(packet, at: time, using: &generator)
                }
            }
            // A question of a, and one of b.a that ends with a pointer to the first.
            let pointer: [UInt8] =
                [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 12, 0, 1]
                + [1, 0x62, 0xC0, 12, 0, 12, 0, 1]
            return (packets + [pointer]).enumerated().map {
                Seed(name: "packet-\($0)", bytes: Parts.list($1))
            }
        },
        run: { bytes in
            var generator = SplitMix64(seed: 3)
            var node = PeerDiscovery(
                peer: NetworkSeeds.peers[1], addresses: [NetworkSeeds.address],
                using: &generator)
            var parts = Parts(bytes)
            var now: UInt64 = 0
            var answered: UInt64?
            while !parts.isAtEnd {
                let body = parts.list()
                if let packet = decoded({ () throws(DNSError) in try DNSPacket(bytes: body) }) {
                    let written = packet.bytes
                    let again = decoded { () throws(DNSError) in try DNSPacket(bytes: written) }
                    let isTooLong = written.count > DNSPacket.bytesMax
                    law(isTooLong || again == packet, "a packet that is written is read alike")
                }
                now += 150
                _ = node.receive(body, at: now, using: &generator)
                for case .send(let sent) in node.tick(at: now, using: &generator) {
                    let packet = decoded { () throws(DNSError) in try DNSPacket(bytes: sent) }
                    law(packet != nil, "what a node sends can be read")
                    guard packet?.isResponse == true else { continue }
                    law(answered.map { now - $0 >= 1000 } ?? true, "one answer a second")
                    answered = now
                }
            }
        })
}
