// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Node

/// The checkpoints that lie beside a log, and those that are named.
enum CheckpointFiles {
    /// The checkpoints of a log directory, newest first; a file that is none is told and passed
    /// over.
    static func all(in directory: String) -> [SignedCheckpoint] {
        let folder = directory + "/checkpoints"
        let disk = POSIXDisk()
        let names: [String]
        do throws(DiskError) {
            names = try disk.list(folder).filter { $0.hasSuffix(".checkpoint") }
        } catch {
            return []  // Nothing was ever signed.
        }
        var found: [SignedCheckpoint] = []
        for name in names.sorted().reversed() {
            do throws(Failure) {
                found.append(try read(folder + "/" + name))
            } catch {
                Output.error("\(error.message); it is passed over")
            }
        }
        return found
    }

    /// Reads a checkpoint; no signature is checked.
    static func read(_ path: String) throws(Failure) -> SignedCheckpoint {
        let bytes = try InputFile.read(path, bytesMax: SignedNote.bytesMax)
        do throws(NoteError) {
            return try SignedCheckpoint(bytes)
        } catch {
            throw Failure("\(path) is no checkpoint: \(error)")
        }
    }
}

/// Files that are named on the command line.
enum InputFile {
    /// Reads a whole file of at most `bytesMax` bytes, or standard input for `-`.
    static func read(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try NamedInput.read(path, max: bytesMax + 1) } catch {
            throw Failure("\(path) cannot be read: \(error.reason)")
        }
        guard bytes.count <= bytesMax else {
            throw Failure("\(path): longer than \(bytesMax) bytes")
        }
        return bytes
    }

    /// The files of a folder by name, or the path itself where it is none.
    static func expanded(_ path: String) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
        } catch {
            return [path]
        }
    }
}
