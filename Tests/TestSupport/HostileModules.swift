// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Modules that try to stop, to exhaust or to deceive whoever runs them.
///
/// Each says what must become of it, in the words of `JobStatus`, `InvalidModule` and
/// `JobAbstention`. Unless it says otherwise a module is of interface 2 and has one page of memory,
/// and `allocate` returns 1,024.
package enum HostileModules {
    /// Where `allocate` says that the input goes.
    package static let inputPointer: UInt32 = 1024

    /// Returns a module of interface 2 that is well-behaved but for what is asked for.
    ///
    /// Local 0 of `execute` is the input's pointer, local 1 its length, `locals` follow; it leaves
    /// an `i64`. `prepare` adds imports and other functions before.
    package static func module(
        pages: UInt64 = 1, locals: [(UInt32, WasmType)] = [],
        execute: [WasmInstruction], prepare: (inout WasmBuilder) -> Void = { _ in }
    ) -> [UInt8] {
        var builder = WasmBuilder()
        prepare(&builder)
        builder.memory(.init(pages))
        builder.export("memory", .memory, 0)
        let allocate = builder.function([.i32], [.i32], [.i32(Int32(inputPointer))])
        builder.export("allocate", .function, allocate)
        let function = builder.function([.i32, .i32], [.i64], locals: locals, execute)
        builder.export("execute", .function, function)
        return builder.bytes
    }

    /// Gives its input back. Success: all that follows differs from this in one thing.
    package static func harmless() -> [UInt8] { module(execute: echo) }

    /// Returns what `execute` was given.
    static let echo: [WasmInstruction] = [
        .get(1), .i64FromUnsigned, .i64(32), .i64ShiftLeft, .get(0), .i64FromUnsigned, .i64Or,
    ]

    /// Writes the `i32` on the stack, which `local` holds meanwhile, to 0 and returns those bytes.
    static func returning(through local: UInt32) -> [WasmInstruction] {
        [.set(local), .i32(0), .get(local), .store(.i32), .output(pointer: 0, count: 4)]
    }

    // MARK: - What does not end

    /// Never ends and uses no memory. Fuel exhausted.
    package static func endlessLoop() -> [UInt8] {
        module(execute: [.loop([.br(0)]), .unreachable])
    }

    /// Never returns from `allocate`. Fuel exhausted.
    package static func endlessAllocate() -> [UInt8] {
        version2(allocate: [.loop([.br(0)]), .unreachable], execute: echo)
    }

    /// Its start function never ends. Fuel exhausted.
    package static func endlessStart() -> [UInt8] { starting([.loop([.br(0)])]) }

    /// Its start function traps. Trap 9, `unreachable`.
    package static func trappingStart() -> [UInt8] { starting([.unreachable]) }

    private static func starting(_ body: [WasmInstruction]) -> [UInt8] {
        module(execute: echo) { $0.start = $0.function([], [], body) }
    }

    /// Calls itself without end. Fuel exhausted, or abstained (`stackEnd`) where the native stack
    /// ends first.
    package static func endlessRecursion() -> [UInt8] {
        module(execute: [.call(0)] + returning(through: 0)) {
            // Something is left to do after the call, so that no compiler makes a loop of it.
            $0.function([], [.i32], [.call(0), .i32(1), .i32Add])
        }
    }

    /// Calls itself `depth` times. Success up to some thousands: the output is `depth`, four bytes.
    package static func recursion(depth: Int32) -> [UInt8] {
        module(execute: [.i32(depth), .call(0)] + returning(through: 0)) {
            $0.function(
                [.i32], [.i32], locals: [(1, .i32)],
                [
                    .get(0),
                    .ifTrue([.get(0), .i32(1), .i32Subtract, .call(0), .i32(1), .i32Add, .set(1)]),
                    .get(1),
                ])
        }
    }

    // MARK: - Traps

    /// A module for each trap that admitted features can cause, with its code in `JobTrap`.
    package static func traps() -> [(code: UInt8, module: [UInt8])] {
        func calling(_ element: Int32) -> [UInt8] {
            module(execute: [.i32(element), .callIndirect(0), .output(pointer: 0, count: 0)]) {
                let wanted = $0.function([], [], [])
                let other = $0.function([.i64], [], [])
                $0.table(.init(3))
                $0.element(at: 0, [wanted, other])
            }
        }
        let nothing = WasmInstruction.output(pointer: 0, count: 0)
        return [
            (1, module(execute: [.i32(65_533), .load(.i32), .drop, nothing])),
            (3, calling(3)),
            (4, calling(2)),
            (5, calling(1)),
            (6, module(execute: [.i32(.min), .i32(-1), .i32Divide, .drop, nothing])),
            (7, module(execute: [.i32(1), .i32(0), .i32Divide, .drop, nothing])),
            (8, module(execute: [f64(.nan), .raw(0xAA), .drop, nothing])),
            (9, module(execute: [.unreachable])),
        ]
    }

    /// A constant of 64 bits.
    static func f64(_ value: Double) -> WasmInstruction {
        WasmInstruction(
            [0x44] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) })
    }

    /// Returns a module of interface 2 with another memory or `allocate`.
    static func version2(
        memory: WasmBuilder.Limits = .init(1),
        allocate: [WasmInstruction] = [.i32(Int32(inputPointer))], execute: [WasmInstruction]
    ) -> [UInt8] {
        var builder = WasmBuilder()
        builder.memory(memory)
        builder.export("memory", .memory, 0)
        builder.export("allocate", .function, builder.function([.i32], [.i32], allocate))
        builder.export("execute", .function, builder.function([.i32, .i32], [.i64], execute))
        return builder.bytes
    }
}
