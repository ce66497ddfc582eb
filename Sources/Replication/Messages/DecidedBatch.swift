// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

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

    /// Whether T precommitted and the entries follow is for whoever takes it in.
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
