// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import Storage
import TestSupport

/// A ledger with jobs, and the blobs beside it.
struct JobLedger {
    /// What one of the three says.
    enum Answer {
        case honest
        case signs(JobStatus, output: Digest = .zero, fuel: UInt64? = nil)
        /// The truth, but for the fuel.
        case wrongFuel
        case silent
    }

    /// A job that is in the ledger.
    struct Made {
        let entry: UInt64
        let id: JobID
        /// Who runs it, in rank.
        let validators: [Int]
        let truth: JobOutcome
    }

    private(set) var scenario: LedgerScenario
    private(set) var blobs: [[UInt8]] = []
    private var seconds: UInt64 = 0

    init() throws { scenario = try LedgerScenario(.of(10, 7)) }

    /// Submits a job, has it assigned, and takes in the answers by rank; a job that nothing has
    /// decided runs into its deadline, unless it is to be left open.
    mutating func add(
        _ module: [UInt8], input: [UInt8] = [1, 2, 3, 4], fuel: UInt64 = 1_000_000,
        version: String = ComputeEngine.version, isLeftOpen: Bool = false, _ answers: [Answer]
    ) throws -> Made {
        let job = ComputeJob(
            module: module, moduleHash: Digest(hashing: module), input: input, fuel: fuel,
            memoryBytes: 1 << 20, engine: ComputeEngine.name, engineVersion: version)
        let truth = Engine.outcome(of: job)
        blobs += [module, input]
        seconds += 1
        let message = scenario.job(seconds) { message in
            message.module = job.moduleHash
            message.input = Digest(hashing: input)
            message.moduleBytes = UInt64(module.count)
            message.inputBytes = UInt64(input.count)
            message.fuel = fuel
            message.memoryBytes = job.memoryBytes
            message.engine = job.engine
            message.engineVersion = version
        }
        try scenario.batch(seconds: seconds) { try $0.send(.job(message)) }
        let id = message.id(in: scenario.ledger)
        guard let entry = scenario.state.entry(of: id) else { throw Missing() }
        seconds += 1
        var validators: [ValidatorIndex] = []
        try scenario.batch(seconds: seconds) { scenario in
            guard let assigned = scenario.state.job(at: entry)?.assigned else { throw Missing() }
            validators = assigned.validators
            for (validator, answer) in zip(validators, answers) {
                guard let said = Self.result(answer, truth) else { continue }
                let result = scenario.result(validator, id, said.status) {
                    ($0.output, $0.fuel) = (said.output, said.fuel)
                }
                try scenario.send(.result(result))
            }
        }
        if !isLeftOpen, scenario.state.job(at: entry) != nil {
            seconds += 40
            try scenario.batch(seconds: seconds)
        }
        return Made(
            entry: entry.rawValue, id: id, validators: validators.map { Int($0.rawValue) },
            truth: truth)
    }

    private struct Missing: Error {}

    private static func result(
        _ answer: Answer, _ truth: JobOutcome
    ) -> (status: JobStatus, output: Digest, fuel: UInt64)? {
        switch answer {
        case .honest: (truth.status, truth.outputHash, truth.fuel)
        case .signs(let status, let output, let fuel): (status, output, fuel ?? truth.fuel)
        case .wrongFuel: (truth.status, truth.outputHash, truth.fuel + 1)
        case .silent: nil
        }
    }

    /// Writes the log, the precommits of its last batch and the blobs, and returns the directory.
    func write(in folder: TemporaryFolder) throws -> String {
        let directory = try folder.write(scenario.entries)
        if let precommits = scenario.precommits {
            try PrecommitStore(ledgerDirectory: directory, disk: POSIXDisk()).save(precommits)
        }
        let store = BlobStore(logDirectory: directory, disk: POSIXDisk())
        for blob in blobs { _ = try store.put(blob) }
        return directory
    }

    /// Writes the ledger, lets `change` touch it, and recounts it with its jobs.
    func recount(
        cores: Int = 2, _ change: (_ directory: String) throws -> Void = { _ in }
    ) throws -> AuditReport {
        let folder = try TemporaryFolder()
        let directory = try write(in: folder)
        try change(directory)
        return try Auditor.run(
            directory: directory,
            options: AuditOptions(recompute: try Engine.loaded.get(), cores: cores))
    }

    func key(_ validator: Int) -> String { scenario.keys[validator].publicKey.hex }

    /// The entry of a validator's result.
    func entry(of made: Made, by validator: Int) -> UInt64? {
        scenario.log.firstIndex { event in
            guard case .resultReported(let result) = event else { return false }
            return result.job.rawValue == made.entry && Int(result.validator.rawValue) == validator
        }.map(UInt64.init)
    }
}
