// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Operators who do not share a machine, from keys to nodes that run.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct GenesisJourneyTests {
    @Test(.timeLimit(.minutes(30))) func `homes made apart become one ledger`() throws {
        let folder = try TemporaryFolder()
        let samples = try String(contentsOfFile: samplesFolder + "/recount.toml", encoding: .utf8)
        let circuit = try #require(samples.range(of: "[[circuits]]"))
        let text = """
            [consensus]
            threshold = 3
            total_validators = 4

            """
            + samples[circuit.lowerBound...].replacingOccurrences(
                of: "withdraw_verification_key.json",
                with: samplesFolder + "/withdraw_verification_key.json")
        let config = try folder.write(Array(text.utf8), "recount.toml")
        let port = Int(TestPorts.reserve(8))
        var files: [String] = []
        func make(_ name: String, _ words: String...) throws {
            let made = try Command.run(["keygen", "\(folder.path)/\(name)", "--json"] + words)
            #expect(made.status == 0, "\(made.errors)")
            let object = try made.object()
            #expect((object["key"] as? String)?.count == 64)
            files.append(try #require(object["public_file"] as? String))
        }
        for number in 1...4 {
            try make(
                "validator-\(number)", "--name", "validator-\(number)", "--listen",
                "/ip4/127.0.0.1/tcp/\(port + number)")
        }
        try make("submitter", "--name", "submitter", "--submitter")
        let genesis = folder.path + "/genesis.recount"
        func collect() throws -> CommandResult {
            try Command.run(["genesis", "--config", config, "--out", genesis, "--json"] + files)
        }
        let early = try collect()
        #expect(early.status == 2 && early.errors.contains("the bridge is missing"))
        try make("bridge", "--bridge", "--listen", "/ip4/127.0.0.1/tcp/\(port)")
        let made = try collect()
        #expect(made.status == 0, "\(made.errors)")
        let ledger = try #require(try made.object()["ledger_id"] as? String)
        let again = try collect()
        #expect(again.status == 2 && again.errors.contains("is there already"))
        for name in (1...4).map({ "validator-\($0)" }) + ["submitter", "bridge"] {
            let home = "\(folder.path)/\(name)"
            let other = try Command.run(
                "genesis", "accept", home, genesis, "--ledger", String(ledger.reversed()))
            #expect(other.status == 2 && other.errors.contains(ledger))
            let accepted = try Command.run(
                "genesis", "accept", home, genesis, "--ledger", ledger, "--json")
            #expect(accepted.status == 0, "\(accepted.errors)")
            #expect(try accepted.object()["ledger_id"] as? String == ledger)
        }
        let info = try Command.run("audit", "\(folder.path)/validator-1", "--json")
        #expect(info.status == 0, "\(info.errors)")
        let twice = try Command.run(
            "genesis", "accept", "\(folder.path)/validator-1", genesis)
        #expect(twice.status == 2 && twice.errors.contains("recount.toml"))
        let node = Process()
        node.executableURL = URL(fileURLWithPath: Command.path)
        node.arguments = ["node", "\(folder.path)/validator-2", "--json"]
        let output = Pipe()
        node.standardOutput = output
        node.standardError = FileHandle.nullDevice
        try node.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        node.terminate()
        node.waitUntilExit()
        #expect(line.contains("listening") && line.contains("/tcp/\(port + 2)"), "\(line)")
        #expect(node.terminationStatus == 0)
    }
}
