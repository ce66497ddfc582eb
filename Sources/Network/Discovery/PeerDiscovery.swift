// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Finds peers on a link by multicast DNS, and is found: a machine without sockets and clock.
///
/// It asks for `_p2p._udp.local`, at first each second and then ever more seldom; answers such
/// questions with a random name, and the addresses as `dnsaddr=` texts of that name; and learns
/// the addresses of others from their answers, whoever has asked. Nothing is sent but to the group,
/// at most one answer a second, so that no question costs others more than it costs the asker.
///
/// Bounds: packets of a burst and per second, peers that are remembered, addresses of each.
/// Source: libp2p, discovery/mdns; RFC 6762, sections 5 to 7.
package struct PeerDiscovery: Sendable {
    /// What is to be done.
    package enum Effect: Equatable, Sendable {
        /// Send this to the group.
        case send([UInt8])
        /// A peer says that it is at these addresses.
        case found(PeerID, [Multiaddr])
    }

    /// The name by which peers are asked for.
    static let service = DNSName(known: "_p2p._udp.local")
    /// The name by which services are asked for (RFC 6763, section 9).
    static let services = DNSName(known: "_services._dns-sd._udp.local")
    static let local = DNSName(known: "local")

    /// The addresses of a peer that are read of an answer, and of this node that are told.
    package static let addressesMax = 8
    /// The peers that are remembered.
    static let peersMax = 1024
    /// The packets that are read at once, and each second.
    static let burstMax: UInt64 = 100
    static let packetsPerSecond: UInt64 = 50
    /// After this time a peer that says the same again is found again.
    static let repeatMilliseconds: UInt64 = 30_000
    /// The longest time between two questions.
    static let queryMillisecondsMax: UInt64 = 60_000
    /// The time between two answers at the least.
    static let answerMilliseconds: UInt64 = 1000
    /// How long an answer holds, in seconds.
    static let answerSeconds: UInt32 = 120

    private struct Found: Sendable {
        var addresses: [Multiaddr]
        var time: UInt64
    }

    /// Who this node is.
    package let peer: PeerID
    /// Where this node says that it is.
    package var addresses: [Multiaddr]
    private let instance: DNSName
    private let host: DNSName
    private var found = SortedTable<PeerID, Found>()
    private var nextQuery: UInt64?
    private var queryInterval: UInt64 = 1000
    private var nextAnswer: UInt64?
    private var lastAnswer: UInt64?
    private var answersServices = false
    /// Packets that may be read now, in thousandths.
    private var budget = burstMax * 1000
    private var budgetTime: UInt64 = 0

    /// A node that has asked nothing yet, under a random name.
    package init(
        peer: PeerID, addresses: [Multiaddr], using generator: inout some RandomNumberGenerator
    ) {
        self.peer = peer
        self.addresses = addresses
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let label = (0..<40).map { _ in letters[Int.random(in: 0..<36, using: &generator)] }
        // Labels of forty bytes under short names are no longer than names may be.
        instance = Self.service.child(label) ?? Self.service
        host = Self.local.child(label) ?? Self.local
    }

    /// When `tick` has something to do, in milliseconds.
    package var nextDeadline: UInt64 { min(nextQuery ?? 0, nextAnswer ?? .max) }

    /// Asks and answers what is due.
    package mutating func tick(
        at now: UInt64, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        var effects: [Effect] = []
        if now >= nextQuery ?? 0 {
            var query = DNSPacket()
            query.questions = [.init(Self.service, kind: DNSPacket.Kind.ptr)]
            effects.append(.send(query.bytes))
            // Not all at the same time, though they have started so.
            nextQuery = now + queryInterval + generator.next() % (queryInterval / 4)
            queryInterval = min(queryInterval * 2, Self.queryMillisecondsMax)
        }
        if let due = nextAnswer, now >= due {
            nextAnswer = nil
            lastAnswer = now
            effects.append(.send(answer.bytes))
            answersServices = false
        }
        return effects
    }

    /// Takes a packet from the link.
    package mutating func receive(
        _ bytes: [UInt8], at now: UInt64, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard takeBudget(at: now) else { return [] }
        let packet: DNSPacket
        do { packet = try DNSPacket(bytes: bytes) } catch { return [] }
        if packet.isResponse { return learn(packet, at: now) }
        guard isAsked(packet) else { return [] }
        if nextAnswer == nil {
            // Many may answer the same question (RFC 6762, section 6).
            let earliest = now + 20 + generator.next() % 100
            nextAnswer = max(earliest, lastAnswer.map { $0 + Self.answerMilliseconds } ?? 0)
        }
        return []
    }

    private mutating func takeBudget(at now: UInt64) -> Bool {
        let passed = min(now - min(budgetTime, now), 10_000)
        budgetTime = max(now, budgetTime)
        budget = min(budget + passed * Self.packetsPerSecond, Self.burstMax * 1000)
        guard budget >= 1000 else { return false }
        budget -= 1000
        return true
    }

    // MARK: - Answering

    private mutating func isAsked(_ packet: DNSPacket) -> Bool {
        // Who knows the answer for long enough needs none (RFC 6762, section 7.1).
        let isKnown = packet.answers.contains {
            $0.content == .pointer(instance) && $0.seconds >= Self.answerSeconds / 2
        }
        var isAsked = false
        for question in packet.questions {
            let kinds = [DNSPacket.Kind.ptr, DNSPacket.Kind.any]
            if question.name == Self.service, kinds.contains(question.kind) {
                isAsked = isAsked || !isKnown
            } else if question.name == instance || question.name == host {
                isAsked = true
            } else if question.name == Self.services, kinds.contains(question.kind) {
                isAsked = true
                answersServices = true
            }
        }
        return isAsked
    }

    private var answer: DNSPacket {
        let unique: UInt16 = 0x8001
        var packet = DNSPacket()
        packet.flags = DNSPacket.responseFlags
        let seconds = Self.answerSeconds
        func record(_ name: DNSName, _ kind: UInt16, _ group: UInt16, _ content: DNSPacket.Content)
            -> DNSPacket.Record
        { DNSPacket.Record(name, kind: kind, group: group, seconds: seconds, content) }
        packet.answers = [record(Self.service, DNSPacket.Kind.ptr, 1, .pointer(instance))]
        if answersServices {
            packet.answers.append(
                record(Self.services, DNSPacket.Kind.ptr, 1, .pointer(Self.service)))
        }
        let told = addresses.prefix(Self.addressesMax)
        let texts = told.map { Array("dnsaddr=\($0.with(peer).text)".utf8) }
            .filter { $0.count <= 255 }
        packet.additionals = [record(instance, DNSPacket.Kind.txt, unique, .texts(texts))]
        for case (.ip4(let address), let port)? in told.map(\.tcp) {
            packet.additionals += [
                record(instance, DNSPacket.Kind.srv, unique, .service(port: port, host: host)),
                record(host, DNSPacket.Kind.a, unique, .address(address)),
            ]
        }
        return packet
    }

    // MARK: - Learning

    private mutating func learn(_ packet: DNSPacket, at now: UInt64) -> [Effect] {
        var heard = SortedTable<PeerID, [Multiaddr]>()
        for record in packet.answers + packet.additionals {
            guard case .texts(let texts) = record.content, record.seconds > 0,
                record.name.isChild(of: Self.service)
            else { continue }
            for text in texts {
                guard let address = Self.address(in: text), let named = address.peer,
                    named != peer, let place = address.withoutPeer, place.tcp != nil
                else { continue }
                var places = heard[named] ?? []
                if places.count < Self.addressesMax, !places.contains(place) {
                    places.append(place)
                }
                heard[named] = places
            }
        }
        return heard.rows.compactMap { named, places in
            if let before = found[named], before.addresses == places,
                now - min(before.time, now) < Self.repeatMilliseconds
            {
                return nil
            }
            if found.count >= Self.peersMax, !found.contains(named),
                let oldest = found.rows.min(by: { $0.1.time < $1.1.time })
            {
                found[oldest.0] = nil
            }
            found[named] = Found(addresses: places, time: now)
            return .found(named, places)
        }
    }

    /// The address in a text "dnsaddr=/ip4/...", or "dnsaddr2=" as some number them.
    private static func address(in text: [UInt8]) -> Multiaddr? {
        let key = Array("dnsaddr".utf8)
        guard text.starts(with: key), let equals = text.firstIndex(of: UInt8(ascii: "=")),
            text[key.count..<equals].allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        do {
            return try Multiaddr(text: String(decoding: text[(equals + 1)...], as: UTF8.self))
        } catch { return nil }
    }
}
