// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#endif

/// Tells at once that a file has come into a folder; a hint only, for those who look anyway.
final class FolderWatch: Sendable {
    private static let pollMilliseconds: Int32 = 1_000

    private let isStopped = Mutex(false)

    /// Watches a folder on a thread of its own; nil where the system cannot, or nothing is there.
    init?(_ directory: String, onChange: @escaping @Sendable () -> Void) {
        #if canImport(Glibc)
            let descriptor = inotify_init1(Int32(O_CLOEXEC) | Int32(O_NONBLOCK))
            guard descriptor >= 0 else { return nil }
            // SAFETY: the path ends in zero and lives for the call.
            let watch = unsafe inotify_add_watch(
                descriptor, directory, UInt32(IN_MOVED_TO))
            guard watch >= 0 else {
                close(descriptor)
                return nil
            }
            let thread = Thread { [weak self] in
                Self.follow(descriptor, while: { self?.isStopped.withLock { !$0 } ?? false }) {
                    onChange()
                }
                close(descriptor)
            }
            thread.name = "recount-spool"
            thread.start()
        #else
            return nil
        #endif
    }

    #if canImport(Glibc)
        private static func follow(
            _ descriptor: Int32, while goesOn: () -> Bool, _ onChange: () -> Void
        ) {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            while goesOn() {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                // SAFETY: one structure that lives for the call.
                guard unsafe poll(&waiting, 1, pollMilliseconds) > 0 else { continue }
                // SAFETY: as many bytes as the array has; what they say is not looked at.
                let count = unsafe bytes.withUnsafeMutableBytes {
                    unsafe read(descriptor, $0.baseAddress, $0.count)
                }
                guard count > 0 else { continue }
                onChange()
            }
        }
    #endif

    /// Tells no more; the thread ends within a second.
    func stop() { isStopped.withLock { $0 = true } }
}
