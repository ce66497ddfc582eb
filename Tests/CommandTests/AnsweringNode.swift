// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// A ledger of one validator, whose node runs by itself and answers over HTTP.
final class AnsweringNode {
    let folder: TemporaryFolder
    let home: String
    let url: String
    private let process: Process

    init() throws {
        folder = try TemporaryFolder()
        let samples = try String(contentsOfFile: samplesFolder + "/recount.toml", encoding: .utf8)
        let circuit = try #require(samples.range(of: "[[circuits]]"))
        let text =
            "[consensus]\nthreshold = 1\ntotal_validators = 1\n"
            + samples[circuit.lowerBound...].replacingOccurrences(
                of: "withdraw_verification_key.json",
                with: samplesFolder + "/withdraw_verification_key.json")
        let file = try folder.write(Array(text.utf8), "recount.toml")
        let (network, key) = (folder.path + "/net", folder.path + "/unlock.key")
        let made = try Command.run(
            "init", network, "--config", file, "--key-file", key, "--port",
            "\(UInt16.random(in: 15_000..<20_000))")
        try #require(made.status == 0, "\(made.errors)")
        home = network + "/validator-1"
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["node", home, "--key-file", key, "--api", "127.0.0.1:0", "--json"]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.process = process
        var told = ""
        var said: Substring?
        while said == nil {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            told += String(decoding: more, as: UTF8.self)
            said = told.split(separator: "\n").first { $0.contains("\"listening\"") }
        }
        let line = try JSONSerialization.jsonObject(with: Data((said ?? "{}").utf8))
        url = try #require((line as? [String: Any])?["api"] as? String, "\(told)")
        // Its other lines are read, so that it never waits for a reader.
        output.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
    }

    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Hands in the first of the sample requests, and waits until they are decided.
    func decide(_ count: Int) throws {
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").prefix(count).joined(separator: "\n")
        let file = try folder.write(Array(lines.utf8), "requests.jsonl")
        let submitted = try Command.run(
            "submit", home, "--request", file, "--wait", "--json", "--key-file",
            folder.path + "/unlock.key")
        try #require(submitted.status != 2, "\(submitted.errors)")
    }

    func get(_ path: String) throws -> Data {
        try Data(contentsOf: try #require(URL(string: url + path)))
    }
}
