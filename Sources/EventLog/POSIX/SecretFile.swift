// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Why a file with a secret cannot be used.
package enum SecretFileError: Error, Equatable, Sendable {
    /// The disk failed; making also where something of that name is there, a link included.
    case disk(DiskError)
    /// Others than its owner may read or write it.
    case exposed(mode: Int)
    /// It is a folder or a pipe: no plain file.
    case notAPlainFile
    /// It has more bytes than such a file may have.
    case tooLong(max: Int)
}

/// Files that nobody but their owner may read.
///
/// One is made with its mode from the first moment on, under a name that is free: no link is
/// followed, nothing is replaced. Folders on the way are taken as they are, and so is a link to
/// what is read: the file that is open is judged.
package enum SecretFile {
    /// Makes a file of mode 0600 with these bytes and makes it durable; what is half made goes.
    package static func create(_ path: String, _ bytes: [UInt8]) throws(SecretFileError) {
        let file = try new(path)
        do throws(DiskError) {
            try file.write(bytes, at: 0)
            try file.sync()
        } catch {
            discard(path)
            throw .disk(error)
        }
    }

    /// Makes a file of mode 0600 with these bytes and makes it durable; what is half made goes.
    package static func create(_ path: String, _ secret: SecretBytes) throws(SecretFileError) {
        let file = try new(path)
        var written = 0
        while written < secret.count {
            // SAFETY: writes come from the part of the secret that is not yet written.
            let step = unsafe secret.withBytes { bytes in
                unsafe pwrite(
                    file.descriptor, bytes + written, secret.count - written, off_t(written))
            }
            if step >= 0 {
                written += step
            } else if errno != EINTR {
                let code = errno
                discard(path)
                throw .disk(failure(.write, path, code))
            }
        }
        invariant(written == secret.count, "\(written) of \(secret.count) bytes are written")
        do throws(DiskError) { try file.sync() } catch {
            discard(path)
            throw .disk(error)
        }
    }

    private static func new(_ path: String) throws(SecretFileError) -> POSIXFile {
        let descriptor = openDescriptor(
            path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .disk(failure(.create, path, errno)) }
        return POSIXFile(path: path, descriptor: descriptor)
    }

    private static func discard(_ path: String) {
        // SAFETY: the path ends in zero and lives for the call.
        unsafe _ = unlink(path)
    }

    /// Reads a plain file of at most `max` bytes that only its owner may read.
    ///
    /// Checks, on the file that is open: that it is one, its mode, its length.
    package static func read(_ path: String, max: Int) throws(SecretFileError) -> SecretBytes {
        // A pipe without a writer must not be waited for.
        let descriptor = openDescriptor(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .disk(failure(.open, path, errno)) }
        let file = POSIXFile(path: path, descriptor: descriptor)
        var status = stat()
        // SAFETY: the structure lives for the call.
        guard unsafe fstat(file.descriptor, &status) == 0 else {
            throw .disk(failure(.size, path, errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAPlainFile }
        let mode = Int(status.st_mode & 0o777)
        guard mode & 0o077 == 0 else { throw .exposed(mode: mode) }
        guard status.st_size <= max else { throw .tooLong(max: max) }
        let count = Int(status.st_size)
        var code: Int32 = 0
        let secret = unsafe SecretBytes(count: count) { bytes in
            var filled = 0
            while filled < count {
                // SAFETY: reads go to the part of the secret that is not yet filled.
                let step = unsafe pread(
                    file.descriptor, bytes + filled, count - filled, off_t(filled))
                if step > 0 {
                    filled += step
                } else if step == 0 {
                    code = EIO
                    return
                } else if errno != EINTR {
                    code = errno
                    return
                }
            }
        }
        guard code == 0 else { throw .disk(failure(.read, path, code)) }
        return secret
    }
}
