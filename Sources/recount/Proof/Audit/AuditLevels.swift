// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Foundation
import Node

/// A level of an audit.
enum AuditLevel: String, CaseIterable {
    /// The checksums of frames.
    case frames
    /// The Merkle tree, computed from the entries.
    case tree
    /// Every signature.
    case signatures
    /// Every derived event and root.
    case derivation
    /// Every proof.
    case proofs
    /// Every decided job, run again.
    case jobs

    /// Reads levels with commas between them.
    static func list(_ text: String) throws(Failure) -> Set<AuditLevel> {
        var levels: Set<AuditLevel> = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let level = AuditLevel(rawValue: String(name)) else {
                let names = allCases.map(\.rawValue).joined(separator: ",")
                throw Failure("--levels \(text): name some of \(names), with commas between them")
            }
            levels.insert(level)
        }
        return levels
    }
}

/// What an audit of a range has found so far, in a file, so that it can go on after an
/// interruption.
struct AuditProgressFile {
    private struct Content: Codable {
        let version: Int
        let report: AuditReport
    }

    private static let version = 2
    private static let bytesMax = 256 << 20

    let path: String

    /// Takes a file that is not inside of the ledger.
    init(_ path: String, outside ledger: String) throws(Failure) {
        self.path = path
        let file = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
        let folder = URL(fileURLWithPath: ledger).standardizedFileURL.resolvingSymlinksInPath().path
        guard file != folder, !file.hasPrefix(folder + "/") else {
            throw Failure("--progress \(path) is inside the ledger, where an audit writes nothing")
        }
    }

    /// What was found before; nil where there is no file.
    func read() throws(Failure) -> AuditReport? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes = try InputFile.read(path, bytesMax: Self.bytesMax)
        do {
            let content = try StrictJSON.decode(
                Content.self, from: bytes, nestingMax: 64, numbers: .any)
            guard content.version == Self.version else {
                throw Failure("--progress \(path) is of another version; remove it")
            }
            return content.report
        } catch let failure as Failure { throw failure } catch {
            throw Failure("--progress \(path) is no file of an audit; name another")
        }
    }

    /// Puts what was found in place of what was there.
    func write(_ report: AuditReport) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data: Data
        do { data = try encoder.encode(Content(version: Self.version, report: report)) } catch {
            throw Failure("--progress \(path) cannot be written: \(ErrorWords.of(error))")
        }
        try OutputFile.write([UInt8](data), to: path, force: true)
    }

    /// Removes the file, once the audit is through.
    func remove() {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            // It was never written, or is left: the next audit then says that it is of another log.
        }
    }
}
