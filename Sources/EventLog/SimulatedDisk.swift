// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Synchronization

/// How a simulated operation fails.
package enum SimulatedFault: Sendable {
    /// The disk is full from this operation on, for what takes space.
    case noSpace
    /// This one operation fails with `EIO`.
    case inputOutputError
    /// The power goes: a write may have begun, and nothing works until `restart`.
    case powerCut
}

/// A disk in memory that loses what was not synced, as a seed says.
///
/// At a power cut each unsynced write or truncation of a file is kept, dropped or (a write) torn to
/// a part of it, each by itself, so that later ones may survive earlier ones. Names made, renamed
/// or removed since the last sync of their directory are kept or dropped in the same way. Every
/// operation counts; the n-th can be made to fail.
package final class SimulatedDisk: Disk {
    let state: Mutex<SimulatedState>

    /// An empty disk with the directory `/`.
    package init() { state = Mutex(SimulatedState()) }

    /// A disk of its own with what programs see on `other`, all of it durable.
    package init(copying other: SimulatedDisk) {
        var copy = other.state.withLock { $0 }
        copy.restart(seed: 1)
        copy.operations = 0
        state = Mutex(copy)
    }

    /// The number of operations so far.
    package var operations: Int { state.withLock { $0.operations } }

    /// Makes the operation with this number, counted from now on, fail; the first is 0.
    package func fail(operation: Int, with fault: SimulatedFault) {
        state.withLock { $0.fault = ($0.operations + operation, fault) }
    }

    /// Makes nothing fail any more.
    package func healFaults() {
        state.withLock {
            $0.fault = nil
            $0.isFull = false
        }
    }

    /// Cuts the power now, if it is on, and starts again with what the seed leaves of the disk.
    ///
    /// Locks are gone, and files that were open stay unusable. Seeds divisible by four drop all
    /// that was not synced, those with remainder one keep all of it.
    package func restart(seed: UInt64) {
        state.withLock { $0.restart(seed: seed) }
    }

    /// The paths of all files, in ascending order.
    package var files: [String] {
        state.withLock { state in state.names.keys.filter { !state.isDirectory($0) }.sorted() }
    }

    /// The bytes of a file as seen by programs; nil where there is none.
    package func bytes(of path: String) -> [UInt8]? {
        state.withLock { state in state.file(path).map { state.inodes[$0].bytes } }
    }

    /// Changes a file behind the log's back, durably; nil removes it.
    package func replace(_ path: String, with bytes: [UInt8]?) {
        state.withLock { $0.replace(path, with: bytes) }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.begin(.list, directory)
            return try state.list(directory)
        }
    }

    package func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile {
        let (inode, life) = try perform { (state: inout SimulatedState) throws(DiskError) in
            (try state.open(path, access), state.life)
        }
        return SimulatedFile(self, path: path, inode: inode, life: life)
    }

    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.rename(path, to: newPath)
        }
    }

    package func exchange(_ path: String, with other: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.exchange(path, with: other)
        }
    }

    package func remove(_ path: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in try state.remove(path) }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.removeDirectory(path)
        }
    }

    package func createDirectory(_ path: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.createDirectory(path)
        }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        try perform { (state: inout SimulatedState) throws(DiskError) in
            try state.syncDirectory(path)
        }
    }

    package func lock(_ path: String) throws(DiskError) -> any DiskLock {
        let (inode, life) = try perform { (state: inout SimulatedState) throws(DiskError) in
            (try state.lock(path), state.life)
        }
        return SimulatedLock(self, inode: inode, life: life)
    }

    func perform<R: Sendable>(
        _ body: (inout SimulatedState) throws(DiskError) -> R
    ) throws(DiskError) -> R {
        let result: Result<R, DiskError> = state.withLock { state in
            do throws(DiskError) { return .success(try body(&state)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// An open file of a simulated disk, of use until the power is cut.
private final class SimulatedFile: DiskFile {
    let path: String
    private let disk: SimulatedDisk
    private let inode: Int
    private let life: Int

    init(_ disk: SimulatedDisk, path: String, inode: Int, life: Int) {
        self.disk = disk
        self.path = path
        self.inode = inode
        self.life = life
    }

    func size() throws(DiskError) -> UInt64 {
        try disk.perform { (state: inout SimulatedState) throws(DiskError) in
            try state.begin(.size, path, life: life)
            return UInt64(state.inodes[inode].bytes.count)
        }
    }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        try disk.perform { (state: inout SimulatedState) throws(DiskError) in
            try state.begin(.read, path, life: life)
            let bytes = state.inodes[inode].bytes
            guard offset < UInt64(bytes.count) else { return [] }
            let start = Int(offset)
            return Array(bytes[start..<start + min(count, bytes.count - start)])
        }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        try disk.perform { (state: inout SimulatedState) throws(DiskError) in
            do throws(DiskError) { try state.begin(.write, path, life: life) } catch {
                // A failing write may have written a part; one that the power cut, too.
                if error != .powerCut || state.isDying {
                    let part = error == .powerCut ? bytes.count : bytes.count / 2
                    state.inodes[inode].apply(.write(Array(bytes[..<part]), at: Int(offset)))
                    state.isDying = false
                }
                throw error
            }
            state.inodes[inode].apply(.write(bytes, at: Int(offset)))
        }
    }

    func truncate(to size: UInt64) throws(DiskError) {
        try disk.perform { (state: inout SimulatedState) throws(DiskError) in
            try state.begin(.truncate, path, life: life)
            state.inodes[inode].apply(.truncate(Int(size)))
        }
    }

    func sync() throws(DiskError) {
        try disk.perform { (state: inout SimulatedState) throws(DiskError) in
            do throws(DiskError) { try state.begin(.sync, path, life: life) } catch {
                if case .failed = error { state.inodes[inode].failSync() }
                throw error
            }
            state.inodes[inode].sync()
        }
    }
}

/// A lock of a simulated disk.
private final class SimulatedLock: DiskLock {
    private let disk: SimulatedDisk
    private let inode: Int
    private let life: Int
    /// The file may be locked by another since.
    private let isReleased = Mutex(false)

    init(_ disk: SimulatedDisk, inode: Int, life: Int) {
        self.disk = disk
        self.inode = inode
        self.life = life
    }

    deinit { release() }

    func release() {
        let wasReleased = isReleased.withLock { isReleased in
            defer { isReleased = true }
            return isReleased
        }
        guard !wasReleased else { return }
        disk.state.withLock { state in
            guard state.life == life else { return }
            let before = state.locks.count
            state.locks.removeAll { $0 == inode }
            invariant(
                before - state.locks.count == 1, "\(before - state.locks.count) locks on one file")
        }
    }
}
