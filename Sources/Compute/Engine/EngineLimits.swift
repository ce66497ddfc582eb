// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of jobs, in one place.
///
/// Those that decide a result are part of the engine's version: whoever changes one raises
/// `ComputeEngine.version`.
package enum EngineLimits {
    // MARK: What decides results

    /// Bytes of a module.
    package static let moduleBytesMax = 4 << 20
    /// Bytes of an input.
    package static let inputBytesMax = 16 << 20
    /// Bytes of an output.
    package static let outputBytesMax = 16 << 20
    /// Bytes that a module of interface 1 gives back at most.
    package static let outputBytesOfVersion1 = 65_536
    /// Functions, types, imports, exports, globals, and segments of each kind of a module.
    package static let itemsMax = 20_000
    /// Locals of all functions together.
    package static let localsMax = 2_000_000
    /// Tables of a module.
    package static let tablesMax = 16
    /// Elements of a table, at the start and after it has grown.
    package static let tableElementsMax = 65_536
    /// Bytes of stack that WebAssembly may use.
    package static let stackBytes = 2 << 20

    // MARK: What protects the node

    /// Lines of a job's log that are kept.
    package static let logLinesMax = 256
    /// Bytes of a line of a job's log that are kept.
    package static let logLineBytesMax = 256
    /// Seconds of a processor's time that the compilation of a module may take.
    package static let compilationCPUSecondsMax = 10
    /// Real seconds that the compilation of a module may take.
    package static let compilationSecondsMax = 20
    /// A compilation that failed is tried again after so many seconds.
    package static let failedCompilationSeconds = 60
    /// Bytes of address space that the compilation of a module may take.
    package static let compilationBytesMax = 3 << 30
    /// Bytes of a compiled module.
    package static let compiledBytesMax = 128 << 20
    /// Compiled modules that are kept.
    package static let cachedModulesMax = 64
    /// Bytes of the compiled modules that are kept.
    package static let cachedBytesMax = 256 << 20
    /// Bytes of stack of a thread that runs jobs.
    package static let threadStackBytes = 16 << 20
    /// Real milliseconds between two looks at the clock.
    package static let tickMilliseconds: UInt64 = 10

    // MARK: What holds unless a submitter says otherwise

    /// Fuel of a job. The most that a job may ask for is a parameter of the ledger,
    /// `Parameters.jobFuelMax`, 10^12 in `Parameters.standard`.
    package static let fuelDefault: UInt64 = 1_000_000_000
    /// Bytes of memory of a job.
    package static let memoryBytesDefault: UInt64 = 64 << 20
    /// Bytes of memory of all jobs that a node runs at once.
    package static let runningBytesDefault: UInt64 = 1 << 30
}
