// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The API of a running node gives what the command line prints.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct AnswersTests {
    private func object(_ data: Data) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: data) as? NSDictionary)
    }

    @Test func `a node answers as commands print, and ends in order`() throws {
        let node = try AnsweringNode()
        try node.decide(3)
        let home = node.home
        let rows = try Command.run("requests", home, "--json").objects()
        let answer = try object(node.get("/requests"))
        #expect(answer["requests"] as? NSArray == rows as NSArray)
        let id = try #require(rows[0]["request_id"] as? String)
        let pairs: [(String, [String])] = [
            ("/requests/\(id)/history", ["show", "request", home, id]),
            ("/requests/\(id)/leader", ["show", "leader", home, id]),
            ("/batches/2", ["show", "batch", home, "2"]),
            ("/batches/2/leader", ["show", "leader", home, "2"]),
            ("/validators/0", ["show", "validator", home, "0"]),
            ("/validators/0/reputation?limit=20", ["show", "reputation", home, "0"]),
            ("/leaders", ["leaders", home]),
            ("/entries/3?form=json", ["show", "entry", home, "3"]),
        ]
        for (path, command) in pairs {
            let printed = try Command.run(command + ["--json"])
            #expect(printed.status == 0, "\(command): \(printed.errors)")
            #expect(try object(node.get(path)) == printed.object() as NSDictionary, "\(path)")
        }
        let log = try Command.run("log", home, "--from", "0", "--to", "5", "--json").objects()
        let page = try object(node.get("/log?from=0&limit=6"))
        #expect(page["entries"] as? NSArray == log as NSArray)
        #expect(node.stop() == 0)
        #expect(throws: (any Error).self) { try node.get("/health") }
    }

    @Test func `an address that is none, and one for the bridge, are refused`() throws {
        let folder = try TemporaryFolder()
        let network = folder.path + "/net"
        let made = try Command.run(
            "init", network, "--config", samplesFolder + "/recount.toml", "--key-file",
            folder.path + "/unlock.key")
        #expect(made.status == 0, "\(made.errors)")
        for (home, api) in [("validator-1", "5100"), ("bridge", "127.0.0.1:0")] {
            let result = try Command.run(
                "node", "\(network)/\(home)", "--api", api, "--key-file",
                folder.path + "/unlock.key")
            #expect(result.status == 2)
            #expect(result.errors.contains("--api"), "\(result.errors)")
        }
    }
}
