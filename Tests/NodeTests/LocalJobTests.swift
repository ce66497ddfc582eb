// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// The engine of these tests, where its library is there.
enum JobEngine {
    static let loaded: Result<ComputeEngine, ComputeError> = Result {
        () throws(ComputeError) in
        try ComputeEngine.load(compiler: ModuleCompiler(executable: Program.path))
    }

    /// Whether the tests that need it can run.
    static var isHere: Bool { if case .success = loaded { true } else { false } }
}

/// Jobs that nodes of one process run, from the spool of one of them.
@Suite(
    "Jobs among nodes", .serialized,
    .enabled(if: JobEngine.isHere, "no engine: run Tools/setup, and build recount"))
struct LocalJobTests {
    private static func options(_ liars: [String] = []) -> LocalRunOptions {
        var options = LocalRunOptions()
        options.engine = { JobEngine.loaded }
        for name in liars { options.behaviours[name] = .malicious }
        return options
    }

    /// Hands a job in to the first node, whose blobs alone hold what it needs.
    private static func submit(_ network: LocalNetwork, input: String) throws -> JobID {
        let home = network.nodes[0]
        let blobs = BlobStore(logDirectory: home.ledgerDirectory, disk: POSIXDisk())
        let key = network.submitters[0].key
        let message = JobMessage(
            module: try blobs.put(HostileModules.harmless()),
            input: try blobs.put(Array(input.utf8)),
            moduleBytes: UInt64(HostileModules.harmless().count),
            inputBytes: UInt64(input.utf8.count),
            fuel: EngineLimits.fuelDefault,
            memoryBytes: EngineLimits.memoryBytesDefault, milliseconds: 0,
            engine: ComputeEngine.name, engineVersion: ComputeEngine.version,
            timestamp: Samples.start, submitter: key.publicKey, signature: .zero
        ).signed(by: key, in: network.ledger)
        try Spool(home: home.path).put([.job(message)], in: network.ledger)
        return message.id(in: network.ledger)
    }

    @Test("a job of one node's spool is run by three, and every node has its output")
    func job() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let id = try Self.submit(network, input: "hello")
        let (summary, recorder) = try await runLocal(network, [], options: Self.options())
        #expect(summary.jobsAgreed == 1)
        #expect(recorder.warnings == [])
        var output: Digest?
        for event in recorder.events {
            if case .jobDecided(let job, .agreed, _, let hash) = event, job == id { output = hash }
        }
        let hash = try #require(output)
        for home in network.nodes {
            let blobs = BlobStore(logDirectory: home.ledgerDirectory, disk: POSIXDisk())
            #expect(try blobs.get(hash) == Array("hello".utf8))
        }
        #expect(try Spool(home: network.nodes[0].path).names().isEmpty)
        let (again, _) = try await runLocal(network, [], options: Self.options())
        #expect(again.jobsAccepted == 0)
    }

    @Test("a validator that lies about a job is outvoted")
    func liar() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let id = try Self.submit(network, input: "truth")
        let (_, recorder) = try await runLocal(
            network, [], options: Self.options(["validator-4"]))
        for event in recorder.events {
            guard case .jobDecided(let job, let decision, _, let output) = event, job == id else {
                continue
            }
            #expect(decision == .agreed)
            #expect(output == Digest(hashing: Array("truth".utf8)))
        }
    }
}
