// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute

/// `recount compile-module`: the process that compiles a module, which nobody calls by hand.
struct CompileModuleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ModuleCompiler.command,
        abstract: "Compile a WebAssembly module for a node; not for use by hand.",
        discussion: """
            A node starts this for each module that it has not compiled yet, and ends it
            when it takes too long. The module comes on standard input, the answer goes to
            standard output.

              recount compile-module .build/wasmtime/libwasmtime.so < module.wasm
            """,
        shouldDisplay: false)

    @Argument(help: "The library of the engine.")
    var library: String

    mutating func run() { CompilerService.run(library: library) }
}
