// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The limits of the log, with the relations between them asserted when a log is opened.
package enum LogLimits {
    /// The length of the longest entry, in bytes; the shortest has one.
    package static let entryBytesMax = 65_535
    /// The most entries of one frame.
    package static let frameEntriesMax = 1 << 20
    /// The most bytes of one frame before compression, lengths of the entries included.
    package static let frameRawBytesMax = 64 << 20
    /// The leaves of one tile.
    package static let tileLeaves = 256
    /// The binary logarithm of that.
    package static let tileLevel: UInt64 = 8
    /// What a frame of a sealed segment holds at least before compression, but for the last.
    package static let sealedFrameRawBytes = 64 << 10
    /// A full segment whose stored frames are shorter than this on average is rewritten.
    package static let rewriteBelowFrameBytes = 16 << 10
    /// So is one whose stored frames are longer than this on average: whoever wants one entry
    /// restores all of its frame.
    package static let rewriteAboveFrameBytes = 128 << 10
    /// Whole tiles whose leaves are kept in memory: what a proof needs that is asked for again.
    package static let tilesKept = 8
    /// What is read from a segment at once.
    package static let readBytes = 1 << 20
    /// The longest file that is read as an end mark.
    package static let endMarkBytesMax = 4096
    /// The longest file that is read as `ClosedEdge`.
    package static let edgeBytesMax = 64 << 20
    /// The most bytes of a torn tail: those of one frame.
    package static let tornBytesMax = frameRawBytesMax + 4096
    /// The largest blob that is stored or read, in bytes.
    package static let blobBytesMax = 64 << 20
    /// Files that are written before the disk is waited for: as many are open.
    package static let filesPlacedTogether = 64

    /// Stops the process where the limits contradict each other.
    static func check() {
        invariant(
            frameRawBytesMax >= entryBytesMax + 2, "a frame cannot hold the longest entry")
        invariant(frameRawBytesMax < Int(Int32.max) / 2, "a frame is too long for LZ4")
        invariant(frameEntriesMax * 3 <= frameRawBytesMax, "a frame cannot hold its entries")
        invariant(sealedFrameRawBytes <= frameRawBytesMax, "a sealed frame is too long")
        invariant(
            sealedFrameRawBytes + entryBytesMax <= rewriteAboveFrameBytes,
            "a sealed segment would be rewritten")
        invariant(rewriteBelowFrameBytes < rewriteAboveFrameBytes, "no segment would be left as is")
        invariant(
            entryBytesMax <= Int(UInt16.max), "the length of an entry does not fit in two bytes")
        invariant(tileLeaves == 1 << tileLevel, "\(tileLeaves) leaves are no 2^\(tileLevel)")
        invariant(tileLeaves == TilePath.fullWidth, "tiles in files have other widths")
        invariant(
            ClosedEdge.entriesMin >= UInt64(tileLeaves), "an edge is kept of less than a tile")
        invariant(
            tornBytesMax >= frameRawBytesMax + FrameHeader.bytesCount,
            "a torn frame would be taken for more than one")
        invariant(
            endMarkBytesMax > EndMark.bytesCount, "an end mark that is too long is read as whole")
        invariant(filesPlacedTogether > 0, "no file would ever be placed")
    }
}

/// How a log is written and opened.
package struct LogOptions: Sendable {
    /// A segment of at least this many bytes is full, and the next commit starts another.
    ///
    /// 8 MiB unless told: opening after a crash hashes the entries of the last segment again, so it
    /// waits for as many. A segment is at most one frame longer.
    package var segmentBytesMax: UInt64

    /// What is known from elsewhere to have been committed, in entries: a checkpoint, a snapshot.
    ///
    /// A log that holds less is damaged, and its tail is not cut. Zero unless told.
    package var knownSize: UInt64

    /// The options that fit most uses.
    package init(segmentBytesMax: UInt64 = 8 << 20, knownSize: UInt64 = 0) {
        self.segmentBytesMax = segmentBytesMax
        self.knownSize = knownSize
    }
}
