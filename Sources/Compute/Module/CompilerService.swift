// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The other side of `ModuleCompiler`: what the process that compiles does.
package enum CompilerService {
    /// Limits this process, reads a module from standard input, compiles it with the library in a
    /// file and writes the answer to standard output.
    ///
    /// Whoever starts it has checked that the library is a known one.
    package static func run(library: String) {
        limit()
        let answer = answer(library)
        FileHandle.standardOutput.write(Data(answer))
    }

    private static func limit() {
        // SAFETY: structures of the system's own, for the calls.
        #if canImport(Darwin)
            let (space, time, core) = (RLIMIT_AS, RLIMIT_CPU, RLIMIT_CORE)
        #else
            let (space, time, core) = (
                __rlimit_resource_t(RLIMIT_AS.rawValue), __rlimit_resource_t(RLIMIT_CPU.rawValue),
                __rlimit_resource_t(RLIMIT_CORE.rawValue)
            )
        #endif
        var bytes = rlimit(
            rlim_cur: rlim_t(EngineLimits.compilationBytesMax),
            rlim_max: rlim_t(EngineLimits.compilationBytesMax))
        unsafe setrlimit(space, &bytes)
        var seconds = rlimit(
            rlim_cur: rlim_t(EngineLimits.compilationCPUSecondsMax),
            rlim_max: rlim_t(EngineLimits.compilationCPUSecondsMax))
        unsafe setrlimit(time, &seconds)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(core, &none)
    }

    private static func answer(_ library: String) -> [UInt8] {
        do {
            let module = try readModule()
            let functions = try Wasmtime(path: library)
            let config = unsafe try EngineConfiguration.make(functions)
            guard let engine = unsafe functions.engineNew(config) else {
                return failure("the engine refuses its configuration")
            }
            return unsafe compile(module, functions, engine)
        } catch {
            return failure("\(error)")
        }
    }

    private static func readModule() throws -> [UInt8] {
        var module: [UInt8] = []
        while let part = try FileHandle.standardInput.read(upToCount: 1 << 16), !part.isEmpty {
            module += part
            if module.count > EngineLimits.moduleBytesMax {
                throw ComputeError.unusable(problem: "the module is too large")
            }
        }
        return module
    }

    private static func compile(
        _ module: [UInt8], _ functions: Wasmtime, _ engine: OpaquePointer
    ) -> [UInt8] {
        // SAFETY: the bytes live for the calls; the code is copied before the process ends.
        unsafe module.withUnsafeBufferPointer { buffer in
            if let error = unsafe functions.moduleValidate(
                engine, buffer.baseAddress, buffer.count)
            {
                return [1] + Array(unsafe functions.takeMessage(error).utf8)
            }
            var compiled: OpaquePointer?
            if let error = unsafe functions.moduleNew(
                engine, buffer.baseAddress, buffer.count, &compiled)
            {
                return unsafe failure(functions.takeMessage(error))
            }
            guard let compiled = unsafe compiled else {
                return failure("the engine gave no module")
            }
            var code = unsafe wasm_byte_vec_t(size: 0, data: nil)
            if let error = unsafe functions.moduleSerialize(compiled, &code) {
                return unsafe failure(functions.takeMessage(error))
            }
            return unsafe [0] + Array(UnsafeBufferPointer(start: code.data, count: code.size))
        }
    }

    private static func failure(_ words: String) -> [UInt8] { [2] + Array(words.utf8) }
}
