// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// T precommits on the root of the log after a batch, of one round.
package struct Precommits: BorshCodable, Hashable, Sendable {
    /// The batch.
    package var height: Height
    /// The round in which they were given.
    package var round: UInt32
    /// The root of the log after the batch.
    package var root: Digest
    /// Exactly T, by index.
    package var signatures: [IndexedSignature]

    /// Takes the fields in order.
    package init(
        height: Height, round: UInt32, root: Digest, signatures: [IndexedSignature]
    ) {
        self.height = height
        self.round = round
        self.root = root
        self.signatures = signatures
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(root)
        writer.write(signatures)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        round = try reader.integer()
        root = try reader.digest()
        signatures = try reader.list(bound: Limits.membersMax)
    }
}

/// One entry of the log, as its bytes.
package struct EntryBytes: BorshCodable, Hashable, Sendable {
    /// What is a leaf of the log's tree.
    package var bytes: [UInt8]

    /// Wraps bytes.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func encode(to writer: inout BorshWriter) { writer.write(bytes) }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        bytes = try reader.blob(of: "EntryBytes", bound: Limits.entryBytesMax)
    }
}

/// A batch that is decided, for a node that was away: its entries and what proves them.
package struct DecidedBatch: BorshCodable, Hashable, Sendable {
    /// On the root of the log after the last of `entries`.
    package var precommits: Precommits
    /// From `BatchOpened` to `BatchSealed`.
    package var entries: [EntryBytes]

    /// Takes the fields in order.
    package init(precommits: Precommits, entries: [EntryBytes]) {
        self.precommits = precommits
        self.entries = entries
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(precommits)
        writer.write(entries)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        precommits = try Precommits(from: &reader)
        entries = try reader.list(bound: ReplicationLimits.batchEntriesMax)
    }
}
