// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A disk that passes on to another what is asked of it, but for opening files.
///
/// Several files are made durable one after the other, since they may not be those of `base`.
package protocol ForwardingDisk: Disk {
    /// The disk that does it.
    var base: any Disk { get }
}

extension ForwardingDisk {
    package func list(_ directory: String) throws(DiskError) -> [String] {
        try base.list(directory)
    }
    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        try base.rename(path, to: newPath)
    }
    package func exchange(_ path: String, with other: String) throws(DiskError) {
        try base.exchange(path, with: other)
    }
    package func remove(_ path: String) throws(DiskError) { try base.remove(path) }
    package func removeDirectory(_ path: String) throws(DiskError) {
        try base.removeDirectory(path)
    }
    package func createDirectory(_ path: String) throws(DiskError) {
        try base.createDirectory(path)
    }
    package func syncDirectory(_ path: String) throws(DiskError) { try base.syncDirectory(path) }
    package func lock(_ path: String) throws(DiskError) -> any DiskLock { try base.lock(path) }
}
