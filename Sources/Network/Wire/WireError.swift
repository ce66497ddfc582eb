// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why bytes of a peer are not what a wire format allows.
package enum WireError: Error, Equatable {
    /// The bytes end inside of a number or a field.
    case truncated
    /// A number needs more bits than the format gives it.
    case numberTooLarge
    /// A number is not in its shortest form where the format demands it.
    case numberNotMinimal
    /// A length above what is allowed here, in bytes.
    case tooLong(length: UInt64, limit: Int)
    /// A field's number is zero or above 2^29 - 1.
    case fieldNumber(UInt64)
    /// A field of a wire type that is unknown, or a group, which is refused.
    case wireType(field: UInt32, type: UInt8)
    /// A known field has another wire type than its message gives it.
    case unexpectedType(field: UInt32)
    /// More elements of one field than are allowed here.
    case tooMany(field: UInt32, limit: Int)
    /// A field that the message cannot be without.
    case missing(field: UInt32)
    /// A field whose content is outside of its domain.
    case content(field: UInt32)
}
