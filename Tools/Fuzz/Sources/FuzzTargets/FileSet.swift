// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog

/// The files of a ledger in one input: a byte of flags, then for each its kind, number and bytes.
///
/// A fuzzer does not find checksums by itself. With flag 1 those of segments, end marks and headers
/// of snapshots are computed anew before the files are read, with flag 2 the links between frames.
struct FileSet {
    enum Kind: UInt8 { case end, lock, segment, temporary, snapshot, blob, torn, other }

    struct File {
        var kind: Kind
        /// Index or height, where the name has one.
        var number: UInt32
        var bytes: [UInt8]
    }

    var flags: UInt8 = 3
    private(set) var files: [File]

    init(_ files: [File]) { self.files = files }

    init(decoding bytes: [UInt8]) {
        var parts = Parts(bytes)
        flags = parts.byte()
        files = []
        while !parts.isAtEnd, files.count < 16 {
            let kind = Kind(rawValue: parts.byte() % 8) ?? .other
            files.append(File(kind: kind, number: parts.integer(), bytes: parts.list()))
        }
    }

    /// The files of a disk whose names a set can hold.
    init(_ disk: SimulatedDisk, under directory: String) {
        files = []
        for path in disk.files {
            let name = path.dropFirst(directory.count + 1)
            let parts = name.split(separator: "/")
            let stem = parts.last?.prefix { $0 != "." } ?? ""
            let number = UInt32(stem) ?? 0
            let kind: Kind? =
                switch (parts.first, parts.count) {
                case ("END", 1): .end
                case ("segments", _): name.hasSuffix(".tmp") ? .temporary : .segment
                case ("snapshots", _): .snapshot
                case ("blobs", _): .blob
                case ("torn", _): .torn
                default: nil
                }
            guard let kind, let bytes = disk.bytes(of: path) else { continue }
            files.append(File(kind: kind, number: number, bytes: bytes))
        }
    }

    /// What `init(decoding:)` reads.
    var encoded: [UInt8] {
        [flags]
            + files.flatMap { file in
                [file.kind.rawValue] + Parts.little(file.number) + Parts.list(file.bytes)
            }
    }

    /// A disk with the files, checksums repaired where the flags say so.
    func disk(_ directory: String) -> SimulatedDisk {
        let disk = SimulatedDisk()
        (flags & 1 == 1 ? repaired() : self).place(on: disk, under: directory)
        return disk
    }

    func place(on disk: SimulatedDisk, under directory: String) {
        for folder in ["", "/segments", "/blobs", "/snapshots", "/torn"] {
            do throws(DiskError) { try disk.createDirectory(directory + folder) } catch {
                fatalError("a folder cannot be made on an empty disk: \(error)")
            }
        }
        for file in files { disk.replace("\(directory)/\(file.name)", with: file.bytes) }
    }

    // MARK: Checksums

    /// The same files with good checksums.
    func repaired() -> FileSet {
        var copy = self
        for place in copy.files.indices {
            switch copy.files[place].kind {
            case .end: copy.files[place].bytes.sign(upTo: 64)
            case .segment: copy.files[place].bytes.repairSegment(links: flags & 2 == 2)
            case .snapshot: copy.files[place].bytes.repairSnapshot()
            default: continue
            }
        }
        return copy
    }
}

extension FileSet.File {
    /// The path in the directory of the ledger.
    fileprivate var name: String {
        let digits = String(repeating: "0", count: 20 - "\(number)".utf8.count) + "\(number)"
        return switch kind {
        case .end: "END"
        case .lock: "LOCK"
        case .segment: "segments/\(digits).segment"
        case .temporary: "segments/\(digits).segment.tmp"
        case .snapshot: "snapshots/\(digits).snapshot"
        case .blob: "blobs/\(Digest(hashing: bytes).hex)"
        case .torn: "torn/\(number)-64-\(Digest(hashing: bytes).hex).torn"
        case .other: "segments/\(number)"
        }
    }
}

extension [UInt8] {
    /// Puts the checksum of the bytes before `end` behind them, where there is room.
    fileprivate mutating func sign(from start: Int = 0, upTo end: Int, salt: [UInt8] = []) {
        guard start <= end, count >= end + 8 else { return }
        put(Digest(hashing: salt + self[start..<end]).bytes[..<8], at: end)
    }

    private mutating func put(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        guard count >= offset + bytes.count else { return }
        replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    private func integer(at offset: Int) -> Int {
        guard count >= offset + 4 else { return 0 }
        return (0..<4).reduce(0) { $0 | Int(self[offset + $1]) << (8 * $1) }
    }

    /// Header, frames one after the other, and what looks like a footer.
    fileprivate mutating func repairSegment(links: Bool) {
        sign(upTo: 56)
        guard count >= 64 else { return }
        let salt = Array(self[48..<56])
        var previous = self[56..<64]
        var offset = 64
        while count >= offset + 52, Array(self[offset..<offset + 4]) == Array("RCFR".utf8) {
            let end = offset + 52 + integer(at: offset + 24)
            guard end <= count else { return }
            if links { put(previous, at: offset + 28) }
            put(Digest(hashing: Array(self[(offset + 52)..<end])).bytes[..<8], at: offset + 36)
            sign(from: offset, upTo: offset + 44, salt: salt)
            previous = self[(offset + 44)..<(offset + 52)]
            offset = end
        }
        guard count >= offset + 96, Array(self[offset..<offset + 4]) == Array("RCFT".utf8) else {
            return
        }
        if links { put(previous, at: offset + 56) }
        sign(from: offset, upTo: count - 8, salt: salt)
    }

    fileprivate mutating func repairSnapshot() {
        guard count >= 520 else { return }
        let length = integer(at: 8)
        guard length >= 520, length <= count else { return }
        sign(upTo: length - 8)
    }
}
