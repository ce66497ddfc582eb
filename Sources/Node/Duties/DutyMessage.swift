// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger
internal import Replication

/// What nodes and the bridge say to each other beside agreeing: Borsh, a `u8` tag from 128 on, so
/// that none can be taken for a `PeerMessage`.
package enum DutyMessage: BorshCodable, Sendable {
    /// Tag 128: the sender lacks a blob and asks for the part that begins at an offset.
    case wantBlob(Digest, offset: UInt64)
    /// Tag 129: a part of a blob of so many bytes; one of none where the sender has not got it.
    case blobPart(Digest, size: UInt64, offset: UInt64, bytes: [UInt8])
    /// Tag 130: a checkpoint with the sender's cosignature, as a C2SP signed note.
    case checkpoint([UInt8])
    /// Tag 131: to the bridge: payments that the ledger has ordered, with their proofs.
    case orders([SettlementOrder])
    /// Tag 132: to the bridge: changes that T validators agreed on, with their proofs.
    case changes([ProvedChange])
    /// Tag 133: from the bridge: it asks for the changes from this number on.
    case wantChanges(UInt64)

    /// The first tag; `PeerMessage` has those below.
    static let firstTag: UInt8 = 128
    /// The tag of a checkpoint.
    static let checkpointTag: UInt8 = 130

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
        case .orders(let orders):
            writer.write(UInt8(131))
            writer.write(orders)
        case .changes(let changes):
            writer.write(UInt8(132))
            writer.write(changes)
        case .wantChanges(let number):
            writer.write(UInt8(133))
            writer.write(number)
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
        case 131: self = .orders(try reader.list(bound: NodeLimits.ordersPerMessageMax))
        case 132: self = .changes(try reader.list(bound: NodeLimits.changesPerMessageMax))
        case 133: self = .wantChanges(try reader.integer())
        case let tag: throw .unknownTag(type: "DutyMessage", tag: tag, offset: start)
        }
    }
}

extension ProvedEntry: BorshCodable {
    /// Nodes of an inclusion proof: the height of the largest tree.
    private static var proofMax: Int { 64 }

    package func encode(to writer: inout BorshWriter) {
        writer.write(bytes)
        writer.write(index)
        writer.write(proof.map(\.value))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let bytes = try reader.blob(of: "ProvedEntry.bytes", bound: LogLimits.entryBytesMax)
        let index: UInt64 = try reader.integer()
        let proof = try reader.list32(of: "ProvedEntry.proof", bound: Self.proofMax)
        self.init(bytes: bytes, index: index, proof: proof.map { Digest($0) })
    }
}

extension ProvedRoot: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(precommits)
        writer.write(sealed)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let precommits = try Precommits(from: &reader)
        self.init(precommits: precommits, sealed: try ProvedEntry(from: &reader))
    }
}

extension SettlementOrder: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(submitted)
        writer.write(ordered)
        writer.write(root)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let request = try RequestMessage(from: &reader)
        let submitted = try ProvedEntry(from: &reader)
        let ordered = try ProvedEntry(from: &reader)
        self.init(
            request: request, submitted: submitted, ordered: ordered,
            root: try ProvedRoot(from: &reader))
    }
}

extension ProvedChange: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        writer.write(approved)
        writer.write(opened)
        writer.write(closed)
        writer.write(root)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let approved = try ProvedEntry(from: &reader)
        let opened = try ProvedEntry(from: &reader)
        let closed = try ProvedEntry(from: &reader)
        self.init(
            approved: approved, opened: opened, closed: closed,
            root: try ProvedRoot(from: &reader))
    }
}
