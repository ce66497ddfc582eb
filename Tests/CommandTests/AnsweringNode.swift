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
    private let validator: OneValidator?
    private let process: Process

    convenience init() throws {
        let validator = try OneValidator()
        try self.init(
            validator.home, key: validator.key, in: validator.folder, validator: validator)
    }

    /// The node of a home in a folder, which is kept until the node is gone.
    init(
        _ home: String, key: String, in folder: TemporaryFolder, validator: OneValidator? = nil
    ) throws {
        self.folder = folder
        self.home = home
        self.validator = validator
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = [
            "node", home, "--key-file", key, "--api", "127.0.0.1:0", "--json",
            "--listen", "/ip4/127.0.0.1/tcp/0",
        ]
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
    func decide(_ count: Int) throws { try #require(validator).submit(count) }

    func get(_ path: String) throws -> Data {
        try Data(contentsOf: try #require(URL(string: url + path)))
    }
}
