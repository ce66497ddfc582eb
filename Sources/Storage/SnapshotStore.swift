// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// The snapshots of a ledger: files `snapshots/<height, 20 digits>.snapshot` in its directory.
package struct SnapshotStore: Sendable {
    /// Bytes of a snapshot that are written between two syncs.
    private static let stepBytes = 256 << 10

    /// The directory of the snapshots.
    package let directory: String
    private let parent: String
    private let name: String
    private let disk: any Disk

    /// The snapshots of the ledger in `ledgerDirectory`.
    package init(ledgerDirectory: String, disk: any Disk) {
        parent = ledgerDirectory
        name = "snapshots"
        directory = "\(ledgerDirectory)/snapshots"
        self.disk = disk
    }

    /// The snapshots in a folder of their own, which the first that is written makes.
    ///
    /// - Precondition: The path is absolute and does not end with a slash.
    package init(folder: String, disk: any Disk) {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        invariant(parts.count > 1 && parts[0].isEmpty, "\(folder) is no absolute path")
        parent = parts.count > 2 ? parts.dropLast().joined(separator: "/") : "/"
        name = String(parts[parts.count - 1])
        directory = folder
        self.disk = disk
    }

    /// The heights of which there is a file, ascending; other names are passed over.
    package func heights() throws(DiskError) -> [Height] {
        do {
            return try disk.list(directory).compactMap { Self.height(in: $0) }
        } catch {
            if case .notFound = error { return [] }
            throw error
        }
    }

    /// The path of the snapshot of a height.
    package func path(_ height: Height) -> String { "\(directory)/\(Self.name(height))" }

    /// Writes the state that a log has reached, durably, and returns its header.
    ///
    /// - Parameters:
    ///   - snapshot: Taken between two batches.
    ///   - state: What it was taken from, or its like; only small parts are read.
    ///   - log: Holds at least `size` entries.
    ///   - afterStep: Called after each step that is durable.
    package func write(
        _ snapshot: StateSnapshot, height: Height, ledger: LedgerID, components: [Digest],
        size: UInt64, log: any SweptLog, afterStep: () -> Void = {}
    ) throws(LogError) -> SnapshotHeader {
        let subtrees = try log.subtrees(at: size)
        let header = SnapshotHeader(
            ledger: ledger, height: height, size: size, root: try log.root(at: size),
            components: components, subtrees: subtrees, snapshot)
        let pieces = [header.encoded, snapshot.fixed] + snapshot.records.flatMap(\.chunks)
        do throws(DiskError) {
            try makeDirectory()
            let temporary = "\(path(height)).\(randomBytes(6).hex).tmp"
            do throws(DiskError) {
                try put(pieces, at: temporary, afterStep)
                try disk.rename(temporary, to: path(height))
            } catch {
                // Where the disk is full, what there is of it would only keep it full.
                do throws(DiskError) { try disk.remove(temporary) } catch {
                    // It was never there, or the disk takes nothing at all: the first error counts.
                }
                throw error
            }
            try disk.syncDirectory(directory)
        } catch {
            throw .disk(error)
        }
        return header
    }

    /// Writes a new file of these pieces, durably but for its name.
    private func put(
        _ pieces: [[UInt8]], at path: String, _ afterStep: () -> Void
    ) throws(DiskError) {
        let file = try disk.open(path, .create)
        var offset: UInt64 = 0
        var unsynced = 0
        for piece in pieces {
            // A log's own sync would wait for all that the disk has been given.
            for start in stride(from: 0, to: piece.count, by: Self.stepBytes) {
                let step = piece[start..<min(piece.count, start + Self.stepBytes)]
                try file.write(Array(step), at: offset)
                offset += UInt64(step.count)
                unsynced += step.count
                guard unsynced >= Self.stepBytes else { continue }
                try file.sync()
                unsynced = 0
                afterStep()
            }
        }
        try file.sync()
    }

    private func makeDirectory() throws(DiskError) {
        guard try !disk.list(parent).contains(name) else { return }
        do { try disk.createDirectory(directory) } catch {
            // Another process may have been faster.
            guard try disk.list(parent).contains(name) else { throw error }
        }
        try disk.syncDirectory(parent)
    }

    /// Removes all but the newest `kept`, and what interrupted writing left behind.
    ///
    /// Temporary files are removed only where nobody else writes, which the caller knows.
    package func prune(kept: Int, removesTemporary: Bool = false) throws(DiskError) {
        for height in try heights().dropLast(max(1, kept)) { try disk.remove(path(height)) }
        guard removesTemporary else { return }
        let names: [String]
        do { names = try disk.list(directory) } catch {
            if case .notFound = error { return }
            throw error
        }
        for name in names where name.hasSuffix(".tmp") { try disk.remove("\(directory)/\(name)") }
    }

    /// Reads the header of a snapshot and checks it by itself.
    package func header(of height: Height) throws(SnapshotFlaw) -> SnapshotHeader {
        try open(height).header
    }

    /// Reads the fixed part of a snapshot, which nothing checks yet: see `PartyRoll`.
    package func fixedPart(of height: Height) throws(SnapshotFlaw) -> [UInt8] {
        let (file, header) = try open(height)
        let count = Int(header.fixedBytes)
        do throws(DiskError) {
            return try file.read(at: UInt64(header.encoded.count), count: count)
        } catch {
            throw .disk(error)
        }
    }

    /// Reads a snapshot that lies anywhere; of what is in it only the form is checked.
    package static func unverified(
        at path: String, disk: any Disk
    ) throws(SnapshotFlaw) -> (header: SnapshotHeader, snapshot: StateSnapshot) {
        let (file, header) = try open(path, disk)
        return (header, try read(file, header))
    }

    private func open(
        _ height: Height
    ) throws(SnapshotFlaw) -> (file: any DiskFile, header: SnapshotHeader) {
        let (file, header) = try Self.open(path(height), disk)
        guard header.height == height else { throw .wrongName(header.height) }
        return (file, header)
    }

    private static func open(
        _ path: String, _ disk: any Disk
    ) throws(SnapshotFlaw) -> (file: any DiskFile, header: SnapshotHeader) {
        let (file, size, start) = try onDisk { () throws(DiskError) in
            let file = try disk.open(path, .read)
            return (file, try file.size(), try file.read(at: 0, count: 16))
        }
        let length = try SnapshotHeader.length(start: start)
        guard size >= UInt64(length) else {
            throw .short(neededBytes: length, foundBytes: Int(clamping: size))
        }
        let header = try SnapshotHeader(
            try onDisk { () throws(DiskError) in try file.read(at: 0, count: length) })
        let end = UInt64(length) + header.bodyBytes
        guard size >= end else {
            throw .short(neededBytes: Int(clamping: end), foundBytes: Int(clamping: size))
        }
        guard size == end else { throw .long(bytes: size - end) }
        return (file, header)
    }

    private static func onDisk<R>(
        _ body: () throws(DiskError) -> R
    ) throws(SnapshotFlaw) -> R {
        do throws(DiskError) { return try body() } catch { throw .disk(error) }
    }

    /// Loads the state of a snapshot, and computes every root of it: those that its own header
    /// names. Whether the log has sealed them, `LedgerStore` asks.
    package func load(
        _ height: Height
    ) throws(SnapshotFlaw) -> (header: SnapshotHeader, state: LedgerState) {
        let (file, header) = try open(height)
        return (header, try Self.load(file, header))
    }

    /// The same of the snapshot whose header was read before; one that was put in its place
    /// meanwhile is not loaded.
    package func load(_ header: SnapshotHeader) throws(SnapshotFlaw) -> LedgerState {
        let (file, found) = try open(header.height)
        guard found == header else { throw .changed }
        return try Self.load(file, header)
    }

    /// Loads the state of a snapshot that lies anywhere, and computes every root of it.
    package static func load(
        at path: String, disk: any Disk
    ) throws(SnapshotFlaw) -> (header: SnapshotHeader, state: LedgerState) {
        let (file, header) = try open(path, disk)
        return (header, try load(file, header))
    }

    private static func load(
        _ file: any DiskFile, _ header: SnapshotHeader
    ) throws(SnapshotFlaw) -> LedgerState {
        let snapshot = try read(file, header)
        let parts = LoadedParts(of: snapshot)
        do throws(SnapshotError) {
            var state = try parts.state.get()
            try state.verify(trees: parts.trees, components: header.components)
            guard state.ledger == header.ledger, state.height == header.height,
                state.size == header.size
            else { throw .malformed(part: "header") }
            return state
        } catch {
            throw .state(error)
        }
    }

    private static func read(
        _ file: any DiskFile, _ header: SnapshotHeader
    ) throws(SnapshotFlaw) -> StateSnapshot {
        let offset = UInt64(header.encoded.count)
        let fixed = try read([UInt32(header.fixedBytes)], from: offset, of: file)[0]
        let chunks = try read(
            header.stores.flatMap(\.chunkBytes), from: offset + header.fixedBytes, of: file)
        var records: [RecordStore] = []
        var first = 0
        for (store, component) in zip(header.stores, StateSnapshot.grown) {
            let end = first + store.chunkBytes.count
            do throws(SnapshotError) {
                records.append(
                    try RecordStore(
                        count: store.count, chunks: Array(chunks[first..<end]),
                        of: component.label))
            } catch {
                throw .state(error)
            }
            first = end
        }
        return StateSnapshot(fixed: fixed, records: records)
    }

    /// Reads pieces of these lengths that follow each other, on all cores.
    private static func read(
        _ lengths: [UInt32], from start: UInt64, of file: any DiskFile
    ) throws(SnapshotFlaw) -> [[UInt8]] {
        var offsets: [UInt64] = []
        var offset = start
        for length in lengths {
            offsets.append(offset)
            offset += UInt64(length)
        }
        let places = offsets
        let found = Cores.map(lengths.count) { number -> Result<[UInt8], SnapshotFlaw> in
            let count = Int(lengths[number])
            do throws(DiskError) {
                let bytes = try file.read(at: places[number], count: count)
                guard bytes.count == count else {
                    return .failure(.short(neededBytes: count, foundBytes: bytes.count))
                }
                return .success(bytes)
            } catch { return .failure(.disk(error)) }
        }
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(found.count)
        for piece in found { pieces.append(try piece.get()) }
        return pieces
    }

    private static func name(_ height: Height) -> String {
        let digits = String(height.rawValue)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + ".snapshot"
    }

    private static func height(in name: String) -> Height? {
        guard name.hasSuffix(".snapshot"), let number = UInt64(name.dropLast(9)),
            self.name(Height(number)) == name
        else { return nil }
        return Height(number)
    }
}
