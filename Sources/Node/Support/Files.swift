// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation

/// The few things that a node does with files beside its logs and its vault.
enum Files {
    /// The path from the root of the file system.
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Whether anything is there.
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Reads a whole file of at most `max` bytes, or standard input for `-`.
    static func read(_ path: String, max: Int) throws(NodeError) -> [UInt8] {
        let bytes = try onDisk { () throws(DiskError) in
            try NamedInput.read(path, max: max + 1)
        }
        guard bytes.count <= max else { throw .fileTooLong(path: path, max: max) }
        return bytes
    }

    /// Makes a file that only this user may read, and makes it durable. Nothing that is there is
    /// replaced, and no link is followed.
    static func writeSecret(_ bytes: [UInt8], to path: String) throws(NodeError) {
        try ofSecret(path) { () throws(SecretFileError) in try SecretFile.create(path, bytes) }
    }

    /// The same with bytes that nobody may see.
    static func writeSecret(_ secret: SecretBytes, to path: String) throws(NodeError) {
        try ofSecret(path) { () throws(SecretFileError) in try SecretFile.create(path, secret) }
    }

    /// Reads a plain file that only this user may read.
    static func readSecret(_ path: String, max: Int) throws(NodeError) -> SecretBytes {
        try ofSecret(path) { () throws(SecretFileError) in try SecretFile.read(path, max: max) }
    }

    private static func ofSecret<T>(
        _ path: String, _ body: () throws(SecretFileError) -> T
    ) throws(NodeError) -> T {
        do throws(SecretFileError) { return try body() } catch {
            switch error {
            case .disk(let error): throw .disk(error)
            case .exposed(let mode): throw .secretExposed(path: path, mode: mode)
            case .notAPlainFile: throw .secretNotAFile(path: path)
            case .tooLong(let max): throw .fileTooLong(path: path, max: max)
            }
        }
    }

    /// Writes a new file and makes it durable.
    static func write(_ bytes: [UInt8], to path: String) throws(NodeError) {
        try onDisk { () throws(DiskError) in
            let file = try POSIXDisk().open(path, .create)
            try file.write(bytes, at: 0)
            try file.sync()
        }
    }

    /// Writes a new file that is there whole or not at all. Nothing that is there is replaced.
    static func writeWhole(_ bytes: [UInt8], to path: String) throws(NodeError) {
        guard !exists(path) else { throw .homeExists(path: path) }
        let temporary = "\(path).new-\(randomBytes(6).hex)"
        do throws(NodeError) {
            try write(bytes, to: temporary)
            try onDisk { () throws(DiskError) in try POSIXDisk().rename(temporary, to: path) }
            try syncFolder((path as NSString).deletingLastPathComponent)
        } catch {
            discard(temporary)
            throw error
        }
    }

    /// Makes a folder and, where told, keeps others out of it.
    static func makeFolder(_ path: String, isSecret: Bool = false) throws(NodeError) {
        try onDisk { () throws(DiskError) in try POSIXDisk().createDirectory(path) }
        if isSecret { try setMode(0o700, path) }
    }

    /// Makes the names in a folder durable.
    static func syncFolder(_ path: String) throws(NodeError) {
        try onDisk { () throws(DiskError) in try POSIXDisk().syncDirectory(path) }
    }

    /// Throws where anybody but the owner may read or write the file.
    static func checkSecret(_ path: String) throws(NodeError) {
        guard let mode = mode(of: path), mode & 0o077 != 0 else { return }
        throw .secretExposed(path: path, mode: mode)
    }

    /// The permissions of a file, or nil where it cannot be asked.
    static func mode(of path: String) -> Int? {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue
        } catch { return nil }
    }

    private static func setMode(_ mode: Int, _ path: String) throws(NodeError) {
        do {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        } catch {
            throw .disk(.failed(.write, path: path, code: 1))
        }
    }

    /// Removes a folder that was being made, as far as that is possible.
    static func discard(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            // What is left has a temporary name, which nothing reads.
        }
    }

    /// Runs file operations and gives their errors as the node's.
    static func onDisk<T>(_ body: () throws(DiskError) -> T) throws(NodeError) -> T {
        do throws(DiskError) { return try body() } catch { throw .disk(error) }
    }
}
