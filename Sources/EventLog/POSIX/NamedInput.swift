// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Files that people name: read once from the start to the end, whatever they are.
package enum NamedInput {
    /// Reads a file, a pipe, or standard input for `-`, until it ends or `max` bytes are there.
    ///
    /// One that cannot be read from any place, as a pipe cannot, is read in the pieces that it
    /// gives. Cost: no more is kept than was read.
    package static func read(_ path: String, max: Int) throws(DiskError) -> [UInt8] {
        guard path != "-" else { return try pieces(of: 0, path, max: max) }
        let descriptor = openDescriptor(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.open, path, errno) }
        defer { close(descriptor) }
        return try pieces(of: descriptor, path, max: max)
    }

    /// Whether a path leads to a file, and not to a pipe, a device or a folder.
    package static func isFile(_ path: String) -> Bool {
        var status = stat()
        // SAFETY: the call fills in the structure that is passed, which lives for it.
        guard unsafe stat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG
    }

    private static let pieceBytes = 64 << 10

    private static func pieces(
        of descriptor: Int32, _ path: String, max: Int
    ) throws(DiskError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while bytes.count < max {
            let wanted = min(piece.count, max - bytes.count)
            // SAFETY: the array has room for as many bytes as are asked for.
            #if canImport(Darwin)
                let count = unsafe Darwin.read(descriptor, &piece, wanted)
            #else
                let count = unsafe Glibc.read(descriptor, &piece, wanted)
            #endif
            if count == 0 { break }
            if count > 0 {
                bytes += piece[..<count]
            } else if errno != EINTR {
                throw failure(.read, path, errno)
            }
        }
        invariant(bytes.count <= max, "\(bytes.count) bytes are kept of at most \(max)")
        return bytes
    }
}
