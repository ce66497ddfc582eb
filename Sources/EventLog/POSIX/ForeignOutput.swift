// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A descriptor that somebody else has opened, as standard output is, and that may be a pipe whose
/// reader is slow or gone.
package struct ForeignOutput: Sendable {
    private let descriptor: Int32

    /// It is not closed here.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Has the process survive a pipe that nobody reads: writing to it fails then.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Gives its number to each of the three standard streams that is closed, so that no file that
    /// is opened gets it, and then what is said. Using the stream fails as before.
    package static func holdStandardStreams() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free is taken, which is this one.
            let access = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY
            _ = openDescriptor("/dev/null", access)
        }
    }

    /// Writes all of it, waiting for room where there is none; returns the bytes that were written
    /// before it failed, which are all where it did not.
    package func write(_ bytes: [UInt8]) -> Int {
        var written = 0
        while written < bytes.count {
            // SAFETY: writes come from the part of the buffer that is not yet written.
            let step = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                #if canImport(Darwin)
                    return unsafe Darwin.write(descriptor, rest.baseAddress, rest.count)
                #else
                    return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                #endif
            }
            if step >= 0 {
                written += step
            } else if errno == EAGAIN {
                waitForRoom()
            } else if errno != EINTR {
                break
            }
        }
        invariant(written <= bytes.count, "\(written) bytes of \(bytes.count) are written")
        return written
    }

    /// Of a descriptor that others have told not to wait.
    private func waitForRoom() {
        var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // SAFETY: the structure lives for the call.
        _ = unsafe poll(&question, 1, 1_000)
    }
}
