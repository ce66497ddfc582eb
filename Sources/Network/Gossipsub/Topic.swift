// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The name of a topic: bytes, which are UTF-8 by custom and compared as bytes.
package struct Topic: Hashable, Comparable, Sendable {
    /// The bytes of the name.
    package let bytes: [UInt8]

    /// The topic of these bytes.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// The topic of this name.
    package init(_ name: String) { bytes = Array(name.utf8) }

    package static func < (left: Topic, right: Topic) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension Topic: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// What tells a message of a topic from all others; two messages of one id are the same message.
package struct MessageID: Hashable, Comparable, Sendable {
    /// The bytes, as gossip carries them.
    package let bytes: [UInt8]

    /// The id of these bytes.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    package static func < (left: MessageID, right: MessageID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
