// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Why a file is not written.
package enum WholeFileError: Error, Equatable, Sendable {
    /// Something has that name.
    case taken(WholeFile.Kind)
    /// The disk failed; a file that was there is as it was.
    case disk(DiskError)
}

/// Files that are there whole or not at all, whatever ends the process.
///
/// The bytes are written beside, made durable, and then get their name. What has that name already
/// is left alone, unless somebody asks for it to be replaced.
package enum WholeFile {
    /// What a name stands for; a link is not followed.
    package enum Kind: Equatable, Sendable {
        case file, folder, link, pipe, device, socket
    }

    /// What has this name; nil where nothing has.
    package static func kind(of path: String) throws(DiskError) -> Kind? {
        var status = stat()
        // SAFETY: the path ends in zero, and the structure lives for the call.
        guard unsafe lstat(path, &status) == 0 else {
            let code = errno
            if code == ENOENT { return nil }
            throw failure(.open, path, code)
        }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        case S_IFIFO: .pipe
        case S_IFSOCK: .socket
        default: .device
        }
    }

    /// Throws where a name is not free, and is not to be replaced either.
    package static func check(_ path: String, replaces: Bool) throws(WholeFileError) {
        let kind: Kind?
        do throws(DiskError) { kind = try Self.kind(of: path) } catch { throw .disk(error) }
        guard let kind, !replaces || kind == .folder || kind == .socket else { return }
        throw .taken(kind)
    }

    /// Writes a file.
    ///
    /// - Parameter replaces: Whether a file, or a link, of that name is replaced; a device or a
    ///   pipe stays, and is written into.
    package static func write(
        _ bytes: [UInt8], to path: String, replaces: Bool
    ) throws(WholeFileError) {
        try check(path, replaces: replaces)
        do throws(DiskError) {
            switch try kind(of: path) {
            case .pipe, .device: try pour(bytes, into: path)
            default: try name(written(bytes, beside: path), path, replaces: replaces)
            }
        } catch {
            if case .failed(_, path, EEXIST) = error { throw .taken(.file) }
            throw .disk(error)
        }
    }

    private static func pour(_ bytes: [UInt8], into path: String) throws(DiskError) {
        let descriptor = openDescriptor(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.open, path, errno) }
        let file = POSIXFile(path: path, descriptor: descriptor)
        let written = ForeignOutput(descriptor: file.descriptor).write(bytes)
        guard written == bytes.count else { throw failure(.write, path, errno) }
    }

    /// Writes a new file in the folder of a path, durably; returns its name.
    private static func written(
        _ bytes: [UInt8], beside path: String
    ) throws(DiskError) -> String {
        var generator = SystemRandomNumberGenerator()
        let temporary = "\(path).new-\(String(generator.next(), radix: 16))"
        let descriptor = openDescriptor(
            temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.create, path, errno) }
        let file = POSIXFile(path: path, descriptor: descriptor)
        do throws(DiskError) {
            try file.write(bytes, at: 0)
            try file.sync()
        } catch {
            discard(temporary)
            throw error
        }
        return temporary
    }

    private static func name(
        _ temporary: String, _ path: String, replaces: Bool
    ) throws(DiskError) {
        let disk = POSIXDisk()
        // It is this folder that is synced.
        invariant(
            disk.parent(of: temporary) == disk.parent(of: path),
            "\(path) was written in \(disk.parent(of: temporary))")
        do throws(DiskError) {
            if replaces {
                try disk.rename(temporary, to: path)
            } else {
                try move(temporary, toFree: path)
            }
            try disk.syncDirectory(disk.parent(of: path))
        } catch {
            discard(temporary)
            throw error
        }
    }

    /// Gives a file a name that nothing has, not even since it was looked for.
    private static func move(_ temporary: String, toFree path: String) throws(DiskError) {
        // SAFETY: both paths end in zero and live for the call.
        if unsafe link(temporary, path) == 0 { return discard(temporary) }
        let code = errno
        // Some file systems, as those of memory sticks, give a file one name only.
        guard [EPERM, ENOTSUP, ENOSYS].contains(code) else { throw failure(.rename, path, code) }
        try POSIXDisk().rename(temporary, to: path)
    }

    private static func discard(_ path: String) {
        // SAFETY: the path ends in zero and lives for the call.
        unsafe _ = unlink(path)
    }
}
