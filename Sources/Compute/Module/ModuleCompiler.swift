// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime
import Foundation
import Ledger

/// Compiles modules, each in a process of its own, which can be ended when it takes too long or too
/// much: a compilation cannot be interrupted from within.
///
/// The process is `EXECUTABLE compile-module LIBRARY`; it reads the module from standard input and
/// answers on standard output with a byte and what follows it: 0 and the compiled module, 1 and why
/// the module is not valid, 2 and why it could not be compiled.
package struct ModuleCompiler: Sendable {
    /// The name of the command that compiles.
    package static let command = "compile-module"

    /// The program that has that command.
    package let executable: String

    /// Takes the path of the program.
    package init(executable: String) { self.executable = executable }

    /// This program itself.
    package static let standard = ModuleCompiler(
        executable: Bundle.main.executablePath ?? CommandLine.arguments[0])

    /// Checks the outline, has the module compiled, and takes in the code.
    ///
    /// Checks, in order: size, outline, validity, interface.
    func compile(
        _ bytes: [UInt8], library: String, _ functions: Wasmtime, _ engine: OpaquePointer
    ) -> Compilation {
        guard bytes.count <= EngineLimits.moduleBytesMax else {
            return .refused(
                ModuleRefusal(
                    .moduleTooLarge,
                    "the module has \(bytes.count) bytes, above \(EngineLimits.moduleBytesMax)"))
        }
        let outline: ModuleOutline
        do throws(OutlineError) { outline = try ModuleOutline(bytes) } catch {
            return .refused(ModuleRefusal(error))
        }
        let answer: [UInt8]
        do throws(CompilerFailure) {
            answer = try CompilerProcess.answer(
                to: bytes, executable: executable, arguments: [Self.command, library])
        } catch {
            return .failed("\(error)")
        }
        switch answer.first {
        case 0: break
        case 1: return .refused(ModuleRefusal(.malformed, Self.words(answer)))
        case 2: return .failed(Self.words(answer))
        default: return .failed("the compiler gave no answer that is understood")
        }
        do throws(ModuleRefusal) {
            let (interface, logs) = try outline.interface()
            var module: OpaquePointer?
            // SAFETY: the code was made by the same library in a process of ours, and is copied.
            let error = unsafe answer.withUnsafeBufferPointer { buffer in
                unsafe functions.moduleDeserialize(
                    engine, buffer.baseAddress.map { unsafe $0 + 1 }, buffer.count - 1, &module)
            }
            if let error = unsafe error { return .failed(unsafe functions.takeMessage(error)) }
            guard let module = unsafe module else { return .failed("the engine gave no module") }
            return .ready(
                unsafe CompiledModule(
                    module, interface, logs, memoryPages: outline.memoryPages ?? 0,
                    bytes: answer.count, functions))
        } catch {
            return .refused(error)
        }
    }

    private static func words(_ answer: [UInt8]) -> String {
        String(decoding: answer.dropFirst().prefix(1024), as: UTF8.self)
    }
}
