// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What the start of a snapshot's file says, for those who do not have the rest of it yet.
package struct SnapshotFacts: Equatable, Sendable {
    /// The ledger: SHA-256 of its first entry.
    package let ledger: LedgerID
    /// The last batch that the state holds.
    package let height: Height
    /// The size of the log after its seal.
    package let size: UInt64
    /// The root of the log then.
    package let root: Digest
    /// The roots of the components, as the seal names them.
    package let components: [Digest]
    /// The bytes of the whole file; nil where the header itself is not whole yet.
    package let fileBytes: UInt64?
    /// The roots of the complete subtrees of the log's tree, largest first; empty where the header
    /// itself is not whole yet.
    package let subtrees: [Digest]

    /// What a snapshot's file begins with.
    package static let magic = SnapshotHeader.magic
    /// In so many bytes at the start of a file stands the header of all but absurd snapshots.
    package static let startBytesMax = 1 << 20

    /// Reads the start of a file, and all of its header where that is there.
    ///
    /// Checks, in order: length, magic, version, bound, fields; of a whole header also its checksum
    /// and that it does not contradict itself.
    package init(start bytes: [UInt8]) throws(SnapshotFlaw) {
        let length = try SnapshotHeader.length(start: bytes)
        guard bytes.count >= SnapshotHeader.startBytes else {
            throw .short(neededBytes: SnapshotHeader.startBytes, foundBytes: bytes.count)
        }
        var reader = BorshReader(Array(bytes[16..<SnapshotHeader.startBytes]))
        do throws(DecodingError) {
            ledger = try LedgerID(from: &reader)
            height = try Height(from: &reader)
            size = try reader.integer()
            root = try reader.digest()
            var components: [Digest] = []
            for _ in StateComponent.allCases { components.append(try reader.digest()) }
            self.components = components
        } catch {
            throw .undecodable(error)
        }
        guard bytes.count >= length else {
            fileBytes = nil
            subtrees = []
            return
        }
        let header = try SnapshotHeader(Array(bytes[..<length]))
        let (sum, isOver) = UInt64(length).addingReportingOverflow(header.bodyBytes)
        guard !isOver else { throw .contradictsItself }
        fileBytes = sum
        subtrees = header.subtrees
    }
}
