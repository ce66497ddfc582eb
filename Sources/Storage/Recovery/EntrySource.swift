// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog

/// Why a source of entries could not give them.
package enum SourceError: Error, Equatable, Sendable {
    /// A file of the source is missing or damaged.
    case damaged(file: String, problem: String)
    /// The disk failed.
    case disk(DiskError)
}

/// Another copy of a ledger, from which entries are taken.
///
/// Nothing that it says is trusted: `LedgerRecovery` checks all of it.
package protocol EntrySource {
    /// Where it is, for people.
    var place: String { get }
    /// The number of entries that it says to have.
    var size: UInt64 { get }
    /// The roots of the first `count` complete tiles of 256 entries, in order.
    func tileRoots(_ count: UInt64) throws(SourceError) -> [Digest]
    /// The entries with these indexes, which lie in one tile.
    func entries(_ range: Range<UInt64>) throws(SourceError) -> [[UInt8]]
    /// The leaf hashes of the entries with these indexes, which lie in one tile.
    func leafHashes(_ range: Range<UInt64>) throws(SourceError) -> [Digest]
    /// The file that holds an entry, for people.
    func file(holding index: UInt64) -> String
    /// The hashes of the blobs that it says to have, ascending.
    func blobs() throws(SourceError) -> [Digest]
    /// A blob; nil where it has none, or a damaged one.
    func blob(_ hash: Digest) throws(SourceError) -> [UInt8]?
}

/// The directory of another ledger as a source, opened for reading.
///
/// What lies beyond the size that is asked for is not looked at. A live ledger serves too.
package final class LedgerSource: EntrySource {
    /// The directory.
    package let place: String
    /// The number of entries.
    package let size: UInt64

    private let log: EventLog
    private let disk: any Disk

    /// Opens the log of a ledger directory. Throws as `EventLog.open` does.
    package init(directory: String, disk: any Disk) throws(LogError) {
        place = directory
        self.disk = disk
        log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
        size = log.size
    }

    package func tileRoots(_ count: UInt64) throws(SourceError) -> [Digest] {
        do { return try log.tileRoots(count) } catch { throw sourceError(error) }
    }

    package func entries(_ range: Range<UInt64>) throws(SourceError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        entries.reserveCapacity(range.count)
        do {
            // The log keeps the frame that was read last.
            for index in range { entries.append(try log.entry(at: index)) }
        } catch {
            throw sourceError(error)
        }
        return entries
    }

    package func leafHashes(_ range: Range<UInt64>) throws(SourceError) -> [Digest] {
        try entries(range).map { MerkleFrontier.leafHash($0.span) }
    }

    package func file(holding index: UInt64) -> String {
        do { return try log.file(holding: index) } catch { return place }
    }

    package func blobs() throws(SourceError) -> [Digest] {
        do { return try blobHashes(in: place, disk) } catch { throw .disk(error) }
    }

    package func blob(_ hash: Digest) throws(SourceError) -> [UInt8]? {
        do { return try goodBlob(hash, in: place, disk) } catch { throw sourceError(error) }
    }

    private func sourceError(_ error: LogError) -> SourceError {
        switch error {
        case .disk(let cause): .disk(cause)
        case .damaged(let file, let offset, let entry, let flaw):
            .damaged(file: file, problem: "byte \(offset), entry \(entry): \(flaw)")
        default: .damaged(file: place, problem: "\(error)")
        }
    }
}

/// The hashes of the blobs in a ledger directory, by their names, ascending.
func blobHashes(in directory: String, _ disk: any Disk) throws(DiskError) -> [Digest] {
    let names: [String]
    do { names = try disk.list("\(directory)/blobs") } catch {
        if case .notFound = error { return [] }
        throw error
    }
    return names.compactMap { name in
        Bytes32(hex: name).flatMap { $0.hex == name ? Digest($0) : nil }
    }
}

/// A blob of a ledger directory; nil where it is missing, damaged or cannot be read.
func goodBlob(
    _ hash: Digest, in directory: String, _ disk: any Disk
) throws(LogError) -> [UInt8]? {
    do { return try BlobStore(logDirectory: directory, disk: disk).get(hash) } catch {
        switch error {
        case .blobMissing, .damaged, .blobTooLarge, .disk(.failed): return nil
        default: throw error
        }
    }
}
