// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Where a torn tail is cut: the bytes behind the last whole frame of the last segment, which no
/// commit has acknowledged (see `EventLog`). Nothing is lost: they stay in `torn/`.
extension LogLoader {
    /// Keeps torn bytes aside, cuts them off, and removes what an interrupted rewrite left.
    mutating func cutTornTail() throws(LogError) {
        guard access == .readWrite else {
            recovery.removed = []
            return
        }
        let disk = disk
        let directory = directory
        let segmentsPath = segmentsPath
        for name in recovery.removed {
            try onDisk { () throws(DiskError) in try disk.remove("\(segmentsPath)/\(name)") }
        }
        if recovery.tornBytes > 0, let last = contents.segments.last {
            invariant(mark == nil, "the tail of a log that was closed is cut")
            invariant(
                recovery.tornOffset == last.framesEnd,
                "a tail torn at \(recovery.tornOffset) is cut at \(last.framesEnd)")
            let kept = try keepAside(last)
            recovery.keptIn = kept
            try onDisk { () throws(DiskError) in
                try last.file.truncate(to: last.framesEnd)
                try last.file.sync()
            }
        }
        if mark == nil {
            // What is seen of an interrupted roll, or of the removal of an end mark, need not be
            // durable yet.
            try onDisk { () throws(DiskError) in
                try disk.syncDirectory(segmentsPath)
                try disk.syncDirectory(directory)
            }
        }
    }

    private func keepAside(_ segment: Segment) throws(LogError) -> String {
        let count = Int(recovery.tornBytes)
        let folder = "\(directory)/torn"
        return try onDisk { () throws(DiskError) in
            let bytes = try segment.file.read(at: segment.framesEnd, count: count)
            if try !disk.list(directory).contains("torn") {
                try disk.createDirectory(folder)
                try disk.syncDirectory(directory)
            }
            let hash = Digest(hashing: bytes)
            let name = TornName.of(segment.header.firstIndex, segment.framesEnd, hash)
            invariant(TornName.hash(in: name) == hash, "\(name) is read as another name")
            try disk.place(bytes, in: folder, as: name)
            return "\(folder)/\(name)"
        }
    }
}

/// The names of files with torn bytes: segment, offset, SHA-256.
enum TornName {
    static func of(_ firstIndex: UInt64, _ offset: UInt64, _ hash: Digest) -> String {
        "\(firstIndex)-\(offset)-\(hash.hex).torn"
    }

    /// The hash in a name; nil for other names.
    static func hash(in name: String) -> Digest? {
        let parts = name.split(separator: "-")
        guard parts.count == 3, parts[2].hasSuffix(".torn"),
            let value = Bytes32(hex: parts[2].dropLast(5))
        else { return nil }
        return Digest(value)
    }
}
