// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import TestSupport

/// The engine of these tests, where its library is there.
enum Engine {
    static let loaded: Result<ComputeEngine, ComputeError> = Result {
        () throws(ComputeError) in
        try ComputeEngine.load(compiler: ModuleCompiler(executable: Program.path))
    }

    /// Whether the tests that need it can run.
    static var isHere: Bool { if case .success = loaded { true } else { false } }

    /// What honest validators say.
    static func outcome(of job: ComputeJob) -> JobOutcome {
        let runner = JobRunner(options: JobRunnerOptions(jobsAtOnce: 1)) { loaded }
        defer { runner.stop() }
        return runner.run(job, within: 60_000)
    }
}

/// Modules with one page of memory and a function `execute` of this body, without locals.
enum Wasm {
    /// Returns 42, and so everything behind that: 65,494 zeros.
    static let simple = module([0x41, 0x2A])
    /// Returns the length of its input as a pointer.
    static let length = module([0x20, 0x01])
    static let unreachable = module([0x00])
    static let endless = module([0x03, 0x40, 0x0C, 0x00, 0x0B, 0x41, 0x00])
    /// Calls itself, until a stack comes to its end.
    static let deep = module([0x20, 0x00, 0x20, 0x01, 0x10, 0x00])

    private static func module(_ code: [UInt8]) -> [UInt8] {
        let head =
            "0061736d0100000001070160027f7f017f030201000503010001"
            + "071402066d656d6f7279020007657865637574650000"
        let body = [0x00] + code + [0x0B]
        let section = [0x01, UInt8(body.count)] + body
        return (bytes(hex: head) ?? []) + [0x0A, UInt8(section.count)] + section
    }
}
