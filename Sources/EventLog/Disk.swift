// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What a disk was asked to do.
package enum DiskOperation: String, Sendable {
    case list, open, create, size, read, write, truncate, sync, close, rename, remove, lock
    case createDirectory = "create directory"
    case removeDirectory = "remove directory"
    case syncDirectory = "sync directory"
}

/// Why a disk did not do what it was asked to.
package enum DiskError: Error, Equatable, Sendable {
    /// There is no such file or directory.
    case notFound(path: String)
    /// The disk is full (`ENOSPC`), or the quota is used up.
    case noSpace(DiskOperation, path: String)
    /// The lock is held elsewhere, by the process `holder` where the file says so.
    case locked(path: String, holder: Int32?)
    /// Any other failure, with the `errno` of the system.
    case failed(DiskOperation, path: String, code: Int32)
    /// The simulated machine is off.
    case powerCut
}

/// How a file is opened.
package enum DiskAccess: Sendable {
    /// An existing file, for reading.
    case read
    /// An existing file, for reading and writing.
    case write
    /// A new file, for reading and writing; an existing one is emptied.
    case create
}

/// An open file. Closed when the last reference goes.
package protocol DiskFile: AnyObject, Sendable {
    /// The path that it was opened by.
    var path: String { get }
    /// Its length in bytes.
    func size() throws(DiskError) -> UInt64
    /// Reads `count` bytes at `offset`, fewer only where the file ends.
    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8]
    /// Writes all of `bytes` at `offset`; not durable before `sync`.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError)
    /// Cuts or zero-extends to `size` bytes; not durable before `sync`.
    func truncate(to size: UInt64) throws(DiskError)
    /// Makes contents and length durable (`fdatasync`).
    func sync() throws(DiskError)
}

/// A lock on a file, released when the last reference goes or by `release`.
package protocol DiskLock: AnyObject, Sendable {
    /// Empties the lock file and gives the lock back.
    func release()
}

/// The file operations that a log needs.
///
/// Names made, renamed or removed are durable only after `syncDirectory` of their directory.
package protocol Disk: Sendable {
    /// The names in a directory, in ascending order of their bytes.
    func list(_ directory: String) throws(DiskError) -> [String]
    /// Opens a file.
    func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile
    /// Gives a file another name in the same directory, in place of the file that has that name.
    ///
    /// Or a directory, with all that is in it, in place of nothing or an empty directory.
    func rename(_ path: String, to newPath: String) throws(DiskError)
    /// Gives two files or directories in one directory each other's name, at once.
    ///
    /// Throws `.failed` where the file system cannot.
    func exchange(_ path: String, with other: String) throws(DiskError)
    /// Removes a file.
    func remove(_ path: String) throws(DiskError)
    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(DiskError)
    /// Makes a directory where there is none; its parent exists.
    func createDirectory(_ path: String) throws(DiskError)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(DiskError)
    /// Makes contents and length of some files on one file system durable, as `sync` of each does.
    func sync(_ files: [any DiskFile]) throws(DiskError)
    /// Takes the lock on a file, made where absent, or throws `.locked` at once.
    func lock(_ path: String) throws(DiskError) -> any DiskLock
}

extension Disk {
    /// A disk that cannot.
    package func exchange(_ path: String, with other: String) throws(DiskError) {
        throw .failed(.rename, path: path, code: 38)
    }

    /// One after the other.
    package func sync(_ files: [any DiskFile]) throws(DiskError) {
        for file in files { try file.sync() }
    }

    /// Reads a whole file of at most `max` bytes; of a longer one, its first `max + 1`.
    package func contents(of path: String, max: Int) throws(DiskError) -> [UInt8] {
        let file = try open(path, .read)
        let size = try file.size()
        return try file.read(at: 0, count: Int(min(size, UInt64(max) + 1)))
    }

    /// Makes a directory unless it is there, and makes its name durable; returns whether it did.
    ///
    /// Its parent exists.
    package func makeDirectory(_ path: String) throws(DiskError) -> Bool {
        do {
            _ = try list(path)
            return false
        } catch {
            guard case .notFound = error else { throw error }
        }
        try createDirectory(path)
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { String(path[..<$0]) } ?? "."
        try syncDirectory(parent.isEmpty ? "/" : parent)
        return true
    }

    /// Whether there is a directory of this name.
    package func exists(_ directory: String) throws(DiskError) -> Bool {
        do {
            _ = try list(directory)
            return true
        } catch {
            if case .notFound = error { return false }
            throw error
        }
    }

    /// The directory that a path is in.
    package func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Removes a directory and all that is in it; not durable before its parent is synced.
    package func removeTree(_ path: String) throws(DiskError) {
        for name in try list(path) {
            let inner = "\(path)/\(name)"
            let isDirectory: Bool
            do {
                _ = try list(inner)
                isDirectory = true
            } catch {
                switch error {
                case .notFound, .failed: isDirectory = false
                default: throw error
                }
            }
            if isDirectory { try removeTree(inner) } else { try remove(inner) }
        }
        try removeDirectory(path)
    }

    /// Makes a durable file: temporary name, sync, rename, sync of the directory.
    package func place(_ bytes: [UInt8], in directory: String, as name: String) throws(DiskError) {
        try place([NewFile(name: name, temporary: "\(name).tmp", bytes: bytes)], in: directory)
    }

    /// Makes durable files as `place` makes one, and waits for them together: whatever comes in
    /// between, each is there whole or not at all.
    package func place(_ files: some Collection<NewFile>, in directory: String) throws(DiskError) {
        guard !files.isEmpty else { return }
        var rest = files[...]
        while !rest.isEmpty {
            let some = rest.prefix(LogLimits.filesPlacedTogether)
            rest = rest.dropFirst(some.count)
            var written: [any DiskFile] = []
            for file in some {
                let new = try open("\(directory)/\(file.temporary)", .create)
                try new.write(file.bytes, at: 0)
                written.append(new)
            }
            invariant(
                written.count == some.count, "\(written.count) files of \(some.count) are synced")
            try sync(written)
            for file in some {
                try rename("\(directory)/\(file.temporary)", to: "\(directory)/\(file.name)")
            }
        }
        try syncDirectory(directory)
    }
}

/// A file that is to be there whole or not at all.
package struct NewFile: Sendable {
    /// Its name in its directory.
    package let name: String
    /// The name that it is written under, in the same directory.
    package let temporary: String
    /// All of its bytes.
    package let bytes: [UInt8]

    /// - Precondition: nobody else writes under the temporary name meanwhile.
    package init(name: String, temporary: String, bytes: [UInt8]) {
        invariant(name != temporary, "\(name) is written under its own name")
        (self.name, self.temporary, self.bytes) = (name, temporary, bytes)
    }
}
