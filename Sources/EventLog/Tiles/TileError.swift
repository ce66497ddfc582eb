// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What is wrong with a file of a folder of tiles.
package enum TileFlaw: Equatable, Sendable {
    /// There is no such file.
    case missing
    /// The file has another length than its hashes need.
    case length(bytes: Int, expected: Int)
    /// The bundle ends within an entry, counted from 0.
    case endsEarly(entry: Int)
    /// An entry of the bundle, counted from 0, has no bytes.
    case emptyEntry(Int)
    /// There are bytes after the last entry.
    case bytesAfterEnd(count: Int)
    /// An entry of the bundle, counted from 0, does not have the hash that its tile says.
    case entryHash(Int)
    /// The hashes do not have the root that the tile above, or the checkpoint, says.
    case root(stored: Digest, computed: Digest)
    /// The file `checkpoint` is no checkpoint, or of another log.
    case note(NoteError)
    /// The checkpoint is not of the log: that has another root at this size, or is shorter.
    case notOfThisLog(TreeHead, logSize: UInt64, logRoot: Digest?)
    /// The folder has been written up to a larger size than was asked for.
    case newer(size: UInt64, asked: UInt64)
}

/// Why a folder of tiles was not written or not read.
package enum TileError: Error, Equatable, Sendable {
    /// The disk failed.
    case disk(DiskError)
    /// The log failed.
    case log(LogError)
    /// The checkpoint that was to be exported is not one of the log.
    case otherCheckpoint(TreeHead, logRoot: Digest)
    /// A file is damaged, missing or of another log.
    case damaged(file: String, TileFlaw)
    /// One or more of these files, the last tiles of each level, are damaged or of another log.
    case damagedEdge(files: [String], TileFlaw)
    /// There is no such tile or entry below the size.
    case outOfRange(index: UInt64, size: UInt64)
}

extension TileError: CustomStringConvertible {
    /// What happened, for a person.
    package var description: String {
        switch self {
        case .disk(let error): "the disk failed: \(error)"
        case .log(let error): "\(error)"
        case .otherCheckpoint(let head, let root):
            "the checkpoint says that size \(head.size) has root \(head.root.hex), and the log's "
                + "is \(root.hex)"
        case .damaged(let file, let flaw): "\(file): \(flaw)"
        case .damagedEdge(let files, let flaw): "\(files.joined(separator: ", ")): \(flaw)"
        case .outOfRange(let index, let size): "\(index) is beyond the size of \(size)"
        }
    }
}

extension TileFlaw: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .missing: "the file is missing"
        case .length(let bytes, let expected): "\(bytes) bytes where \(expected) were due"
        case .endsEarly(let entry): "the file ends within entry \(entry) of the bundle"
        case .emptyEntry(let entry): "entry \(entry) of the bundle has no bytes"
        case .bytesAfterEnd(let count): "\(count) bytes follow the last entry"
        case .entryHash(let entry):
            "entry \(entry) of the bundle does not have the hash that its tile says"
        case .root(let stored, let computed):
            "the hashes have root \(computed.hex), and \(stored.hex) was due"
        case .note(let error): "\(error)"
        case .notOfThisLog(let head, let logSize, let logRoot):
            if let logRoot {
                "the folder is of another log: size \(head.size) has root \(head.root.hex), and in "
                    + "this log \(logRoot.hex)"
            } else {
                "the folder is of another log: it has \(head.size) entries, and this log \(logSize)"
            }
        case .newer(let size, let asked):
            "the folder holds \(size) entries already, more than \(asked)"
        }
    }
}

/// Turns a failure of the disk into one of tiles.
func onTiles<R>(_ body: () throws(DiskError) -> R) throws(TileError) -> R {
    do { return try body() } catch { throw .disk(error) }
}

extension Disk {
    /// Reads the checkpoint of a folder of tiles; nil where there is none.
    func tileCheckpoint(in directory: String) throws(TileError) -> SignedCheckpoint? {
        let file = "\(directory)/checkpoint"
        let bytes: [UInt8]
        do { bytes = try contents(of: file, max: SignedNote.bytesMax) } catch {
            if case .notFound = error { return nil }
            throw .disk(error)
        }
        do { return try SignedCheckpoint(bytes) } catch {
            throw .damaged(file: file, .note(error))
        }
    }
}
