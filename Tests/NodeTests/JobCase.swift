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

/// A node whose three validators all run every job, and what is asked of it.
struct JobCase {
    static let start = Time(1_767_300_000_000)

    let folder: TemporaryFolder
    let home: Home
    let clock = VirtualClock(JobCase.start)

    init(extra: String = "", submitters: String = "") throws {
        folder = try TemporaryFolder()
        let configuration = try Configuration(
            toml: """
                [consensus]
                threshold = 3
                total_validators = 3
                \(extra)
                \(submitters)
                """, folder: "/")
        home = try Home.initialise(
            configuration: configuration, at: folder.file("node"),
            protection: .keyFile(path: nil), startTime: Self.start)
    }

    var spool: JobSpool { JobSpool(home: home.path) }

    var blobs: BlobStore {
        BlobStore(logDirectory: home.ledgerDirectory, disk: POSIXDisk())
    }

    /// Submits a job, by default one that gives its input back.
    @discardableResult
    func submit(
        _ module: [UInt8] = HostileModules.harmless(), input: String,
        fuel: UInt64 = ComputeLimits.fuelDefault, milliseconds: UInt64 = 0
    ) throws -> JobID {
        try JobSubmission.submit(
            module: module, input: Array(input.utf8), fuel: fuel,
            memoryBytes: ComputeLimits.memoryBytesDefault, milliseconds: milliseconds, home: home,
            submitter: nil, now: clock.now())
    }

    /// A job that somebody has signed, on a module that is in no store.
    func message(by key: SigningKey, timestamp: Time = JobCase.start) -> JobMessage {
        JobMessage(
            module: Digest(hashing: [1]), input: Digest(hashing: [2]), fuel: 1, memoryBytes: 1,
            milliseconds: 0, engine: ComputeEngine.name, engineVersion: ComputeEngine.version,
            timestamp: timestamp, submitter: key.publicKey, signature: .zero
        ).signed(by: key, in: home.ledger)
    }

    func coordinator(
        _ behaviours: [Behaviour] = [], clock: (any NodeClock)? = nil,
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError> = {
            JobEngine.loaded
        }
    ) throws -> Coordinator {
        try Coordinator.open(
            home: home,
            options: CoordinatorOptions(
                behaviours: behaviours, acceptClockJump: clock != nil, engine: engine),
            clock: clock ?? self.clock)
    }

    /// Runs what waits and gives what happened.
    @discardableResult
    func run(
        _ behaviours: [Behaviour] = [], clock: (any NodeClock)? = nil,
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError> = {
            JobEngine.loaded
        }
    ) async throws -> (RunSummary, Recorder) {
        let recorder = Recorder()
        let summary = try await coordinator(behaviours, clock: clock, engine: engine)
            .run(ArrayLineSource([])) { recorder.add($0) }
        return (summary, recorder)
    }

    /// Runs until the job is assigned.
    func runUntilAssigned() async throws {
        // Too slow for anybody to report before the stop.
        let coordinator = try coordinator(engine: {
            Thread.sleep(forTimeInterval: 1)
            return Self.noEngine()
        })
        let summary = try await coordinator.run(ArrayLineSource([])) { event in
            if case .jobAssigned = event { coordinator.stop() }
        }
        #expect(summary.stopped)
        #expect(summary.openJobs == 1)
    }

    /// What a node without the library has.
    static let noEngine: @Sendable () -> Result<ComputeEngine, ComputeError> = {
        .failure(.notFound(places: ["nowhere"]))
    }

    /// What the ledger holds of results, in order.
    func results() throws -> [ResultReported] {
        try entries(home).compactMap { event in
            if case .resultReported(let result) = event { result } else { nil }
        }
    }
}

extension Recorder {
    var jobDecisions: [(id: JobID, decision: JobDecision, status: JobStatus, output: Digest)] {
        events.compactMap { event in
            if case .jobDecided(let id, let decision, let status, let output) = event {
                (id, decision, status, output)
            } else {
                nil
            }
        }
    }
    var warnings: [String] {
        events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }
    var jobRefusals: [(reason: String, detail: String)] {
        events.compactMap { event in
            if case .jobRefused(_, let reason, let detail) = event { (reason, detail) } else { nil }
        }
    }
    /// The kinds of the events about jobs, in order.
    var jobKinds: [String] {
        events.compactMap { event in
            switch event {
            case .jobSubmitted: "submitted"
            case .jobAssigned: "assigned"
            case .jobReported: "reported"
            case .jobDecided: "decided"
            case .jobRefused: "refused"
            default: nil
            }
        }
    }
}
