// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Figures
import Foundation

/// Bytes of a vote entry on disk once its segment is sealed, beside zstd on the same entries.
struct DiskBenchmark {
    func measure(_ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            let votes = Votes.make(1_200_000)
            let (ours, end) = try Self.sealed(votes, in: folder.appendingPathComponent("log").path)
            let lists = Votes.lists(170_000, of: Self.listed)
            let listed = try Self.sealed(lists, in: folder.appendingPathComponent("lists").path)
            let raw = folder.appendingPathComponent("votes")
            try Data(votes.prefix(Int(end)).joined()).write(to: raw)
            var result = [
                Figure(
                    "disk, a vote entry in a sealed segment", unit: "bytes", values: [ours],
                    note: "\(votes[0].count) bytes each, 64 of them the signature"),
                Figure(
                    "  a vote in a list of \(Self.listed)", unit: "bytes",
                    values: [listed.bytes / Double(Self.listed)]),
            ]
            let size = Shell.output("zstd -1 -q -c '\(raw.path)' | wc -c").flatMap(Double.init)
            if let size {
                result.append(
                    Figure(
                        "  beside: zstd -1 on the same entries", unit: "bytes",
                        values: [size / Double(end)], note: "without checksums or tree"))
            } else {
                note("zstd did not answer, so nothing stands beside the bytes on disk")
            }
            return result
        }
    }

    /// Votes of a list.
    private static let listed = 64

    /// Bytes that an entry takes in the segments that are sealed, and how many these hold.
    private static func sealed(
        _ entries: [[UInt8]], in path: String
    ) throws -> (bytes: Double, entries: UInt64) {
        try AppendBenchmark.append(entries, by: 1_000, path)
        let segments = try FileManager.default.contentsOfDirectory(
            atPath: path + "/segments"
        ).sorted()
        guard segments.count > 1, let end = firstEntry(of: segments[segments.count - 1]) else {
            fatalError("\(entries.count) entries did not fill a segment")
        }
        let bytes = try segments.dropLast().reduce(0.0) { sum, name in
            let file = FileHandle(forReadingAtPath: path + "/segments/" + name)
            return sum + Double(try file?.seekToEnd() ?? 0)
        }
        return (bytes / Double(end), end)
    }

    /// The name of a segment is the number of its first entry.
    private static func firstEntry(of name: String) -> UInt64? {
        UInt64(name.prefix { $0.isNumber })
    }
}

/// Runs a line of shell.
enum Shell {
    /// What it writes, without the end of the line; nil where it fails.
    static func output(_ line: String) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "set -e; \(line)"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
