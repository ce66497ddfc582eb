// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension DNSPacket {
    /// Reads a packet.
    ///
    /// A pointer in a name must point before the part of the name in which it stands, so that names
    /// come to an end. Bytes behind the last record are of no weight.
    /// - Throws: `tooLong`, `tooMany`, then what the first broken entry is.
    package init(bytes: [UInt8]) throws(DNSError) {
        guard bytes.count <= Self.bytesMax else { throw .tooLong(bytes.count) }
        var reader = DNSReader(bytes: bytes)
        id = try reader.number16()
        flags = try reader.number16()
        var counts: [Int] = []
        for _ in 0..<4 { counts.append(Int(try reader.number16())) }
        let sum = counts.reduce(0, +)
        guard sum <= Self.entriesMax else { throw .tooMany(sum) }
        for _ in 0..<counts[0] {
            let name = try reader.name()
            let kind = try reader.number16()
            questions.append(Question(name, kind: kind, group: try reader.number16()))
        }
        for _ in 0..<counts[1] { answers.append(try reader.record()) }
        for _ in 0..<counts[2] { authorities.append(try reader.record()) }
        for _ in 0..<counts[3] { additionals.append(try reader.record()) }
    }

    /// The bytes of the packet, with every name spelt out.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        let sections = [answers, authorities, additionals]
        for number in [id, flags, UInt16(clamping: questions.count)] {
            Self.append(number, to: &bytes)
        }
        for section in sections { Self.append(UInt16(clamping: section.count), to: &bytes) }
        for question in questions {
            Self.append(question.name, to: &bytes)
            Self.append(question.kind, to: &bytes)
            Self.append(question.group, to: &bytes)
        }
        for record in sections.joined() { Self.append(record, to: &bytes) }
        return bytes
    }

    private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
        bytes += [UInt8(number >> 8), UInt8(number & 0xFF)]
    }

    private static func append(_ name: DNSName, to bytes: inout [UInt8]) {
        for label in name.labels {
            bytes.append(UInt8(clamping: label.count))
            bytes += label
        }
        bytes.append(0)
    }

    private static func append(_ record: Record, to bytes: inout [UInt8]) {
        append(record.name, to: &bytes)
        append(record.kind, to: &bytes)
        append(record.group, to: &bytes)
        append(UInt16(record.seconds >> 16), to: &bytes)
        append(UInt16(record.seconds & 0xFFFF), to: &bytes)
        var content: [UInt8] = []
        switch record.content {
        case .pointer(let name): append(name, to: &content)
        case .texts(let texts):
            for text in texts {
                content.append(UInt8(clamping: text.count))
                content += text.prefix(255)
            }
            // TXT holds at least one string (RFC 6763, section 6.1).
            if texts.isEmpty { content.append(0) }
        case .service(let port, let host):
            content += [0, 0, 0, 0]
            append(port, to: &content)
            append(host, to: &content)
        case .address(let address):
            append(UInt16(address >> 16), to: &content)
            append(UInt16(address & 0xFFFF), to: &content)
        case .other(let other): content = other
        }
        append(UInt16(clamping: content.count), to: &bytes)
        bytes += content
    }
}

/// Reads numbers, names and records of a packet from its start on.
private struct DNSReader {
    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func number8() throws(DNSError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func number16() throws(DNSError) -> UInt16 {
        let high = try number8()
        return UInt16(high) << 8 | UInt16(try number8())
    }

    mutating func number32() throws(DNSError) -> UInt32 {
        let high = try number16()
        return UInt32(high) << 16 | UInt32(try number16())
    }

    mutating func readBytes(_ count: Int) throws(DNSError) -> [UInt8] {
        guard bytes.count - offset >= count else { throw .truncated }
        offset += count
        return Array(bytes[offset - count..<offset])
    }

    /// A name, of which the end may stand before it in the packet.
    mutating func name() throws(DNSError) -> DNSName {
        let start = offset
        var labels: [[UInt8]] = []
        var size = 1
        // Where the part begins that is being read, and where to go on behind the name.
        var part = offset
        var end: Int?
        while true {
            let length = try number8()
            if length == 0 { break }
            switch length >> 6 {
            case 0:
                size += Int(length) + 1
                guard size <= DNSName.bytesMax else { throw .name(offset: start) }
                labels.append(try readBytes(Int(length)))
            case 3:
                let target = Int(length & 0x3F) << 8 | Int(try number8())
                guard target < part else { throw .name(offset: start) }
                end = end ?? offset
                part = target
                offset = target
            default: throw .name(offset: start)
            }
        }
        if let end { offset = end }
        guard let name = DNSName(labels: labels) else { throw .name(offset: start) }
        return name
    }

    mutating func record() throws(DNSError) -> DNSPacket.Record {
        let name = try name()
        let kind = try number16()
        let group = try number16()
        let seconds = try number32()
        let length = Int(try number16())
        guard bytes.count - offset >= length else { throw .truncated }
        let end = offset + length
        let content = try content(of: kind, until: end)
        guard offset == end else { throw .content(kind: kind) }
        return DNSPacket.Record(name, kind: kind, group: group, seconds: seconds, content)
    }

    private mutating func content(
        of kind: UInt16, until end: Int
    ) throws(DNSError) -> DNSPacket.Content {
        switch kind {
        case DNSPacket.Kind.ptr: return .pointer(try name())
        case DNSPacket.Kind.txt:
            var texts: [[UInt8]] = []
            while offset < end {
                let length = Int(try number8())
                guard length <= end - offset else { throw .content(kind: kind) }
                texts.append(try readBytes(length))
            }
            return .texts(texts.filter { !$0.isEmpty })
        case DNSPacket.Kind.srv:
            guard end - offset >= 7 else { throw .content(kind: kind) }
            _ = try readBytes(4)
            let port = try number16()
            return .service(port: port, host: try name())
        case DNSPacket.Kind.a:
            guard end - offset == 4 else { throw .content(kind: kind) }
            return .address(try number32())
        default: return .other(try readBytes(end - offset))
        }
    }
}
