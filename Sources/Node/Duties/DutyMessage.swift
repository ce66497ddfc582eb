// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger

/// What nodes and the bridge say to each other beside agreeing: Borsh, a `u8` tag from 128 on, so
/// that none can be taken for a `PeerMessage`.
package enum DutyMessage: BorshCodable, Sendable {
    /// Tag 128: the sender lacks a blob and asks for the part that begins at an offset.
    case wantBlob(Digest, offset: UInt64)
    /// Tag 129: a part of a blob of so many bytes; one of none where the sender has not got it.
    case blobPart(Digest, size: UInt64, offset: UInt64, bytes: [UInt8])
    /// Tag 130: a checkpoint with the sender's cosignature, as a C2SP signed note.
    case checkpoint([UInt8])

    /// The first tag; `PeerMessage` has those below.
    static let firstTag: UInt8 = 128

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .wantBlob(let hash, let offset):
            writer.write(UInt8(128))
            writer.write(hash)
            writer.write(offset)
        case .blobPart(let hash, let size, let offset, let bytes):
            writer.write(UInt8(129))
            writer.write(hash)
            writer.write(size)
            writer.write(offset)
            writer.write(bytes)
        case .checkpoint(let bytes):
            writer.write(UInt8(130))
            writer.write(bytes)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 128:
            let hash = try reader.digest()
            self = .wantBlob(hash, offset: try reader.integer())
        case 129:
            let hash = try reader.digest()
            let size: UInt64 = try reader.integer()
            let offset: UInt64 = try reader.integer()
            let bytes = try reader.blob(
                of: "DutyMessage.blobPart", bound: NodeLimits.blobPartBytes)
            self = .blobPart(hash, size: size, offset: offset, bytes: bytes)
        case 130:
            self = .checkpoint(
                try reader.blob(of: "DutyMessage.checkpoint", bound: SignedNote.bytesMax))
        case let tag: throw .unknownTag(type: "DutyMessage", tag: tag, offset: start)
        }
    }
}
