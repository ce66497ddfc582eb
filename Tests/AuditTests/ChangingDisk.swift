// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization
import TestSupport

/// A disk whose files are not the same at each opening: whoever reads twice may read two things.
final class ChangingDisk: ForwardingDisk {
    let base: any Disk
    private let openings = Mutex<[String: Int]>([:])
    /// What is to be read in place of a file at the n-th opening, from 0 on; nil for the file.
    private let replacement: @Sendable (_ path: String, _ opening: Int) -> [UInt8]?

    init(
        _ base: any Disk,
        replacement: @escaping @Sendable (_ path: String, _ opening: Int) -> [UInt8]?
    ) {
        self.base = base
        self.replacement = replacement
    }

    /// How often each file was opened for reading, by path.
    var opened: [(path: String, times: Int)] {
        openings.withLock { all in all.keys.sorted().map { ($0, all[$0] ?? 0) } }
    }

    func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile {
        let file = try base.open(path, access)
        guard access == .read else { return file }
        let opening = openings.withLock { all in
            defer { all[path, default: 0] += 1 }
            return all[path] ?? 0
        }
        return replacement(path, opening).map { ReplacedFile(path: path, bytes: $0) } ?? file
    }
}

/// A file of these bytes, for reading.
private final class ReplacedFile: DiskFile {
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
        throw .failed(.write, path: path, code: 9)
    }

    func truncate(to size: UInt64) throws(DiskError) {
        throw .failed(.truncate, path: path, code: 9)
    }

    func sync() throws(DiskError) {}
}
