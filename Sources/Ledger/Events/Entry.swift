// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// An entry of the log as one value: what it says, its canonical bytes, and its hash as a leaf.
///
/// `bytes` is the encoding of `event`, and the only one: whoever has the one need not make the
/// other again.
package struct Entry: Sendable {
    /// What it says.
    package let event: Event
    /// Where its bytes lie in `buffer`.
    private let range: Range<Int>
    private let buffer: [UInt8]
    private let knownLeafHash: Digest?

    /// Encodes an event and hashes it.
    package init(_ event: Event) {
        let bytes = event.encoded
        self.event = event
        buffer = bytes
        range = bytes.indices
        knownLeafHash = MerkleFrontier.leafHash(bytes.span)
    }

    /// Reads an entry. Where its leaf hash is known it is taken on trust.
    package init(decoding bytes: [UInt8], leafHash: Digest? = nil) throws(DecodingError) {
        try self.init(decoding: bytes, in: bytes.indices, leafHash: leafHash)
    }

    /// Reads an entry that lies in a part of `bytes`, which are kept as they are.
    ///
    /// - Precondition: `range` lies in `bytes`.
    package init(
        decoding bytes: [UInt8], in range: Range<Int>, leafHash: Digest? = nil
    ) throws(DecodingError) {
        event = try Event(decoding: bytes, in: range)
        buffer = bytes
        self.range = range
        knownLeafHash = leafHash
    }

    /// Joins an event and bytes that are said to be its encoding.
    package init(unchecked event: Event, bytes: [UInt8]) {
        self.event = event
        buffer = bytes
        range = bytes.indices
        knownLeafHash = nil
    }

    /// The number of its bytes.
    package var byteCount: Int { range.count }

    /// Its canonical bytes; a copy where they lie in a larger array.
    package var bytes: [UInt8] {
        range.count == buffer.count ? buffer : Array(buffer[range])
    }

    /// Its hash as a leaf of the log's tree. Computed at each call where the entry was read.
    package var leafHash: Digest {
        knownLeafHash ?? MerkleFrontier.leafHash(buffer.span.extracting(range))
    }

    /// The same entry, whose leaf hash costs nothing from here on.
    package var hashed: Entry {
        knownLeafHash == nil ? Entry(self, leafHash: leafHash) : self
    }

    private init(_ entry: Entry, leafHash: Digest) {
        event = entry.event
        buffer = entry.buffer
        range = entry.range
        knownLeafHash = leafHash
    }
}

extension Entry: Hashable {
    /// Whether the bytes are equal: then the events are.
    package static func == (one: Entry, other: Entry) -> Bool {
        one.buffer[one.range] == other.buffer[other.range]
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(buffer[range]) }
}
