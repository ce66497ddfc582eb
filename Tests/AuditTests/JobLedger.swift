// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import Storage

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

    var builder: LedgerBuilder
    private(set) var blobs: [[UInt8]] = []
    private var seconds: UInt64 = 0

    init() throws { builder = try LedgerBuilder() }

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
        var message = JobMessage(
            module: job.moduleHash, input: Digest(hashing: input),
            moduleBytes: UInt64(module.count), inputBytes: UInt64(input.count), fuel: fuel,
            memoryBytes: job.memoryBytes, milliseconds: 0, engine: job.engine,
            engineVersion: version, timestamp: Time(seconds),
            submitter: builder.submitter.publicKey, signature: .zero)
        message = message.signed(by: builder.submitter, in: builder.state.ledger)
        try builder.batch(seconds: seconds) { try $0.take(.job(message)) }
        let id = message.id(in: builder.state.ledger)
        guard let entry = builder.state.entry(of: id) else { throw Missing() }
        seconds += 1
        var validators: [Int] = []
        try builder.batch(seconds: seconds) { builder in
            guard let assigned = builder.state.job(at: entry)?.assigned else { throw Missing() }
            validators = assigned.validators.map { Int($0.rawValue) }
            for (validator, answer) in zip(validators, answers) {
                guard let said = Self.result(answer, truth) else { continue }
                try builder.report(id, validator, said.status, said.output, said.fuel)
            }
        }
        if !isLeftOpen, builder.state.job(at: entry) != nil {
            seconds += 40
            try builder.batch(seconds: seconds)
        }
        return Made(entry: entry.rawValue, id: id, validators: validators, truth: truth)
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
    func write(in folder: Folder) throws -> String {
        let directory = try folder.write(builder.entries)
        if let precommits = builder.lastPrecommits {
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
        let folder = try Folder()
        let directory = try write(in: folder)
        try change(directory)
        return try Auditor.run(
            directory: directory,
            options: AuditOptions(recompute: try Engine.loaded.get(), cores: cores))
    }

    func key(_ validator: Int) -> String { builder.validators[validator].publicKey.hex }

    /// The entry of a validator's result.
    func entry(of made: Made, by validator: Int) throws -> UInt64? {
        try builder.events.firstIndex { event in
            guard case .resultReported(let result) = event else { return false }
            return result.job.rawValue == made.entry && Int(result.validator.rawValue) == validator
        }.map(UInt64.init)
    }
}

extension LedgerBuilder {
    /// Takes in a result that a validator signs.
    mutating func report(
        _ job: JobID, _ validator: Int, _ status: JobStatus, _ output: Digest, _ fuel: UInt64
    ) throws {
        let message = ResultMessage(
            job: job, validator: validators[validator].publicKey, status: status, output: output,
            fuel: fuel, signature: .zero)
        try take(.result(message.signed(by: validators[validator], in: state.ledger)))
    }
}
