// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Figures
import Foundation

/// What reading commands cost as a ledger grows: one figure a command and size, from the start of
/// the process to its end.
///
/// A command that reads what it needs costs the same at each size; `growth` is the last over the
/// first. What a ledger is first asked builds its projections, which is not counted.
struct CommandsBenchmark {
    /// The program.
    let program: String
    /// The configuration of the networks.
    let config: String
    /// Entries of the ledgers, rising.
    let sizes: [UInt64]

    /// Each command by its name, and what it is given beside the home; `REQUEST` is a decided one.
    private static let commands: [(name: String, arguments: [String])] = [
        ("leaders", ["leaders", "HOME"]),
        ("validators", ["validators", "HOME"]),
        ("show request", ["show", "request", "HOME", "REQUEST"]),
        ("prove request", ["prove", "request", "HOME", "REQUEST", "--out", "OUT", "--force"]),
        ("replay", ["replay", "HOME"]),
        ("log --last", ["log", "HOME", "--last", "5"]),
        ("why validator", ["why", "validator-8", "HOME"]),
        ("why request", ["why", "request:REQUEST", "HOME"]),
        ("requests", ["requests", "HOME", "--limit", "5"]),
        ("ledger info", ["ledger", "info", "HOME"]),
    ]

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            var seconds: [[[Double]]] = Array(repeating: [], count: Self.commands.count)
            for size in sizes {
                let path = folder.appendingPathComponent("\(size)").path
                try GeneratedNetwork.make(entries: size, at: path, config: config, note)
                let home = path + "/validator-1"
                let request = try newestRequest(home)
                try run(["checkpoint", "sign", path])
                for (place, command) in Self.commands.enumerated() {
                    let arguments = command.arguments.map { argument in
                        argument.replacingOccurrences(of: "HOME", with: home)
                            .replacingOccurrences(of: "REQUEST", with: request)
                            .replacingOccurrences(of: "OUT", with: path + "/certificate")
                    }
                    seconds[place].append(
                        try (0..<runs).map { _ in try timed { try run(arguments) }.seconds })
                }
                try FileManager.default.removeItem(atPath: path)
            }
            return zip(Self.commands, seconds).flatMap { command, seconds in
                Self.lines(command.name, sizes, seconds)
            }
        }
    }

    private static func lines(
        _ name: String, _ sizes: [UInt64], _ seconds: [[Double]]
    ) -> [Figure] {
        let figures = zip(sizes, seconds).map { size, values in
            Figure("recount \(name), \(size) entries", unit: "s", values: values)
        }
        guard figures.count > 1, let first = figures.first, let last = figures.last else {
            return figures
        }
        let growth = Figure(
            "  growth of \(name)", unit: "times as long", values: [last.median / first.median],
            note: "for \((sizes.last ?? 0) / max(1, sizes.first ?? 0)) times the entries")
        return figures + [growth]
    }

    /// The entry of a request that is decided; asking also builds the projections.
    private func newestRequest(_ home: String) throws -> String {
        let text = try run(["requests", home, "--csv", "--limit", "300"])
        let rows = text.split(whereSeparator: \.isNewline)
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        guard let head = rows.first, let place = head.firstIndex(of: "entry"),
            let row = rows.dropFirst().last, place < row.count
        else { throw ValidationError("\(program) lists no request of \(home)") }
        return row[place]
    }

    /// Runs the program, and returns what it prints.
    @discardableResult
    private func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ValidationError(
                "\(arguments.joined(separator: " ")) ended with \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
