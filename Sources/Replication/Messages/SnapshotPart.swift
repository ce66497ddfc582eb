// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Asks for a part of a snapshot under a checkpoint.
package struct SnapshotWant: BorshCodable, Hashable, Sendable {
    /// The size of the checkpoint that the sender's operator named.
    package var checkpointSize: UInt64
    /// The size at which the snapshot was taken; 0 for the newest one under the checkpoint.
    package var snapshotSize: UInt64
    /// Where the part starts in the file, in bytes.
    package var offset: UInt64

    /// Sizes count entries, the offset bytes of the file.
    package init(checkpointSize: UInt64, snapshotSize: UInt64, offset: UInt64) {
        self.checkpointSize = checkpointSize
        self.snapshotSize = snapshotSize
        self.offset = offset
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(checkpointSize)
        writer.write(snapshotSize)
        writer.write(offset)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        checkpointSize = try reader.integer()
        snapshotSize = try reader.integer()
        offset = try reader.integer()
    }
}

/// A part of the file of a snapshot, and on the first part what puts it under the checkpoint.
///
/// One whose `fileBytes` is 0 says that its sender has no such snapshot.
package struct SnapshotPart: BorshCodable, Hashable, Sendable {
    /// The size of the checkpoint that was asked about.
    package var checkpointSize: UInt64
    /// The size of the log at which the snapshot was taken.
    package var snapshotSize: UInt64
    /// The bytes of the whole file.
    package var fileBytes: UInt64
    /// Where the part starts in it.
    package var offset: UInt64
    /// The part: `ReplicationLimits.snapshotPartBytes`, the last one what remains.
    package var bytes: [UInt8]
    /// The `BatchSealed` at `snapshotSize - 1`; empty but for the first part.
    package var seal: EntryBytes
    /// That the seal is in the tree of `snapshotSize` (RFC 6962 section 2.1.1).
    package var inclusion: [Digest]
    /// That that tree is a prefix of the checkpoint's (RFC 6962 section 2.1.2).
    package var consistency: [Digest]

    /// Sizes count entries, `fileBytes` and the offset bytes of the file.
    package init(
        checkpointSize: UInt64, snapshotSize: UInt64, fileBytes: UInt64, offset: UInt64,
        bytes: [UInt8], seal: EntryBytes = EntryBytes([]), inclusion: [Digest] = [],
        consistency: [Digest] = []
    ) {
        self.checkpointSize = checkpointSize
        self.snapshotSize = snapshotSize
        self.fileBytes = fileBytes
        self.offset = offset
        self.bytes = bytes
        self.seal = seal
        self.inclusion = inclusion
        self.consistency = consistency
    }

    /// Says that there is no such snapshot.
    package static func none(for want: SnapshotWant) -> Self {
        SnapshotPart(
            checkpointSize: want.checkpointSize, snapshotSize: want.snapshotSize, fileBytes: 0,
            offset: want.offset, bytes: [])
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(checkpointSize)
        writer.write(snapshotSize)
        writer.write(fileBytes)
        writer.write(offset)
        writer.write(bytes)
        writer.write(seal)
        writer.write(inclusion.map(\.value))
        writer.write(consistency.map(\.value))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        checkpointSize = try reader.integer()
        snapshotSize = try reader.integer()
        fileBytes = try reader.integer()
        offset = try reader.integer()
        bytes = try reader.blob(
            of: "SnapshotPart", bound: ReplicationLimits.snapshotPartBytes)
        seal = try EntryBytes(from: &reader)
        inclusion = try Self.proof(&reader)
        consistency = try Self.proof(&reader)
    }

    private static func proof(_ reader: inout BorshReader) throws(DecodingError) -> [Digest] {
        try reader.list32(of: "proof", bound: ReplicationLimits.proofNodesMax).map(Digest.init)
    }
}
