// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger

/// `recount backup list`.
struct BackupListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the copies of ledgers in a folder, or the one that it is.",
        discussion: """
            Of each copy its size, its root, and whether it was finished. One that was not
            is completed by the next backup into it, or removed by one with --keep.

              recount backup list /mnt/copies
              recount backup list /mnt/copies --json | jq .copies

            Exit codes: 0 all are whole; 1 one is not; 2 there is none.
            """)

    @Argument(help: "A folder of copies, or a copy.", completion: .directory)
    var folder: String

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    private struct Copy: Encodable {
        let path: String
        /// Nil where its first entry cannot be read.
        var ledgerID: String?
        var name: String?
        var entries: UInt64?
        var root: String?
        var isWhole = false
        /// Why it is not.
        var problem: String?
    }

    private struct Result: Encodable {
        let copies: [Copy]
    }

    mutating func run() throws {
        let writer =
            format.csv
            ? try RowWriter(
                json: json, format,
                ["path", "ledger_id", "name", "entries", "root", "is_whole", "problem"]) : nil
        let copies = paths().map(Self.look)
        guard !copies.isEmpty else {
            throw Failure(
                "there is no copy of a ledger in \(folder); recount backup HOME \(folder) makes one"
            )
        }
        if let writer {
            for copy in copies { try writer.add(copy) }
        } else if json {
            try Output.json(Result(copies: copies))
        } else {
            show(copies)
        }
        Output.flush()
        guard copies.allSatisfy(\.isWhole) else { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private func paths() -> [String] {
        func isCopy(_ path: String) -> Bool {
            FileManager.default.fileExists(atPath: path + "/segments")
        }
        guard !isCopy(folder) else { return [folder] }
        do throws(DiskError) {
            return try POSIXDisk().list(folder).map { "\(folder)/\($0)" }.filter(isCopy).sorted()
        } catch { return [] }
    }

    private static func look(_ path: String) -> Copy {
        var copy = Copy(path: path)
        do throws(LogError) {
            let log = try EventLog.open(directory: path, disk: POSIXDisk(), access: .readOnly)
            copy.entries = log.size
            copy.root = log.root.hex
            if log.size > 0 {
                let first = try log.entry(at: 0)
                copy.ledgerID = Digest(hashing: first).hex
                copy.name = name(in: first)
            }
            copy.isWhole = log.recovery.wasClosed
            if !copy.isWhole { copy.problem = "it was not finished" }
        } catch {
            copy.problem = "\(error)"
        }
        return copy
    }

    private static func name(in entry: [UInt8]) -> String? {
        do throws(DecodingError) {
            guard case .ledgerOpened(let opened) = try Event(decoding: entry) else { return nil }
            return opened.name
        } catch { return nil }
    }

    private func show(_ copies: [Copy]) {
        var table = Table(
            ("copy", .left), ("ledger", .left), ("entries", .right), ("root", .left),
            ("", .left))
        for copy in copies {
            table.add(
                copy.path, (copy.name ?? "").visible,
                copy.entries.map { Text.grouped($0) } ?? "",
                copy.root.map { "\($0.prefix(16))…" } ?? "",
                copy.isWhole ? "whole" : copy.problem ?? "")
        }
        table.print()
    }
}
