// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into frames: a length of two bytes, highest first, and as many bytes.
///
/// Holds at most one unfinished frame between calls.
/// Source: libp2p, noise, "Wire Format".
package struct NoiseFrames: Sendable {
    private var rest: [UInt8] = []
    private var place = 0

    /// With nothing received.
    package init() {}

    /// Appends bytes as they came.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if place > 0 {
            rest.removeFirst(place)
            place = 0
        }
        rest.append(contentsOf: bytes)
    }

    /// The next whole frame without its length, or nil while it has not arrived.
    package mutating func next() -> ArraySlice<UInt8>? {
        guard rest.count - place >= 2 else { return nil }
        let length = Int(rest[place]) << 8 | Int(rest[place + 1])
        guard rest.count - place - 2 >= length else { return nil }
        let frame = rest[place + 2..<place + 2 + length]
        place += 2 + length
        return frame
    }

    /// Puts a frame's length before it.
    /// - Throws: `tooLong`.
    package static func frame(_ bytes: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard bytes.count <= NoiseHandshake.messageBytesMax else {
            throw .tooLong(bytes: bytes.count)
        }
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }
}

/// Both directions of an encrypted connection.
package struct NoiseChannel: Sendable {
    private var sending: NoiseCipher
    private var receiving: NoiseCipher
    private var frames: NoiseFrames

    /// The most bytes of text in one frame.
    static let textBytesMax = NoiseHandshake.messageBytesMax - 16

    /// A channel after a handshake, with the bytes that came behind its last message.
    package init(send: NoiseCipher, receive: NoiseCipher, frames: NoiseFrames = NoiseFrames()) {
        sending = send
        receiving = receive
        self.frames = frames
    }

    /// The frames that carry `text`.
    /// - Throws: `exhausted`.
    package mutating func seal(_ text: [UInt8]) throws(NoiseError) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + 18 * (text.count / Self.textBytesMax + 1))
        var rest = text[...]
        while !rest.isEmpty {
            output += try NoiseFrames.frame(try sending.seal(rest.prefix(Self.textBytesMax)))
            rest = rest.dropFirst(Self.textBytesMax)
        }
        return output
    }

    /// The text of all frames that are whole with these bytes.
    /// - Throws: `notAuthentic`, `exhausted`.
    package mutating func open(_ bytes: some Collection<UInt8>) throws(NoiseError) -> [UInt8] {
        frames.append(bytes)
        var text: [UInt8] = []
        while let frame = frames.next() { text += try receiving.open(frame) }
        return text
    }
}
