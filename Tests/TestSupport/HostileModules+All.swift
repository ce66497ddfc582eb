// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension HostileModules {
    /// One of each, by name, in sizes that take no long time to make.
    package static func all() -> [(name: String, module: [UInt8])] {
        var all = withinLimits() + refused() + bombs()
        all += traps().map { ("trap \($0.code)", $0.module) }
        all += wrongExecutes().enumerated().map { ("wrong execute \($0)", $1) }
        all += wrongAllocates().enumerated().map { ("wrong allocate \($0)", $1) }
        all += outsidePage.map {
            ("output \($0.pointer) \($0.count)", output(pointer: $0.pointer, count: $0.count))
        }
        return all
    }

    /// Valid modules that the interface admits: they run, and end somehow.
    package static func withinLimits() -> [(name: String, module: [UInt8])] {
        [
            ("harmless", harmless()), ("complete", complete()),
            ("endless loop", endlessLoop()), ("endless allocate", endlessAllocate()),
            ("endless start", endlessStart()), ("trapping start", trappingStart()),
            ("trapping allocate", trappingAllocate()),
            ("endless recursion", endlessRecursion()), ("recursion", recursion(depth: 1000)),
            ("memory.grow bomb", memoryGrowBomb()), ("memory.grow loop", memoryGrowLoop()),
            ("memory.grow trap", memoryGrowTrap()),
            ("memory.fill loop", memoryFillLoop(pages: 256)),
            ("memory.copy loop", memoryCopyLoop(pages: 256)),
            ("table.fill loop", tableFillLoop(elements: 65_536)),
            ("table.grow bomb", tableGrowBomb()), ("table.grow loop", tableGrowLoop()),
            ("data outside memory", dataOutsideMemory()),
            ("element outside table", elementOutsideTable()),
            ("input outside memory", input(at: 65_536)), ("input far outside", input(at: .max)),
            ("output above the limit", output(pointer: 0, count: (16 << 20) + 1, pages: 257)),
            ("log", importingLog([.i32, .i32])), ("log spam", logSpam(lines: 10_000)),
            ("log outside memory", logOutsideMemory(pointer: 65_535, count: 2)),
            ("log far outside", logOutsideMemory(pointer: -1, count: -1)),
            ("log of terminal codes", logOfTerminalCodes()), ("log in start", logInStart()),
            ("not numbers", notNumbers()), ("not numbers in vectors", notNumbersInVectors()),
            ("vectors", vectors()),
        ]
    }

    /// Modules that are refused before anything in them runs.
    package static func refused() -> [(name: String, module: [UInt8])] {
        [
            ("empty", []), ("false count", falseCount()),
            ("overflowing locals", overflowingLocals()),
            ("initial memory", initialMemory(pages: 65_536)),
            ("initial table", initialTable(elements: 10_000_000)), ("tables", tables(17)),
            ("clock", importingClock()), ("random source", importingRandom()),
            ("other log", importingOtherLog()), ("imported memory", importingMemory()),
            ("imported table", importingTable()), ("imported global", importingGlobal()),
            ("log of three", importingLog([.i32, .i32, .i32])),
            ("log with a result", importingLog([.i32, .i32], [.i32])),
            ("log as a global", importingLogAsGlobal()),
            ("no memory", withoutMemory()), ("memory is a function", memoryIsFunction()),
            ("no execute", withoutExecute()), ("execute is a global", executeIsGlobal()),
            ("no allocate", withoutAllocate()),
            ("relaxed vectors", relaxedVectors()), ("shared memory", sharedMemory()),
            ("atomics", atomics()), ("wide memory", wideMemory()), ("two memories", twoMemories()),
            ("exceptions", exceptions()), ("collected memory", collectedMemory()),
            ("custom section", customSection(count: 4 << 20)),
            ("data segment", dataSegment(count: 4 << 20)), ("functions", functions(20_001)),
            ("types", types(20_001)), ("exports", exports(20_001)), ("segments", segments(20_001)),
            ("locals", locals(50_000, functions: 41)),
            ("many locals", locals(50_001, functions: 1)),
        ]
    }

    /// Modules that are valid, or nearly, and much work to compile.
    package static func bombs() -> [(name: String, module: [UInt8])] {
        [
            ("tail calls", tailCalls()),
            ("nested blocks", nestedBlocks(depth: 500_000)),
            ("branch tables", branchTables(switches: 200, targets: 10_000, blocks: 1000)),
            ("live variables", liveVariables(locals: 1000, blocks: 400)),
            ("deep expression", deepExpression(count: 1_000_000)),
            ("locals within limits", locals(50_000, functions: 40)),
        ]
    }
}
