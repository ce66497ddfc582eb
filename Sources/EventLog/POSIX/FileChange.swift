// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// When something on a disk was changed last.
package struct FileChange: Sendable {
    /// Nanoseconds since 1970, as the file system has them.
    package let time: Int64
    /// Whether it is so long ago that a later change bears another time.
    package let isSettled: Bool
}

extension POSIXDisk {
    /// Nanoseconds within which a file system may give two changes one time: ten ticks of a slow
    /// kernel.
    private static let tickNanoseconds: Int64 = 100_000_000

    /// When a file, or the names in a folder, were changed last; nil where nothing is there.
    package func lastChange(of path: String) -> FileChange? {
        var status = stat()
        var now = timespec()
        // SAFETY: the path ends in zero, and the structures live for the calls.
        guard unsafe stat(path, &status) == 0, unsafe clock_gettime(CLOCK_REALTIME, &now) == 0
        else { return nil }
        let time = Self.nanoseconds(status.st_mtim)
        return FileChange(
            time: time, isSettled: abs(Self.nanoseconds(now) - time) > Self.tickNanoseconds)
    }

    /// The length of a file, which is not opened; nil where there is none.
    package func size(of path: String) -> UInt64? {
        var status = stat()
        // SAFETY: the path ends in zero, and the structure lives for the call.
        guard unsafe stat(path, &status) == 0 else { return nil }
        return UInt64(exactly: status.st_size)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
