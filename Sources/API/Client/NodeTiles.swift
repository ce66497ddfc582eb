// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Synchronization

/// The tiles of a node's log (C2SP tlog-tiles) as a folder that can only be read: `checkpoint`,
/// `tile/...`.
///
/// What the node answers is believed as little as the files of a folder are: whoever reads checks
/// it against the root of the checkpoint. Calls block, and must not be made on an event loop.
package final class NodeTiles: Disk {
    /// The errno of an input or output error (POSIX `EIO`).
    fileprivate static let failure: Int32 = 5

    /// The path of the folder: the node's address.
    package let directory: String
    private let node: RemoteNode
    private let last = Mutex<ClientError?>(nil)

    /// The tiles of the node at an address.
    package init(_ url: NodeURL) {
        directory = "\(url)"
        node = RemoteNode(url)
    }

    /// Why a tile could not be had, the last time that one could not.
    package var problem: ClientError? { last.withLock { $0 } }

    /// Only the folder itself lists anything: a node gives a partial tile as it is asked for.
    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard directory == self.directory else { throw .notFound(path: directory) }
        return ["checkpoint", "tile"]
    }

    package func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile {
        guard case .read = access, path.hasPrefix(directory + "/") else {
            throw .failed(.open, path: path, code: Self.failure)
        }
        let parts = path.dropFirst(directory.count + 1).split(separator: "/").map(String.init)
        do throws(ClientError) {
            return RemoteFile(
                path: path, bytes: try node.bytes(parts, bytesMax: LogLimits.frameRawBytesMax))
        } catch {
            if case .refused(_, let no) = error, no.status == 404 { throw .notFound(path: path) }
            last.withLock { $0 = error }
            throw .failed(.read, path: path, code: Self.failure)
        }
    }

    package func rename(_ path: String, to newPath: String) throws(DiskError) {
        throw .failed(.rename, path: path, code: Self.failure)
    }

    package func remove(_ path: String) throws(DiskError) {
        throw .failed(.remove, path: path, code: Self.failure)
    }

    package func removeDirectory(_ path: String) throws(DiskError) { try remove(path) }

    package func createDirectory(_ path: String) throws(DiskError) {
        throw .failed(.createDirectory, path: path, code: Self.failure)
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        throw .failed(.syncDirectory, path: path, code: Self.failure)
    }

    package func lock(_ path: String) throws(DiskError) -> any DiskLock {
        throw .failed(.lock, path: path, code: Self.failure)
    }
}

/// A file that was fetched whole.
private final class RemoteFile: DiskFile {
    let path: String
    private let bytes: [UInt8]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    func size() throws(DiskError) -> UInt64 { UInt64(bytes.count) }

    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        Array(bytes.dropFirst(Int(clamping: offset)).prefix(count))
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        throw .failed(.write, path: path, code: NodeTiles.failure)
    }

    func truncate(to size: UInt64) throws(DiskError) {
        throw .failed(.write, path: path, code: NodeTiles.failure)
    }

    func sync() throws(DiskError) { throw .failed(.sync, path: path, code: NodeTiles.failure) }
}
