// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Node

/// The place that was named for a copy.
struct BackupTarget {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Throws, before anything is written, where no copy can be made there.
    ///
    /// Checks, in order: that it is no file, that the folder that it is to be made in is there,
    /// that it is neither in the ledger or home nor around it, that a folder of dated copies is
    /// used as one and a copy as one, that it can be written to.
    func check(ledger: String, home: String, isDated: Bool) throws(Failure) {
        let files = FileManager.default
        let isThere = files.fileExists(atPath: path)
        guard !isThere || files.fileExists(atPath: path + "/.") else {
            throw Failure("\(path) is a file, and a copy is a folder: name another")
        }
        let parent = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
        guard isThere || files.fileExists(atPath: parent) else {
            throw Failure(
                "\(parent), in which the copy is to be made, is not there: make it first, or look"
                    + " whether its disk is mounted")
        }
        for folder in NodeHome.isHome(home) ? [ledger, home] : [ledger] {
            try checkApart(from: folder)
        }
        if isThere { try checkForm(isDated: isDated) }
        guard files.isWritableFile(atPath: isThere ? path : parent) else {
            throw Failure("\(isThere ? path : parent) cannot be written to")
        }
    }

    private func checkApart(from folder: String) throws(Failure) {
        let (own, other) = (Self.real(path), Self.real(folder))
        guard own != other, !own.hasPrefix(other + "/"), !other.hasPrefix(own + "/") else {
            throw Failure(
                "\(path) and \(folder) lie in each other, and would be lost together: choose"
                    + " another directory, on another disk")
        }
    }

    private func checkForm(isDated: Bool) throws(Failure) {
        let isCopy = FileManager.default.fileExists(atPath: path + "/segments")
        guard !isDated || !isCopy else {
            throw Failure(
                "\(path) is a copy itself; with --keep name a folder that holds dated copies")
        }
        guard isDated || isCopy || DatedCopies.names(in: path).isEmpty else {
            throw Failure("\(path) holds dated copies: add --keep, with how many stay")
        }
    }

    /// The path without symbolic links, as far as it is there.
    private static func real(_ path: String) -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        guard !FileManager.default.fileExists(atPath: url.path), url.path != "/" else {
            return url.resolvingSymlinksInPath().path
        }
        return real(url.deletingLastPathComponent().path) + "/" + url.lastPathComponent
    }
}

/// Whether a disk has room for a copy.
package enum BackupRoom {
    /// What stays free beside the copy, in bytes.
    package static let spareBytes: UInt64 = 1 << 20

    /// Throws where the disk of the copy has less free than the copy still needs; where that cannot
    /// be told, the writing will.
    static func check(from ledger: String, to copy: String) throws(Failure) {
        guard let free = free(at: copy) else { return }
        let needed = needed(from: ledger, to: copy)
        if let problem = problem(needed: needed, free: free, copy) { throw Failure(problem) }
    }

    /// What is to be said where so many bytes are needed and free; nil where they fit.
    package static func problem(needed: UInt64, free: UInt64, _ copy: String) -> String? {
        guard needed > 0, needed + spareBytes > free else { return nil }
        return "the copy needs \(Text.grouped(needed)) bytes, and the disk of \(copy) has"
            + " \(Text.grouped(free)) free: free some there, or name another disk; nothing was"
            + " written"
    }

    /// The bytes that a copy still needs: of files that it has as large as the ledger's none.
    package static func needed(from ledger: String, to copy: String) -> UInt64 {
        ["segments", "blobs", "checkpoints", "snapshots"].reduce(0) { sum, folder in
            let (own, there) = (sizes("\(ledger)/\(folder)"), sizes("\(copy)/\(folder)"))
            guard folder == "snapshots" else {
                return sum + own.reduce(0) { $0 + $1.value - min($1.value, there[$1.key] ?? 0) }
            }
            // Only the newest is copied.
            let newest = own.keys.max()
            return sum + (newest.map { there[$0] == nil ? own[$0] ?? 0 : 0 } ?? 0)
        }
    }

    private static func sizes(_ folder: String) -> [String: UInt64] {
        let disk = POSIXDisk()
        do throws(DiskError) {
            var sizes: [String: UInt64] = [:]
            // What has no name of its own yet is not copied: it is being written, or kept for it.
            for name in try disk.list(folder) where !name.hasSuffix(".tmp") {
                do throws(DiskError) {
                    sizes[name] = try disk.open("\(folder)/\(name)", .read).size()
                } catch {
                    // It was removed meanwhile, or is a folder.
                }
            }
            return sizes
        } catch { return [:] }
    }

    private static func free(at path: String) -> UInt64? {
        var url = URL(fileURLWithPath: path).standardizedFileURL
        while !FileManager.default.fileExists(atPath: url.path), url.path != "/" {
            url.deleteLastPathComponent()
        }
        do {
            let values = try FileManager.default.attributesOfFileSystem(forPath: url.path)
            return (values[.systemFreeSize] as? NSNumber)?.uint64Value
        } catch { return nil }
    }
}
