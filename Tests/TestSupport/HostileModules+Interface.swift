// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension HostileModules {
    // MARK: - Imports

    /// Imports a clock. Invalid module (`unknownImport`), as the others here.
    package static func importingClock() -> [UInt8] {
        module(execute: echo) { $0.importFunction("env", "clock", [], [.i64]) }
    }

    /// Imports the random source of WASI.
    package static func importingRandom() -> [UInt8] {
        module(execute: echo) {
            $0.importFunction("wasi_snapshot_preview1", "random_get", [.i32, .i32], [.i32])
        }
    }

    /// Imports the log under another module's name.
    package static func importingOtherLog() -> [UInt8] {
        module(execute: echo) { $0.importFunction("host", "log", [.i32, .i32]) }
    }

    /// Imports its memory, and exports it as its own.
    package static func importingMemory() -> [UInt8] {
        var builder = WasmBuilder()
        builder.importItem("env", "memory", .memory, [0x00, 0x01])
        return interface(of: builder, memory: 0)
    }

    /// Imports a table.
    package static func importingTable() -> [UInt8] {
        module(execute: echo) {
            $0.importItem("env", "table", .table, [WasmType.function.rawValue, 0x00, 0x01])
        }
    }

    /// Imports a global.
    package static func importingGlobal() -> [UInt8] {
        module(execute: echo) {
            $0.importItem("env", "time", .global, [WasmType.i64.rawValue, 0x00])
        }
    }

    /// Imports the log as a function of `parameters` and `results`. Invalid module (`wrongType`)
    /// unless that is what it is.
    package static func importingLog(
        _ parameters: [WasmType], _ results: [WasmType] = []
    ) -> [UInt8] {
        module(execute: echo) { $0.importFunction("env", "log", parameters, results) }
    }

    /// Imports the log as a global. Invalid module (`wrongType`).
    package static func importingLogAsGlobal() -> [UInt8] {
        module(execute: echo) {
            $0.importItem("env", "log", .global, [WasmType.i32.rawValue, 0x00])
        }
    }

    // MARK: - Exports

    /// Exports no memory. Invalid module (`memoryMissing`).
    package static func withoutMemory() -> [UInt8] {
        interface(of: WasmBuilder(), memory: nil)
    }

    /// Exports a function as `memory`. Invalid module (`wrongType`), as the others that follow.
    package static func memoryIsFunction() -> [UInt8] {
        var builder = WasmBuilder()
        builder.export("memory", .function, builder.function([], [], []))
        return interface(of: builder, memory: nil)
    }

    /// Exports no `execute`. Invalid module (`executeMissing`).
    package static func withoutExecute() -> [UInt8] {
        var builder = WasmBuilder()
        builder.memory(.init(1))
        return interface(of: builder, memory: 0, execute: nil)
    }

    /// Exports a global as `execute`.
    package static func executeIsGlobal() -> [UInt8] {
        var builder = WasmBuilder()
        builder.memory(.init(1))
        builder.global(.i32, mutable: false, .i32(0))
        builder.export("execute", .global, 0)
        return interface(of: builder, memory: 0, execute: nil)
    }

    /// Modules whose `execute` has neither of the two types.
    package static func wrongExecutes() -> [[UInt8]] {
        let types: [([WasmType], [WasmType])] = [
            ([], []), ([.i32, .i32], []), ([.i32], [.i64]), ([.i32, .i32, .i32], [.i64]),
            ([.i64, .i32], [.i64]), ([.i32, .i32], [.f64]), ([.i32, .i32], [.i32, .i32]),
            ([.i32, .i32], [.function]), ([.i32, .external], [.i64]), ([.i32, .i32], [.v128]),
        ]
        return types.map { parameters, results in
            var builder = WasmBuilder()
            builder.memory(.init(1))
            builder.export(
                "execute", .function, builder.function(parameters, results, [.unreachable]))
            return interface(of: builder, memory: 0, execute: nil)
        }
    }

    /// Returns a pointer and a length, and exports no `allocate`. Invalid module
    /// (`allocateMissing`).
    package static func withoutAllocate() -> [UInt8] {
        var builder = WasmBuilder()
        builder.memory(.init(1))
        return interface(of: builder, memory: 0, allocate: nil)
    }

    /// Modules whose `allocate` is of another type.
    package static func wrongAllocates() -> [[UInt8]] {
        let types: [([WasmType], [WasmType])] = [
            ([], [.i32]), ([.i32], []), ([.i32], [.i64]), ([.i64], [.i32]), ([.i32, .i32], [.i32]),
        ]
        return types.map { parameters, results in
            var builder = WasmBuilder()
            builder.memory(.init(1))
            builder.export(
                "allocate", .function, builder.function(parameters, results, [.unreachable]))
            return interface(of: builder, memory: 0, allocate: nil)
        }
    }

    /// Returns `builder` with those exports of interface 2 that are asked for.
    private static func interface(
        of builder: WasmBuilder, memory: UInt32?, allocate: [WasmInstruction]? = [.i32(1024)],
        execute: [WasmInstruction]? = echo
    ) -> [UInt8] {
        var builder = builder
        if let memory { builder.export("memory", .memory, memory) }
        if let allocate {
            builder.export("allocate", .function, builder.function([.i32], [.i32], allocate))
        }
        if let execute {
            builder.export("execute", .function, builder.function([.i32, .i32], [.i64], execute))
        }
        return builder.bytes
    }

    // MARK: - The log

    /// Gives `lines` lines of `count` bytes to the log. Success with an empty output; the validator
    /// keeps the first lines and their beginnings.
    package static func logSpam(lines: Int32, count: Int32 = 16) -> [UInt8] {
        module(
            locals: [(1, .i32)],
            execute: [
                .i32(lines), .set(2),
                .loop([
                    .i32(0), .i32(count), .call(0),
                    .get(2), .i32(1), .i32Subtract, .tee(2), .brIf(0),
                ]),
                .output(pointer: 0, count: 0),
            ]
        ) {
            $0.importFunction("env", "log", [.i32, .i32])
            $0.data(at: 0, Array("a line of a log\n".utf8))
        }
    }

    /// Gives the log a line that does not lie in memory. Success with an empty output.
    package static func logOutsideMemory(pointer: Int32, count: Int32) -> [UInt8] {
        module(
            execute: [.i32(pointer), .i32(count), .call(0), .output(pointer: 0, count: 0)]
        ) { $0.importFunction("env", "log", [.i32, .i32]) }
    }

    /// Gives a line that is no UTF-8, with bytes that a terminal obeys. Success; whoever shows the
    /// line shows them as something harmless.
    package static func logOfTerminalCodes() -> [UInt8] {
        let line: [UInt8] = [0x1B, 0x5B, 0x32, 0x4A, 0x0D, 0x0A, 0x00, 0xFF, 0xC3, 0x07, 0x41]
        return module(
            execute: [.i32(0), .i32(Int32(line.count)), .call(0), .output(pointer: 0, count: 0)]
        ) {
            $0.importFunction("env", "log", [.i32, .i32])
            $0.data(at: 0, line)
        }
    }

    /// Uses the log in its start function, before anybody has seen its memory. Success.
    package static func logInStart() -> [UInt8] {
        module(execute: echo) {
            let log = $0.importFunction("env", "log", [.i32, .i32])
            $0.start = $0.function([], [], [.i32(0), .i32(4), .call(log)])
        }
    }
}
