// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime

/// A module as code, with what its runs need to know.
@safe final class CompiledModule: @unchecked Sendable {
    // Modules may be used on any thread at once; this one is deleted with its last user.
    let handle: OpaquePointer
    let interface: ModuleInterface
    let logs: [LogImport]
    /// Pages of 64 KiB of the memory at the start.
    let memoryPages: UInt64
    /// Bytes of its code.
    let bytes: Int
    private let functions: Wasmtime

    /// Takes over the module.
    init(
        _ handle: OpaquePointer, _ interface: ModuleInterface, _ logs: [LogImport],
        memoryPages: UInt64, bytes: Int, _ functions: Wasmtime
    ) {
        unsafe self.handle = handle
        self.interface = interface
        self.logs = logs
        self.memoryPages = memoryPages
        self.bytes = bytes
        self.functions = functions
    }

    deinit {
        // SAFETY: nobody else uses it.
        unsafe functions.moduleDelete(handle)
    }
}

/// What became of compiling a module.
enum Compilation: Sendable {
    case ready(CompiledModule)
    /// It cannot run, here or anywhere.
    case refused(ModuleRefusal)
    /// This machine could not compile it within its limits.
    case failed(String)

    /// Bytes that it takes to keep it.
    var bytes: Int { if case .ready(let module) = self { module.bytes } else { 0 } }
}
