// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A local network of four validators, with the samples' circuit.
struct SmallNetwork: Sendable {
    let folder: TemporaryFolder
    let network: String
    let key: String

    /// - Parameter consensus: More lines of that table of the configuration.
    init(consensus: String = "") throws {
        folder = try TemporaryFolder()
        network = folder.path + "/net"
        key = folder.path + "/unlock.key"
        let samples = try String(contentsOfFile: samplesFolder + "/recount.toml", encoding: .utf8)
        // The circuit of the samples, and four validators instead of ten.
        let circuit = try #require(samples.range(of: "[[circuits]]"))
        let text = """
            [consensus]
            threshold = 3
            total_validators = 4
            \(consensus)

            """
            + samples[circuit.lowerBound...].replacingOccurrences(
                of: "withdraw_verification_key.json",
                with: samplesFolder + "/withdraw_verification_key.json")
        let file = try folder.write(Array(text.utf8), "recount.toml")
        let made = try Command.run("init", network, "--config", file, "--key-file", key)
        #expect(made.status == 0, "\(made.errors)")
    }

    func home(_ number: Int) -> String { "\(network)/validator-\(number)" }

    func run(_ arguments: String..., requests: String = "/dev/null") throws -> CommandResult {
        try Command.run(
            ["run", network, "--requests", requests, "--key-file", key, "--json"] + arguments)
    }

    /// The first lines of the samples, in a file.
    func samples(_ count: Int, from start: Int = 0) throws -> String {
        let lines = try String(
            contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8
        ).split(separator: "\n")
        let some = lines[start..<(start + count)].joined(separator: "\n") + "\n"
        // Whole at every moment: tests that run beside each other read the same file.
        let file = folder.file("requests-\(start)-\(count).jsonl")
        try Data(some.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        return file
    }

    /// Runs the network until the body is done.
    func whileRunning<T>(_ body: () throws -> T) throws -> T {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["run", network, "--key-file", key]
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        return try body()
    }

    /// What `audit` says of the whole network.
    func audit() throws -> (status: Int32, report: [String: Any]) {
        let result = try Command.run("audit", network, "--json")
        return (result.status, try result.object())
    }
}
