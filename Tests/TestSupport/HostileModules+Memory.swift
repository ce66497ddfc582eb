// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension HostileModules {
    // MARK: - Memory and tables

    /// Asks for 4 GiB at once. Success: the output is what `memory.grow` said, -1 in four bytes.
    package static func memoryGrowBomb() -> [UInt8] {
        module(execute: [.i32(65_535), .memoryGrow] + returning(through: 0))
    }

    /// Takes a page after the other, and writes to each, until it gets no more. Success: the output
    /// is the number of pages that it got to, four bytes.
    package static func memoryGrowLoop() -> [UInt8] {
        let loop: [WasmInstruction] = [
            .i32(1), .memoryGrow, .tee(2), .i32(-1), .i32IsEqual, .brIf(1),
            .get(2), .i32(65_536), .i32Multiply, .i32(-1), .store(.i32), .br(0),
        ]
        return module(
            locals: [(1, .i32)],
            execute: [.block([.loop(loop)]), .memorySize] + returning(through: 2))
    }

    /// Takes all the memory that it gets, and traps. Memory limit or trap 9: equal everywhere.
    package static func memoryGrowTrap() -> [UInt8] {
        module(execute: [
            .loop([.i32(1), .memoryGrow, .i32(-1), .i32IsEqual, .i32IsZero, .brIf(0)]),
            .unreachable,
        ])
    }

    /// Has `pages` pages at the start. Memory limit where the job may not have them.
    package static func initialMemory(pages: UInt64) -> [UInt8] {
        module(pages: pages, execute: echo)
    }

    /// Fills `pages` pages of memory for ever, each time in one instruction. Fuel exhausted: the
    /// engine takes a unit for each byte.
    package static func memoryFillLoop(pages: UInt64) -> [UInt8] {
        let count = Int32(bitPattern: UInt32(pages << 16))
        return module(
            pages: pages,
            execute: [
                .loop([.i32(0), .i32(85), .i32(count), .memoryFill, .br(0)]), .unreachable,
            ])
    }

    /// The same with `memory.copy`.
    package static func memoryCopyLoop(pages: UInt64) -> [UInt8] {
        let count = Int32(bitPattern: UInt32(pages << 16) - 1)
        return module(
            pages: pages,
            execute: [
                .loop([.i32(1), .i32(0), .i32(count), .memoryCopy, .br(0)]), .unreachable,
            ])
    }

    /// The same with `table.fill` on a table of `elements`.
    package static func tableFillLoop(elements: Int32) -> [UInt8] {
        module(execute: [
            .loop([.i32(0), .nullFunction, .i32(elements), .tableFill, .br(0)]), .unreachable,
        ]) { $0.table(.init(UInt64(elements))) }
    }

    /// Has a table of `elements` at the start. Invalid module (`tableTooLarge`) above the limit.
    package static func initialTable(elements: UInt64) -> [UInt8] {
        module(execute: echo) { $0.table(.init(elements)) }
    }

    /// Asks for 2^32 - 1 elements at once. Success: the output is -1 in four bytes.
    package static func tableGrowBomb() -> [UInt8] {
        module(execute: [.nullFunction, .i32(-1), .tableGrow] + returning(through: 0)) {
            $0.table(.init(1))
        }
    }

    /// Lets its table grow until it gets no more. Success: the output is the limit of a table.
    package static func tableGrowLoop() -> [UInt8] {
        module(
            execute: [
                .loop([
                    .nullFunction, .i32(1), .tableGrow, .i32(-1), .i32IsEqual, .i32IsZero, .brIf(0),
                ]), .tableSize,
            ] + returning(through: 0)
        ) { $0.table(.init(1)) }
    }

    /// Has `count` tables. Invalid module (`tooComplex`) above the limit.
    package static func tables(_ count: Int) -> [UInt8] {
        module(execute: echo) { for _ in 0..<count { $0.table(.init(1)) } }
    }

    /// Writes a passive-sized segment beyond its memory at the start. Trap 1.
    package static func dataOutsideMemory() -> [UInt8] {
        module(execute: echo) { $0.data(at: 65_534, [1, 2, 3]) }
    }

    /// Puts a function beyond its table at the start. Trap 3.
    package static func elementOutsideTable() -> [UInt8] {
        module(execute: echo) {
            let function = $0.function([], [], [])
            $0.table(.init(1))
            $0.element(at: 1, [function])
        }
    }

    // MARK: - Pointers

    /// Returns a pointer and a length as the output. With one page of memory: success if the sum is
    /// at most 65,536, invalid module (`outputOutsideMemory`, `outputTooLarge`) otherwise.
    package static func output(pointer: UInt32, count: UInt32, pages: UInt64 = 1) -> [UInt8] {
        module(pages: pages, execute: [.output(pointer: pointer, count: count)])
    }

    /// Outputs that do not lie in one page of memory, which `output(pointer:count:)` returns.
    package static let outsidePage: [(pointer: UInt32, count: UInt32)] = [
        (65_536, 1), (65_535, 2), (0, 65_537), (65_537, 0), (1 << 31, 1), (.max, 1), (.max, .max),
        (1, .max), (0, .max), (.max - 7, 16),
    ]

    /// Says that the input goes to `pointer`. Invalid module (`inputOutsideMemory`) if it ends
    /// beyond the page of memory.
    package static func input(at pointer: UInt32) -> [UInt8] {
        version2(allocate: [.i32(Int32(bitPattern: pointer))], execute: echo)
    }

    /// Traps in `allocate`. Trap 9.
    package static func trappingAllocate() -> [UInt8] {
        version2(allocate: [.unreachable], execute: echo)
    }
}
