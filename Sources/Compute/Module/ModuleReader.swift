// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why an outline could not be taken.
package enum OutlineError: Error, Equatable, Sendable {
    /// The bytes end too early, or a number is too long, at an offset.
    case malformed(offset: Int)
    /// Something is above its bound.
    case tooComplex(what: String, count: UInt64, max: UInt64)
}

/// Reads the binary form of WebAssembly (core specification 2.0, section 5).
struct ModuleReader {
    private let bytes: [UInt8]
    private(set) var offset: Int
    private let end: Int

    /// Reads all of `bytes`.
    init(_ bytes: [UInt8]) { self.init(bytes, 0, bytes.count) }

    private init(_ bytes: [UInt8], _ offset: Int, _ end: Int) {
        self.bytes = bytes
        self.offset = offset
        self.end = end
    }

    var isAtEnd: Bool { offset == end }

    mutating func byte() throws(OutlineError) -> UInt8 {
        guard offset < end else { throw .malformed(offset: offset) }
        offset += 1
        return bytes[offset - 1]
    }

    /// An unsigned number of at most `bits` bits, in LEB128 (section 5.2.2).
    mutating func number(bits: Int = 32) throws(OutlineError) -> UInt64 {
        var value: UInt64 = 0
        var shift = 0
        while true {
            let start = offset
            let byte = try byte()
            let payload = UInt64(byte & 0x7F)
            guard shift < bits, shift + 7 <= bits || payload >> UInt64(bits - shift) == 0 else {
                throw .malformed(offset: start)
            }
            value |= payload << UInt64(shift)
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    /// A number of items, refused where it is above the bound.
    mutating func count(
        of what: String, max: Int = EngineLimits.itemsMax
    ) throws(OutlineError) -> Int {
        let count = try number()
        guard count <= max else { throw .tooComplex(what: what, count: count, max: UInt64(max)) }
        return Int(count)
    }

    /// A reader of the next `count` bytes, which this one passes over.
    mutating func part(of count: UInt64) throws(OutlineError) -> ModuleReader {
        guard count <= UInt64(end - offset) else { throw .malformed(offset: offset) }
        let part = ModuleReader(bytes, offset, offset + Int(count))
        offset += Int(count)
        return part
    }

    /// A name in UTF-8 (section 5.2.4).
    mutating func name() throws(OutlineError) -> String {
        let start = offset
        let part = try part(of: try number())
        guard let text = String(validating: bytes[part.offset..<part.end], as: UTF8.self) else {
            throw .malformed(offset: start)
        }
        return text
    }

    /// Bytes of types of values, one each (section 5.3.4).
    mutating func valueTypes() throws(OutlineError) -> [UInt8] {
        let count = try count(of: "types of values")
        var types: [UInt8] = []
        for _ in 0..<count { types.append(try byte()) }
        return types
    }

    /// The lower limit of a table or memory (section 5.3.7); the upper one is passed over.
    mutating func lowerLimit() throws(OutlineError) -> UInt64 {
        let flags = try byte()
        let minimum = try number(bits: 64)
        if flags & 1 != 0 { _ = try number(bits: 64) }
        return minimum
    }
}
