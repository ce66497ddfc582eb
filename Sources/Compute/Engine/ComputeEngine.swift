// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime
import Cryptography
import Ledger

/// wasmtime, with settings under which equal jobs give equal results on every machine.
///
/// Lives as long as the process: its compiled modules and its threads' signal stacks do.
@safe package final class ComputeEngine: Sendable {
    /// What jobs call it.
    package static let name = "wasmtime"
    /// What jobs pin: the version of wasmtime, and the number of this program's own rules
    /// (`EngineLimits`, `EngineConfiguration`, `ModuleInterface`), which decide results too.
    package static let version = "50.0.1+1"

    let functions: Wasmtime
    // The engine may be used on any thread; it is never deleted.
    private nonisolated(unsafe) let handle: OpaquePointer
    private let modules: ModuleCache

    /// Finds the library, checks that it is the one that is known, and starts the engine.
    ///
    /// - Parameters:
    ///   - compiler: What compiles modules, in processes of their own. The library is looked for
    ///     near it, see `Tools/setup`.
    ///   - now: The clock by which a compilation that failed is tried again.
    package static func load(
        compiler: ModuleCompiler = .standard,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) throws(ComputeError) -> ComputeEngine {
        let path = try EngineLibrary.find(
            EngineLibrary.named, executable: compiler.executable)
        return try ComputeEngine(path: path, compiler, now)
    }

    private init(
        path: String, _ compiler: ModuleCompiler,
        _ now: @escaping @Sendable () -> ContinuousClock.Instant
    ) throws(ComputeError) {
        functions = try Wasmtime(path: path)
        let config = unsafe try EngineConfiguration.make(functions)
        unsafe LinearMemory.install(in: config, functions)
        // SAFETY: the engine takes over the configuration.
        guard let engine = unsafe functions.engineNew(config) else {
            throw .unusable(problem: "the engine refuses its configuration")
        }
        // SAFETY: the engine is never deleted, and may be used on any thread.
        let shared = unsafe UncheckedPointer(pointer: engine)
        unsafe handle = engine
        modules = ModuleCache(now: now) { [functions] bytes in
            unsafe compiler.compile(bytes, library: path, functions, shared.pointer)
        }
    }

    /// Moves the engine's clock on: every run that is not over looks at the time.
    func tick() {
        // SAFETY: the engine is never deleted, and this may be called on any thread.
        unsafe functions.incrementEpoch(handle)
    }

    /// Runs a job on this thread.
    ///
    /// Checks, in order: the pinned engine; size, outline, validity and interface of the module;
    /// the input's size; the memory at the start.
    ///
    /// - Precondition: The thread has `EngineLimits.threadStackBytes` of stack, and somebody calls
    ///   `tick` meanwhile.
    func run(
        _ job: ComputeJob, until end: ContinuousClock.Instant,
        isEnding: @escaping @Sendable () -> Bool = { false }
    ) -> JobOutcome {
        guard job.engine == Self.name, job.engineVersion == Self.version else {
            return JobOutcome(
                JobStatus(.otherEngine),
                detail: "the job pins \(job.engine) \(job.engineVersion), and here is"
                    + " \(Self.name) \(Self.version)")
        }
        guard ContinuousClock.now < end else {
            return JobOutcome(JobStatus(.timeGuard), detail: "its time was over before it began")
        }
        let module: CompiledModule
        switch modules.module(job.module, job.moduleHash) {
        case .ready(let ready): module = ready
        case .refused(let refusal):
            return JobOutcome(JobStatus(refusal.reason), detail: refusal.detail)
        case .failed(let problem):
            return JobOutcome(JobStatus(.compilationGuard), detail: problem)
        }
        guard job.input.count <= EngineLimits.inputBytesMax else {
            return JobOutcome(
                JobStatus(.inputTooLarge),
                detail: "the input has \(job.input.count) bytes, above"
                    + " \(EngineLimits.inputBytesMax)")
        }
        let (needed, overflow) = module.memoryPages.multipliedReportingOverflow(by: 65_536)
        guard !overflow, needed <= job.memoryBytes else {
            return JobOutcome(
                JobStatus(.memoryLimit),
                detail: "the module starts with \(module.memoryPages) pages of 64 KiB, and the job"
                    + " may have \(job.memoryBytes) bytes")
        }
        let state = RunState(functions, until: end, isEnding: isEnding)
        return state.during {
            // SAFETY: the engine is never deleted; the store ends with the run.
            let run = unsafe JobRun(engine: handle, module: module, job: job, state: state)
            return run?.outcome()
                ?? JobOutcome(JobStatus(.localError), detail: "the engine gives no store")
        }
    }
}

/// A pointer to something that may be used on any thread.
@safe private struct UncheckedPointer: @unchecked Sendable {
    let pointer: OpaquePointer
}
