// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What of the ledger was known when a journal was cut: from there on the journal says everything,
/// and of what is before it what the ledger does not say.
package struct JournalCut: BorshCodable, Equatable, Sendable {
    /// The last batch.
    package let height: Height
    /// Its time.
    package let time: Time
    /// The size of the log after it.
    package let size: UInt64
    /// The root of the log after it.
    package let root: Digest

    /// The end of what a ledger holds.
    package init(height: Height, time: Time, size: UInt64, root: Digest) {
        self.height = height
        self.time = time
        self.size = size
        self.root = root
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(time)
        writer.write(size)
        writer.write(root)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        time = try Time(from: &reader)
        size = try reader.integer()
        root = try reader.digest()
    }
}
