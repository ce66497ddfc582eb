// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension EventLog {
    /// Makes a log in a directory that is absent or empty, and opens it for writing.
    ///
    /// What an interrupted `create` left behind counts as empty. Throws `.directoryNotEmpty`.
    package static func create(
        directory: String, disk: any Disk, options: LogOptions = LogOptions()
    ) throws(LogError) -> EventLog {
        LogLimits.check()
        if try !isDirectory(directory, disk) {
            try onDisk { () throws(DiskError) in try disk.createDirectory(directory) }
        }
        try onDisk { () throws(DiskError) in try disk.syncDirectory(parent(of: directory)) }
        try checkEmpty(directory, disk)
        let lock = try takeLock(directory, disk)
        let segments = "\(directory)/segments"
        for path in [segments, "\(directory)/blobs"] where try !isDirectory(path, disk) {
            try onDisk { () throws(DiskError) in try disk.createDirectory(path) }
        }
        try onDisk { () throws(DiskError) in try disk.syncDirectory(directory) }
        // The last step: a log exists from when its first segment has its name.
        let segment: Segment
        do {
            segment = try makeSegment(
                in: segments, disk: disk, firstIndex: 0, root: .ofNothing)
        } catch {
            if case .unusable(let error) = error { throw .disk(error) }
            throw error
        }
        var loader = LogLoader(
            directory: directory, disk: disk, access: .readWrite, options: options)
        loader.contents.segments = [segment]
        loader.recovery.wasClosed = true
        return EventLog(loader, lock: lock, hasEndMark: false)
    }

    /// Opens a log.
    ///
    /// For writing it takes the lock, cuts a torn tail and finishes an interrupted rewrite; for
    /// reading it changes nothing and sees what is whole. Throws `.notALog`, `.locked`,
    /// `.newerFormat`, `.damaged` or `.disk`.
    package static func open(
        directory: String, disk: any Disk, access: LogAccess = .readWrite,
        options: LogOptions = LogOptions()
    ) throws(LogError) -> EventLog {
        LogLimits.check()
        guard try isDirectory("\(directory)/segments", disk) else {
            throw .notALog(path: directory)
        }
        let lock = access == .readWrite ? try takeLock(directory, disk) : nil
        var attempt = 0
        while true {
            var loader = LogLoader(
                directory: directory, disk: disk, access: access, options: options)
            do {
                let mark = try loader.load()
                let log = EventLog(loader, lock: lock, hasEndMark: mark)
                if access == .readWrite && !mark { try log.finishRecovery(loader) }
                return log
            } catch {
                attempt += 1
                // A writer may have changed what a reader was looking at: it looks again.
                guard case .damaged = error, access == .readOnly, attempt < 3 else { throw error }
            }
        }
    }

    /// Finishes an interrupted sealing, and writes again what a failed sync may have left behind.
    ///
    /// After a failed sync the system may believe pages to be on disk that are not.
    private func finishRecovery(_ loaded: LogLoader) throws(LogError) {
        do throws(LogError) {
            if let number = loaded.segmentToSeal {
                invariant(
                    number + 2 == contents.segments.count,
                    "segment \(number) of \(contents.segments.count) is to be sealed")
                try seal(number)
            } else if let before = contents.segments.dropLast().last {
                try writeAgain(before, from: before.framesEnd)
            }
            if let last = contents.segments.last, let frame = last.frames.last {
                try writeAgain(last, from: frame.offset)
            }
        } catch {
            if case .unusable(let error) = error { throw .disk(error) }
            throw error
        }
        invariant(
            contents.segments.dropLast().allSatisfy(\.isSealed), "a segment is left unsealed")
    }

    private func writeAgain(_ segment: Segment, from offset: UInt64) throws(LogError) {
        try onDisk { () throws(DiskError) in
            let size = try segment.file.size()
            guard size > offset else { return }
            let bytes = try segment.file.read(at: offset, count: Int(size - offset))
            try segment.file.write(bytes, at: offset)
            try segment.file.sync()
        }
    }

    private static func takeLock(_ directory: String, _ disk: any Disk) throws(LogError)
        -> any DiskLock
    {
        do { return try disk.lock("\(directory)/LOCK") } catch {
            if case .locked(let path, let holder) = error {
                throw .locked(path: path, holder: holder)
            }
            throw .disk(error)
        }
    }

    private static func isDirectory(_ path: String, _ disk: any Disk) throws(LogError) -> Bool {
        do {
            _ = try disk.list(path)
            return true
        } catch {
            if case .notFound = error { return false }
            throw .disk(error)
        }
    }

    private static func checkEmpty(_ directory: String, _ disk: any Disk) throws(LogError) {
        func list(_ path: String) throws(LogError) -> [String] {
            try onDisk { () throws(DiskError) in try disk.list(path) }
        }
        for name in try list(directory) {
            switch name {
            case "LOCK": continue
            case "segments", "blobs":
                let path = "\(directory)/\(name)"
                for inner in try list(path) where inner != SegmentName.of(0) + ".tmp" {
                    throw .directoryNotEmpty(path: directory, found: "\(name)/\(inner)")
                }
            default: throw .directoryNotEmpty(path: directory, found: name)
            }
        }
    }

    private static func parent(of path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        _ = parts.popLast()
        let joined = parts.joined(separator: "/")
        if path.hasPrefix("/") { return "/" + joined }
        return joined.isEmpty ? "." : joined
    }
}
