// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into messages: a length as a varint, and as many bytes.
///
/// Holds at most one unfinished message between calls, and none above the limit.
package struct PrefixedMessages: Sendable {
    /// The most bytes of a message.
    package let bytesMax: Int
    private var rest: [UInt8] = []
    private var place = 0

    /// With nothing received.
    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// The bytes that are held.
    package var heldBytes: Int { rest.count - place }

    /// Appends bytes as they came.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if place > 0 {
            rest.removeFirst(place)
            place = 0
        }
        rest.append(contentsOf: bytes)
    }

    /// The next whole message, or nil while it has not arrived.
    ///
    /// A length above the limit is refused before its bytes have come.
    /// - Throws: `numberTooLarge`, `numberNotMinimal`, `tooLong`.
    package mutating func next() throws(WireError) -> ArraySlice<UInt8>? {
        guard let (length, size) = try Varint.decode(rest[place...], form: .multiformats)
        else { return nil }
        guard length <= UInt64(bytesMax) else { throw .tooLong(length: length, limit: bytesMax) }
        guard rest.count - place - size >= Int(length) else { return nil }
        let message = rest[place + size..<place + size + Int(length)]
        place += size + Int(length)
        return message
    }

    /// Puts a message's length before it.
    package static func frame(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + Varint.bytesMax)
        Varint.encode(UInt64(message.count), to: &bytes)
        return bytes + message
    }
}
