// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a session of yamux must end.
package enum YamuxError: Error, Equatable {
    /// A frame of another version than 0.
    case version(UInt8)
    /// A frame of a kind that does not exist.
    case kind(UInt8)
    /// Data for the session itself, or a ping for a stream.
    case wrongStream(UInt32)
    /// A stream opened under a number of ours, or a second time, or a frame of one never opened.
    case streamNumber(UInt32)
    /// More data than the window allows.
    case windowOverrun(stream: UInt32, bytes: UInt32, window: UInt32)
    /// A window that grows above 32 bits.
    case windowOverflow(stream: UInt32)
    /// Data after the end of a stream.
    case dataAfterEnd(stream: UInt32)
    /// Streams opened again and again although they are refused.
    case tooManyStreams
    /// Answers that the peer causes and does not read.
    case tooManyAnswers(bytes: Int)
}

/// The head of a frame: twelve bytes, all numbers highest byte first.
///
/// version (1), kind (1), flags (2), stream (4), length (4).
/// Source: libp2p, yamux, "Framing".
package struct YamuxHeader: Equatable, Sendable {
    /// What a frame is for.
    package enum Kind: UInt8, Sendable {
        /// As many bytes as the length says follow.
        case data = 0
        /// The length is added to the window.
        case windowUpdate = 1
        /// The length is a value to be sent back.
        case ping = 2
        /// The length is a reason; no stream is opened any more.
        case goAway = 3
    }

    /// Opens a stream, or asks for a ping.
    package static let syn: UInt16 = 1
    /// Accepts a stream, or answers a ping.
    package static let ack: UInt16 = 2
    /// The sender sends no more on this stream.
    package static let fin: UInt16 = 4
    /// The stream is at its end, at once.
    package static let rst: UInt16 = 8

    /// The bytes of a head.
    package static let bytesCount = 12

    /// What the frame is for.
    package let kind: Kind
    /// The flags; unknown ones are without meaning.
    package let flags: UInt16
    /// The stream, or zero for the session.
    package let stream: UInt32
    /// What the kind makes of it.
    package let length: UInt32

    /// A head of these.
    package init(_ kind: Kind, flags: UInt16 = 0, stream: UInt32, length: UInt32) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.length = length
    }

    /// Reads a head of twelve bytes.
    /// - Throws: `version`, `kind`.
    /// - Precondition: there are twelve bytes.
    init(_ bytes: [UInt8]) throws(YamuxError) {
        func number(_ range: Range<Int>) -> UInt32 {
            bytes[range].reduce(0) { $0 << 8 | UInt32($1) }
        }
        guard bytes[0] == 0 else { throw .version(bytes[0]) }
        guard let kind = Kind(rawValue: bytes[1]) else { throw .kind(bytes[1]) }
        self.init(
            kind, flags: UInt16(number(2..<4)), stream: number(4..<8), length: number(8..<12))
    }

    /// Appends the twelve bytes.
    package func append(to bytes: inout [UInt8]) {
        bytes.append(0)
        bytes.append(kind.rawValue)
        bytes.append(UInt8(flags >> 8))
        bytes.append(UInt8(flags & 0xFF))
        for number in [stream, length] {
            for shift in stride(from: UInt32(24), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
    }

    /// Whether the flag is set.
    func has(_ flag: UInt16) -> Bool { flags & flag != 0 }
}
