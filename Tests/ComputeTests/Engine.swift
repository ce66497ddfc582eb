// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import TestSupport

/// The engine of these tests, where its library is there.
enum Engine {
    static let loaded: Result<ComputeEngine, ComputeError> = Result {
        () throws(ComputeError) in
        try ComputeEngine.load(compiler: ModuleCompiler(executable: Program.path))
    }

    /// Whether the tests that need it can run.
    static var isHere: Bool { if case .success = loaded { true } else { false } }

    /// The library that the engine was loaded from; nil where it was not found.
    static var libraryPath: String? {
        do throws(ComputeError) {
            return try EngineLibrary.find(EngineLibrary.named, executable: Program.path)
        } catch {
            return nil
        }
    }

    /// A runner of two threads on the engine.
    static func runner(
        jobsAtOnce: Int = 2, memoryBytes: UInt64 = EngineLimits.runningBytesDefault
    ) -> JobRunner {
        JobRunner(
            options: JobRunnerOptions(jobsAtOnce: jobsAtOnce, memoryBytes: memoryBytes)
        ) { loaded }
    }

    /// A job on the engine, with the limits that hold unless a submitter says otherwise.
    static func job(
        _ module: [UInt8], input: [UInt8] = [], fuel: UInt64 = EngineLimits.fuelDefault,
        memoryBytes: UInt64 = EngineLimits.memoryBytesDefault,
        version: String = ComputeEngine.version
    ) -> ComputeJob {
        ComputeJob(
            module: module, moduleHash: Digest(hashing: module), input: input, fuel: fuel,
            memoryBytes: memoryBytes, engine: ComputeEngine.name, engineVersion: version)
    }
}
