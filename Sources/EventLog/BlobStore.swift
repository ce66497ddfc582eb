// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Payloads too large for an entry, by their SHA-256: files `blobs/<64 hexadecimal digits>`.
///
/// A blob is durable when `put` returns. Reading checks the hash.
package struct BlobStore: Sendable {
    /// The directory of the blobs.
    package let directory: String
    private let disk: any Disk

    /// The blobs of the log in `logDirectory`.
    package init(logDirectory: String, disk: any Disk) {
        directory = "\(logDirectory)/blobs"
        self.disk = disk
    }

    /// Stores a blob, unless it is there and good, and returns its hash.
    package func put(_ bytes: [UInt8]) throws(LogError) -> Digest { try put(all: [bytes])[0] }

    /// Stores blobs, each unless it is there and good, and waits for the disk once for all of them;
    /// returns their hashes in the same order. After an error some may be there.
    package func put(all blobs: [[UInt8]]) throws(LogError) -> [Digest] {
        for bytes in blobs where bytes.count > LogLimits.blobBytesMax {
            throw .blobTooLarge(bytes: UInt64(bytes.count), max: LogLimits.blobBytesMax)
        }
        let hashes = blobs.map { Digest(hashing: $0) }
        var files: [NewFile] = []
        for (hash, bytes) in zip(hashes, blobs) where try !holds(hash) {
            let temporary = "\(hash.hex).\(randomBytes(8).hex).tmp"
            files.append(NewFile(name: hash.hex, temporary: temporary, bytes: bytes))
        }
        try onDisk { () throws(DiskError) in
            // Of one that is there, a crash may have come between its name and the directory.
            if files.isEmpty, !blobs.isEmpty { try disk.syncDirectory(directory) }
            try disk.place(files, in: directory)
        }
        return hashes
    }

    /// Whether a blob is there and good.
    private func holds(_ hash: Digest) throws(LogError) -> Bool {
        do {
            _ = try get(hash)
            return true
        } catch {
            switch error {
            case .blobMissing, .damaged, .blobTooLarge: return false
            default: throw error
            }
        }
    }

    /// Returns a blob; `.blobMissing` where there is none, `.damaged` where it was changed.
    package func get(_ hash: Digest) throws(LogError) -> [UInt8] {
        let bytes: [UInt8]
        do { bytes = try disk.contents(of: path(hash), max: LogLimits.blobBytesMax) } catch {
            if case .notFound = error { throw .blobMissing(hash) }
            throw .disk(error)
        }
        guard bytes.count <= LogLimits.blobBytesMax else {
            throw .blobTooLarge(bytes: UInt64(bytes.count), max: LogLimits.blobBytesMax)
        }
        guard Digest(hashing: bytes) == hash else {
            throw .damaged(file: path(hash), offset: 0, entry: 0, .nameIsNotHash)
        }
        return bytes
    }

    /// Reads and checks every blob, and returns their number.
    ///
    /// What an interrupted `put` left under a temporary name is passed over.
    package func verifyAll() throws(LogError) -> Int {
        var count = 0
        for name in try names() where !name.hasSuffix(".tmp") {
            guard let value = Bytes32(hex: name), value.hex == name else {
                throw .damaged(
                    file: "\(directory)/\(name)", offset: 0, entry: 0, .unexpectedFile)
            }
            _ = try get(Digest(value))
            count += 1
        }
        return count
    }

    /// The names of the files, those that an interrupted `put` left among them, in no order.
    package func names() throws(LogError) -> [String] {
        try onDisk { () throws(DiskError) in try disk.list(directory) }
    }

    /// Removes a file of `names`, where it is there; not durable: after a crash it may be back.
    package func remove(_ name: String) throws(LogError) {
        do throws(DiskError) { try disk.remove("\(directory)/\(name)") } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
    }

    private func path(_ hash: Digest) -> String { "\(directory)/\(hash.hex)" }
}
