// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Multiaddr {
    /// The packed form: the code of each part and its value, with a length where it varies.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            switch part {
            case .ip4(let value):
                Varint.encode(4, to: &bytes)
                for shift in stride(from: UInt32(24), through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: value >> shift))
                }
            case .ip6(let value):
                Varint.encode(41, to: &bytes)
                for shift in stride(from: UInt128(120), through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: value >> shift))
                }
            case .tcp(let port):
                Varint.encode(6, to: &bytes)
                bytes += [UInt8(port >> 8), UInt8(port & 0xFF)]
            case .dns4(let name): Self.append(54, Array(name.utf8), to: &bytes)
            case .dns6(let name): Self.append(55, Array(name.utf8), to: &bytes)
            case .p2p(let peer): Self.append(421, peer.bytes, to: &bytes)
            }
        }
        return bytes
    }

    private static func append(_ code: UInt64, _ value: [UInt8], to bytes: inout [UInt8]) {
        Varint.encode(code, to: &bytes)
        Varint.encode(UInt64(value.count), to: &bytes)
        bytes += value
    }

    /// Reads the packed form.
    package init(bytes: some Collection<UInt8>) throws(MultiaddrError) {
        guard bytes.count <= Self.bytesMax else { throw .tooLong(bytes: bytes.count) }
        var rest = Array(bytes)[...]
        var parts: [Part] = []
        while !rest.isEmpty {
            guard parts.count < Self.partsMax else { throw .tooManyParts }
            parts.append(try Self.popPart(from: &rest))
        }
        try self.init(parts)
    }

    private static func popPart(from rest: inout ArraySlice<UInt8>) throws(MultiaddrError) -> Part {
        let code: UInt64
        do { code = try Varint.read(from: &rest, form: .multiformats) } catch { throw .wire(error) }
        switch code {
        case 4: return .ip4(UInt32(try number(4, from: &rest)))
        case 41: return .ip6(try number(16, from: &rest))
        case 6: return .tcp(UInt16(try number(2, from: &rest)))
        case 54: return .dns4(try name(part: "dns4", from: &rest))
        case 55: return .dns6(try name(part: "dns6", from: &rest))
        case 421:
            let value = try prefixed(from: &rest, limit: PeerID.textBytesMax)
            do { return .p2p(try PeerID(bytes: value)) } catch { throw .peer(error) }
        default: throw .unknownCode(code)
        }
    }

    private static func number(
        _ size: Int, from rest: inout ArraySlice<UInt8>
    ) throws(MultiaddrError) -> UInt128 {
        guard rest.count >= size else { throw .wire(.truncated) }
        let value = rest.prefix(size).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        rest = rest.dropFirst(size)
        return value
    }

    private static func name(
        part: String, from rest: inout ArraySlice<UInt8>
    ) throws(MultiaddrError) -> String {
        let value = try prefixed(from: &rest, limit: HostText.nameBytesMax)
        let name = String(decoding: value, as: UTF8.self)
        guard HostText.isName(name) else { throw .value(part: part) }
        return name
    }

    private static func prefixed(
        from rest: inout ArraySlice<UInt8>, limit: Int
    ) throws(MultiaddrError) -> ArraySlice<UInt8> {
        do {
            return try Varint.readPrefixed(from: &rest, form: .multiformats, limit: limit)
        } catch { throw .wire(error) }
    }
}
