// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Running jobs again, as far as it can be asked for.
struct RecomputeTests {
    @Test func `without the engine the answer is 2, before the ledger is looked at`() throws {
        let folder = try TemporaryFolder()
        let errors = folder.path + "/errors"
        try Data().write(to: URL(fileURLWithPath: errors))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["audit", folder.path + "/absent", "--recompute"]
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["RECOUNT_WASMTIME": folder.path + "/no-engine"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 2)
        let said = String(
            decoding: try Data(contentsOf: URL(fileURLWithPath: errors)), as: UTF8.self)
        #expect(said.hasPrefix("recount: --recompute cannot run jobs: RECOUNT_WASMTIME names"))
        #expect(said.contains("no-engine"))
        #expect(said.contains("Tools/setup"))
    }

    @Test(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
    func `it is skipped unless asked for`() throws {
        let home = try Journey.shared.get().home
        let report = try Command.run("audit", home, "--json").object()
        #expect((report["checks"] as? [String: String])?["recomputation"] == "skipped")
        #expect((report["result_contradictions"] as? [Any])?.isEmpty == true)
        #expect((report["not_recomputed"] as? [Any])?.isEmpty == true)
        let counts = try #require(report["counts"] as? [String: Any])
        #expect(counts["recomputed"] as? Int == 0)
        #expect(counts["results"] as? Int == 0)
    }
}
