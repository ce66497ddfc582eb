// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// This program once more, as a person would type it.
struct OwnProgram {
    /// What a run left behind.
    struct Run {
        let status: Int32
        let output: Data
        let errors: String

        /// What it printed, as JSON; nil where that is none.
        func decoded<Value: Decodable>(_ type: Value.Type) -> Value? {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            do { return try decoder.decode(type, from: output) } catch { return nil }
        }

        /// What it complained of: with `--json` the messages alone.
        var complaint: String {
            struct Line: Decodable { let message: String }
            let lines = errors.split(separator: "\n").map { line in
                do {
                    return try JSONDecoder().decode(Line.self, from: Data(line.utf8)).message
                } catch {
                    return String(line)
                }
            }
            return lines.last ?? "it ended with \(status)"
        }
    }

    /// The folder for what it prints meanwhile.
    private let folder: String
    private let path: String

    /// - Parameter folder: One that is there, for what it prints.
    init(printingIn folder: String) throws(Failure) {
        guard let path = Bundle.main.executablePath else {
            throw Failure("the path of this program cannot be told")
        }
        self.path = path
        self.folder = folder
    }

    /// Runs it to its end.
    func run(_ arguments: [String]) throws(Failure) -> Run {
        let running = try start(arguments)
        running.process.waitUntilExit()
        return try running.result()
    }

    /// One that runs, and what it prints.
    struct Running {
        let process: Process
        let output: String
        let errors: String

        /// Whether these words stand in what it has printed so far.
        func says(_ words: String) throws(Failure) -> Bool {
            String(decoding: try result().output, as: UTF8.self).contains(words)
        }

        /// What it has printed so far; all where it has ended.
        func result() throws(Failure) -> Run {
            let isOver = !process.isRunning
            do {
                return Run(
                    status: isOver && process.terminationReason == .exit
                        ? process.terminationStatus : -1,
                    output: try Data(contentsOf: URL(fileURLWithPath: output)),
                    errors: String(
                        decoding: try Data(contentsOf: URL(fileURLWithPath: errors)),
                        as: UTF8.self))
            } catch { throw Failure("\(output) cannot be read: \(ErrorWords.of(error))") }
        }
    }

    /// Starts it; standard input stays that of this process, so that it may ask for a passphrase.
    func start(_ arguments: [String]) throws(Failure) -> Running {
        let name = "\(folder)/\(arguments[0])"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        do {
            for file in ["\(name).output", "\(name).errors"] {
                try Data().write(to: URL(fileURLWithPath: file))
            }
            process.standardOutput = try FileHandle(
                forWritingTo: URL(fileURLWithPath: "\(name).output"))
            process.standardError = try FileHandle(
                forWritingTo: URL(fileURLWithPath: "\(name).errors"))
            try process.run()
        } catch { throw Failure("\(path) cannot be run: \(ErrorWords.of(error))") }
        return Running(process: process, output: "\(name).output", errors: "\(name).errors")
    }
}
