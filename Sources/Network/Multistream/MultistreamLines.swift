// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a negotiation of a protocol fails.
package enum MultistreamError: Error, Equatable {
    /// A length that is no number, or above the limit.
    case wire(WireError)
    /// A line without a line feed at its end, or that is none of its kind.
    case line
    /// The other side speaks another negotiation.
    case header(String)
    /// The other side confirms what nobody asked for.
    case notAsked(String)
    /// The other side speaks none of the protocols.
    case refused
    /// The other side asks for more protocols than anybody has.
    case tooManyTries
}

/// The lines of multistream-select 1.0: a length as a varint, a text, and a line feed that the
/// length counts.
///
/// Source: multiformats, multistream-select.
enum MultistreamLines {
    /// The line that both sides begin with.
    static let header = "/multistream/1.0.0"
    /// The answer to a protocol that is not spoken.
    static let notAvailable = "na"
    /// The most bytes of a line that is read, line feed included.
    static let bytesMax = 512

    /// The bytes of a line.
    static func encode(_ text: String) -> [UInt8] {
        Varint.encode(UInt64(text.utf8.count + 1)) + text.utf8 + [0x0A]
    }

    /// Takes a whole line off the bytes, or returns nil while it has not arrived.
    ///
    /// Refuses a length above the limit before the line has arrived.
    static func popLine(from bytes: inout [UInt8]) throws(MultistreamError) -> String? {
        let length: (value: UInt64, size: Int)?
        do { length = try Varint.decode(bytes[...], form: .multiformats) } catch {
            throw .wire(error)
        }
        guard let length else { return nil }
        guard length.value <= UInt64(bytesMax) else {
            throw .wire(.tooLong(length: length.value, limit: bytesMax))
        }
        let end = length.size + Int(length.value)
        guard bytes.count >= end else { return nil }
        let line = bytes[length.size..<end]
        guard line.last == 0x0A else { throw .line }
        let text = String(decoding: line.dropLast(), as: UTF8.self)
        guard text.utf8.elementsEqual(line.dropLast()) else { throw .line }
        bytes.removeFirst(end)
        return text
    }
}
