// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a module cannot run or has broken its interface: the code of `JobStatus.Kind.invalidModule`.
///
/// Equal module, input, limits and engine give the same of these on every machine.
package enum InvalidModule: UInt8, CaseIterable, Sendable {
    /// It has more bytes than a module may have.
    case moduleTooLarge = 1
    /// It is not valid WebAssembly, in the features that are admitted.
    case malformed = 2
    /// It has more functions, locals, tables or types than a module may have.
    case tooComplex = 3
    /// It imports something other than the log.
    case unknownImport = 4
    /// It exports no memory called `memory`.
    case memoryMissing = 5
    /// It exports no function called `execute`.
    case executeMissing = 6
    /// It returns a pointer and a length, and exports no function called `allocate`.
    case allocateMissing = 7
    /// An export or the log is of another kind or type than the interface says.
    case wrongType = 8
    /// A table is larger than a table may be.
    case tableTooLarge = 9
    /// The input is larger than an input may be, or than the memory that it is written to.
    case inputTooLarge = 10
    /// What `allocate` returned does not lie in memory.
    case inputOutsideMemory = 11
    /// What `execute` returned does not lie in memory.
    case outputOutsideMemory = 12
    /// The output is larger than an output may be.
    case outputTooLarge = 13
}

/// Why a validator gives no result: the code of `JobStatus.Kind.abstained`.
package enum JobAbstention: UInt8, CaseIterable, Sendable {
    /// It has no engine.
    case noEngine = 1
    /// It has another engine, or another version, than the job pins.
    case otherEngine = 2
    /// The clock stopped it.
    case timeGuard = 3
    /// The native stack came to its end.
    case stackEnd = 4
    /// The module could not be compiled within the limits of time and memory.
    case compilationGuard = 5
    /// The job asks for more memory than the validator gives to jobs.
    case beyondCapacity = 6
    /// The module or the input is not in its blob store.
    case payloadMissing = 7
    /// Something else failed on its side.
    case localError = 8
}

/// What the engine calls the ways in which a module traps: the code of `JobStatus.Kind.trap`.
///
/// Codes that admitted features cannot cause have no name. Source: `wasmtime_trap_code_enum` of the
/// C interface of wasmtime 50.
package enum JobTrap: UInt8, CaseIterable, Sendable {
    /// An access beyond the memory.
    case memoryOutOfBounds = 1
    /// A misaligned atomic access.
    case heapMisaligned = 2
    /// An access beyond a table.
    case tableOutOfBounds = 3
    /// A call through an empty element of a table.
    case indirectCallToNull = 4
    /// A call through an element of another type.
    case badSignature = 5
    /// An overflow of an integer, as in the division of the lowest by -1.
    case integerOverflow = 6
    /// A division by zero.
    case integerDivisionByZero = 7
    /// A conversion of a number that no integer can hold.
    case badConversionToInteger = 8
    /// The instruction `unreachable`.
    case unreachable = 9
}

extension JobStatus {
    /// The module cannot run.
    package init(_ reason: InvalidModule) { self.init(.invalidModule, code: reason.rawValue) }

    /// The validator gives no result.
    package init(_ reason: JobAbstention) { self.init(.abstained, code: reason.rawValue) }

    /// What the code is called; nil where it says nothing or has no name.
    package var reasonName: String? {
        switch kind {
        case .trap: JobTrap(rawValue: code).map { "\($0)" }
        case .invalidModule: InvalidModule(rawValue: code).map { "\($0)" }
        case .abstained: JobAbstention(rawValue: code).map { "\($0)" }
        case .success, .fuelExhausted, .memoryLimit: nil
        }
    }
}
