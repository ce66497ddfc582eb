// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The files of the operating system.
package struct POSIXDisk: Disk {
    private let meter: SyncMeter?

    /// The disk that this process sees.
    ///
    /// - Parameter meter: What counts syncs, where somebody wants to know.
    package init(meter: SyncMeter? = nil) { self.meter = meter }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        // SAFETY: the path ends in zero and lives for the call.
        guard let stream = unsafe opendir(directory) else {
            throw failure(.list, directory, errno)
        }
        // SAFETY: the stream is open and closed once.
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            // SAFETY: the stream is open; the entry lives until the next call for this stream.
            guard let entry = unsafe readdir(stream) else { break }
            // SAFETY: the name ends in zero within the entry.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    unsafe String(cString: text)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw failure(.list, directory, errno) }
        return names.sorted()
    }

    package func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile {
        let flags =
            switch access {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = openDescriptor(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw failure(access == .create ? .create : .open, path, errno)
        }
        return POSIXFile(path: path, descriptor: descriptor, meter: meter)
    }

    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        // SAFETY: both paths end in zero and live for the call.
        #if canImport(Darwin)
            let status = unsafe Darwin.rename(path, newPath)
        #else
            let status = unsafe Glibc.rename(path, newPath)
        #endif
        guard status == 0 else { throw failure(.rename, path, errno) }
    }

    package func exchange(_ path: String, with other: String) throws(DiskError) {
        // SAFETY: both paths end in zero and live for the call.
        #if canImport(Darwin)
            let status = unsafe renamex_np(path, other, UInt32(RENAME_SWAP))
        #else
            // Glibc's headers show it to C alone. SAFETY: the type is that of its manual page.
            typealias Rename =
                @convention(c) (
                    CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt
                ) -> CInt
            guard let symbol = unsafe dlsym(nil, "renameat2") else {
                throw failure(.rename, path, ENOSYS)
            }
            let rename = unsafe unsafeBitCast(symbol, to: Rename.self)
            let exchanges: CUnsignedInt = 2  // RENAME_EXCHANGE
            let status = unsafe rename(AT_FDCWD, path, AT_FDCWD, other, exchanges)
        #endif
        guard status == 0 else { throw failure(.rename, path, errno) }
    }

    package func remove(_ path: String) throws(DiskError) {
        // SAFETY: the path ends in zero and lives for the call.
        guard unsafe unlink(path) == 0 else { throw failure(.remove, path, errno) }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        // SAFETY: the path ends in zero and lives for the call.
        guard unsafe rmdir(path) == 0 else { throw failure(.removeDirectory, path, errno) }
    }

    package func createDirectory(_ path: String) throws(DiskError) {
        // SAFETY: the path ends in zero and lives for the call.
        guard unsafe mkdir(path, 0o755) == 0 else { throw failure(.createDirectory, path, errno) }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        let descriptor = openDescriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.syncDirectory, path, errno) }
        let start = meter == nil ? 0 : MonotonicTime.nanoseconds()
        let status = fsync(descriptor)
        let code = errno
        meter?.note(since: start)
        close(descriptor)
        guard status == 0 else { throw failure(.syncDirectory, path, code) }
    }

    #if !canImport(Darwin)
        package func sync(_ files: [any DiskFile]) throws(DiskError) {
            // Each sync of a file is a commit of the file system's own log; of more than a few, one
            // for the whole file system takes less time, even with what others wrote. It tells of
            // errors since Linux 5.8 (syncfs(2)).
            guard files.count > Self.filesSyncedAlone, let first = files.first as? POSIXFile,
                let syncFileSystem = Self.syncFileSystem
            else {
                for file in files { try file.sync() }
                return
            }
            let start = meter == nil ? 0 : MonotonicTime.nanoseconds()
            guard syncFileSystem(first.descriptor) == 0 else {
                throw failure(.sync, first.path, errno)
            }
            meter?.note(since: start)
        }

        private static let filesSyncedAlone = 2

        /// `syncfs`, which Glibc's headers show to C alone; nil where there is none.
        private static let syncFileSystem: (@convention(c) (CInt) -> CInt)? = {
            guard let symbol = unsafe dlsym(nil, "syncfs") else { return nil }
            // SAFETY: the type is that of its manual page.
            return unsafe unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
        }()
    #endif

    package func lock(_ path: String) throws(DiskError) -> any DiskLock {
        let descriptor = openDescriptor(path, O_RDWR | O_CREAT | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.lock, path, errno) }
        let file = POSIXFile(path: path, descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            guard code == EWOULDBLOCK else { throw failure(.lock, path, code) }
            let text = String(decoding: try file.read(at: 0, count: 16), as: UTF8.self)
            throw .locked(path: path, holder: Int32(text.prefix { $0.isNumber }))
        }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
        return POSIXLock(file)
    }
}

/// Opens with this mode for new files, again where a signal interrupts.
func openDescriptor(_ path: String, _ flags: Int32, _ mode: mode_t = 0o644) -> Int32 {
    while true {
        // SAFETY: the path ends in zero and lives for the call.
        let descriptor = unsafe open(path, flags, mode)
        if descriptor >= 0 || errno != EINTR { return descriptor }
    }
}

/// The error that an `errno` stands for.
func failure(_ operation: DiskOperation, _ path: String, _ code: Int32) -> DiskError {
    switch code {
    case ENOENT: .notFound(path: path)
    case ENOSPC, EDQUOT: .noSpace(operation, path: path)
    default: .failed(operation, path: path, code: code)
    }
}

/// A file descriptor, closed with the object.
///
/// Invariant: `0 <= descriptor`.
final class POSIXFile: DiskFile {
    let path: String
    let descriptor: Int32
    private let meter: SyncMeter?

    init(path: String, descriptor: Int32, meter: SyncMeter? = nil) {
        invariant(descriptor >= 0, "\(path) is used, and could not be opened")
        self.path = path
        self.descriptor = descriptor
        self.meter = meter
    }

    deinit { close(descriptor) }

    func size() throws(DiskError) -> UInt64 {
        var status = stat()
        // SAFETY: the structure lives for the call.
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(.size, path, errno) }
        return UInt64(max(0, status.st_size))
    }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        guard count > 0, offset <= UInt64(Int64.max) - UInt64(count) else { return [] }
        var code: Int32 = 0
        // SAFETY: reads go to the part of the buffer that is not yet filled.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let read = unsafe pread(
                    descriptor, rest.baseAddress, count - filled, off_t(offset) + off_t(filled))
                if read > 0 {
                    filled += read
                } else if read == 0 {
                    break
                } else if errno != EINTR {
                    code = errno
                    break
                }
            }
        }
        guard code == 0 else { throw failure(.read, path, code) }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        guard offset <= UInt64(Int64.max) - UInt64(bytes.count) else {
            throw failure(.write, path, EFBIG)
        }
        var written = 0
        while written < bytes.count {
            // SAFETY: writes come from the part of the buffer that is not yet written.
            let step = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe pwrite(
                    descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            }
            if step >= 0 {
                written += step
            } else if errno != EINTR {
                throw failure(.write, path, errno)
            }
        }
        invariant(written == bytes.count, "\(written) of \(bytes.count) bytes are written")
    }

    func truncate(to size: UInt64) throws(DiskError) {
        guard size <= UInt64(Int64.max), ftruncate(descriptor, off_t(size)) == 0 else {
            throw failure(.truncate, path, errno)
        }
    }

    func sync() throws(DiskError) {
        let start = meter == nil ? 0 : MonotonicTime.nanoseconds()
        #if canImport(Darwin)
            // A plain fsync leaves the bytes in the drive's cache there.
            let status = fcntl(descriptor, F_FULLFSYNC)
        #else
            let status = fdatasync(descriptor)
        #endif
        guard status == 0 else { throw failure(.sync, path, errno) }
        meter?.note(since: start)
    }
}

/// A `flock` on a file that holds the process id of the holder.
private final class POSIXLock: DiskLock {
    private let file: POSIXFile

    init(_ file: POSIXFile) { self.file = file }

    func release() {
        // The lock file is for people to read; a failure to empty it harms nobody.
        _ = ftruncate(file.descriptor, 0)
        flock(file.descriptor, LOCK_UN)
    }
}
