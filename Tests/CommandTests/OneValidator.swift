// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The home of the one validator of a new ledger, with the circuit of the samples.
struct OneValidator {
    let folder: TemporaryFolder
    let home: String
    let key: String

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
        let network = folder.path + "/net"
        key = folder.path + "/unlock.key"
        let made = try Command.run(
            "init", network, "--config", file, "--key-file", key, "--port",
            "\(TestPorts.reserve(2))")
        try #require(made.status == 0, "\(made.errors)")
        home = network + "/validator-1"
    }

    /// Hands in the first sample requests and waits for what becomes of them.
    func submit(_ count: Int) throws {
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").prefix(count).joined(separator: "\n")
        let file = try folder.write(Array(lines.utf8), "requests.jsonl")
        let submitted = try Command.run(
            "submit", home, "--request", file, "--wait", "--json", "--key-file", key)
        #expect(submitted.status != 2, "\(submitted.errors)")
    }
}
