// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Multiaddr {
    /// The text, in one form for one address.
    package var text: String {
        parts.map { part in
            switch part {
            case .ip4(let value): "/ip4/" + HostText.ip4(value)
            case .ip6(let value): "/ip6/" + HostText.ip6(value)
            case .dns4(let name): "/dns4/" + name
            case .dns6(let name): "/dns6/" + name
            case .tcp(let port): "/tcp/\(port)"
            case .p2p(let peer): "/p2p/" + peer.text
            }
        }.joined()
    }

    /// Reads a text.
    package init(text: some StringProtocol) throws(MultiaddrError) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong(bytes: text.utf8.count) }
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count > 1, words[0].isEmpty else { throw .empty }
        var parts: [Part] = []
        var place = 1
        while place < words.count {
            guard parts.count < Self.partsMax else { throw .tooManyParts }
            let name = String(words[place])
            guard place + 1 < words.count else {
                throw Self.names.contains(name) ? .value(part: name) : .unknownName(name)
            }
            parts.append(try Self.part(name, words[place + 1]))
            place += 2
        }
        try self.init(parts)
    }

    private static let names: Set = ["ip4", "ip6", "dns4", "dns6", "tcp", "p2p"]

    private static func part(
        _ name: String, _ value: some StringProtocol
    ) throws(MultiaddrError) -> Part {
        var part: Part?
        switch name {
        case "ip4": part = HostText.ip4(value).map { .ip4($0) }
        case "ip6": part = HostText.ip6(value).map { .ip6($0) }
        case "tcp": part = HostText.decimal(value, max: 65535).map { .tcp(UInt16($0)) }
        case "dns4": part = HostText.isName(value) ? .dns4(String(value)) : nil
        case "dns6": part = HostText.isName(value) ? .dns6(String(value)) : nil
        case "p2p":
            do { return .p2p(try PeerID(text: value)) } catch { throw .peer(error) }
        default: throw .unknownName(name)
        }
        guard let part else { throw .value(part: name) }
        return part
    }
}

extension Multiaddr: CustomStringConvertible {
    package var description: String { text }
}
