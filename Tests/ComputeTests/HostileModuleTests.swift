// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("hostile modules", .enabled(if: Engine.isHere), .serialized)
struct HostileModuleTests {
    private static let runner = Engine.runner()

    private func run(
        _ module: [UInt8], input: [UInt8] = [], fuel: UInt64 = 5_000_000,
        memoryBytes: UInt64 = 32 << 20, within milliseconds: UInt64 = 30_000
    ) -> JobOutcome {
        Self.runner.run(
            Engine.job(module, input: input, fuel: fuel, memoryBytes: memoryBytes),
            within: milliseconds)
    }

    private let success = JobStatus(.success)
    private let noFuel = JobStatus(.fuelExhausted)

    @Test("what is well-behaved runs")
    func harmless() {
        for module in [HostileModules.harmless(), HostileModules.complete()] {
            let outcome = run(module, input: [1, 2, 3])
            #expect(outcome.status == success, "\(outcome)")
            #expect(outcome.output == [1, 2, 3])
        }
        let nothing = run(HostileModules.harmless())
        #expect(nothing.status == success)
        #expect(nothing.output.isEmpty)
    }

    @Test("a trap has the code of its kind, in a start function as well")
    func traps() {
        for (code, module) in HostileModules.traps() {
            #expect(run(module).status == JobStatus(.trap, code: code), "trap \(code)")
        }
        let unreachable = JobStatus(.trap, code: JobTrap.unreachable.rawValue)
        #expect(run(HostileModules.trappingStart()).status == unreachable)
        #expect(run(HostileModules.trappingAllocate()).status == unreachable)
        #expect(
            run(HostileModules.dataOutsideMemory()).status
                == JobStatus(.trap, code: JobTrap.memoryOutOfBounds.rawValue))
        #expect(
            run(HostileModules.elementOutsideTable()).status
                == JobStatus(.trap, code: JobTrap.tableOutOfBounds.rawValue))
    }

    @Test("what does not end uses its fuel, all of it and no more")
    func endless() {
        let modules = [
            HostileModules.endlessLoop(), HostileModules.endlessAllocate(),
            HostileModules.endlessStart(), HostileModules.memoryFillLoop(pages: 256),
            HostileModules.memoryCopyLoop(pages: 256),
            HostileModules.tableFillLoop(elements: 65_536),
        ]
        for (number, module) in modules.enumerated() {
            let outcome = run(module)
            #expect(outcome.status == noFuel, "module \(number): \(outcome)")
            #expect(outcome.fuel == 5_000_000)
        }
        #expect(run(HostileModules.harmless(), fuel: 1).status == noFuel)
        #expect(run(HostileModules.harmless(), fuel: .max).status == success)
    }

    @Test("recursion within fuel and stack is a result; where the stack ends, an abstention")
    func recursion() {
        let shallow = run(HostileModules.recursion(depth: 1000))
        #expect(shallow.status == success)
        #expect(shallow.output == [0xE8, 0x03, 0, 0])
        #expect(run(HostileModules.endlessRecursion(), fuel: 10_000).status == noFuel)
        let deep = run(HostileModules.endlessRecursion(), fuel: .max)
        #expect(deep.status == JobStatus(.stackEnd), "\(deep)")
        #expect(deep.fuel == 0)
        #expect(run(HostileModules.harmless()).status == success)
    }

    @Test("memory and tables grow to their limits and not beyond")
    func growth() {
        let refused: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(run(HostileModules.memoryGrowBomb()).output == refused)
        #expect(run(HostileModules.tableGrowBomb()).output == refused)
        let pages = run(HostileModules.memoryGrowLoop(), memoryBytes: 10 << 20)
        #expect(pages.output == [160, 0, 0, 0], "\(pages)")
        let elements = run(HostileModules.tableGrowLoop())
        #expect(elements.output == [0, 0, 1, 0], "\(elements)")
        #expect(
            run(HostileModules.memoryGrowTrap()).status
                == JobStatus(.trap, code: JobTrap.unreachable.rawValue))
        let initial = HostileModules.initialMemory(pages: 160)
        #expect(run(initial, memoryBytes: 10 << 20).status == success)
        #expect(run(initial, memoryBytes: (10 << 20) - 1).status == JobStatus(.memoryLimit))
        #expect(
            run(HostileModules.initialMemory(pages: 65_536)).status == JobStatus(.memoryLimit))
    }

    @Test("memory comes back, also from jobs that fill all that they may have")
    func memoryComesBack() throws {
        func resident() throws -> Int {
            let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return try #require(pages) * 4096
        }
        _ = run(HostileModules.memoryGrowLoop(), fuel: 1 << 40, memoryBytes: 256 << 20)
        let before = try resident()
        for _ in 0..<8 {
            let outcome = run(
                HostileModules.memoryGrowLoop(), fuel: 1 << 40, memoryBytes: 256 << 20)
            #expect(outcome.output == [0, 16, 0, 0])
        }
        #expect(try resident() < before + (64 << 20))
    }

    @Test("only the clock stops it: an abstention, and the node goes on")
    func clock() {
        let start = ContinuousClock.now
        for module in [HostileModules.endlessLoop(), HostileModules.endlessStart()] {
            let outcome = run(module, fuel: .max, within: 300)
            #expect(outcome.status == JobStatus(.timeGuard), "\(outcome)")
            #expect(outcome.fuel == 0)
            #expect(outcome.outputHash == .zero)
        }
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(run(HostileModules.harmless()).status == success)
    }

    @Test("inputs and outputs outside memory, or too large")
    func pointers() {
        for (pointer, count) in HostileModules.outsidePage {
            #expect(
                run(HostileModules.output(pointer: pointer, count: count)).status
                    == JobStatus(.outputOutsideMemory), "\(count) bytes at \(pointer)")
        }
        let atTheEnd = run(HostileModules.output(pointer: 65_536, count: 0))
        #expect(atTheEnd.status == success)
        let whole = run(HostileModules.output(pointer: 0, count: 65_536))
        #expect(whole.output.count == 65_536)
        let large = HostileModules.output(pointer: 0, count: (16 << 20) + 1, pages: 257)
        #expect(run(large).status == JobStatus(.outputTooLarge))
        let largest = HostileModules.output(pointer: 0, count: 16 << 20, pages: 257)
        #expect(run(largest).output.count == 16 << 20)
        for pointer in [UInt32(65_536), 65_535, .max] {
            let module = HostileModules.input(at: pointer)
            #expect(run(module, input: [1, 2]).status == JobStatus(.inputOutsideMemory))
        }
        #expect(run(HostileModules.input(at: 65_534), input: [1, 2]).status == success)
        let tooMuch = [UInt8](repeating: 1, count: EngineLimits.inputBytesMax + 1)
        #expect(run(HostileModules.harmless(), input: tooMuch).status == JobStatus(.inputTooLarge))
    }

    /// What a module that is refused is called.
    private static let reasons: [String: InvalidModule] = [
        "empty": .malformed, "false count": .tooComplex, "overflowing locals": .tooComplex,
        "initial table": .tableTooLarge, "tables": .tooComplex, "clock": .unknownImport,
        "random source": .unknownImport, "other log": .unknownImport,
        "imported memory": .unknownImport, "imported table": .unknownImport,
        "imported global": .unknownImport, "log of three": .wrongType,
        "log with a result": .wrongType, "log as a global": .wrongType,
        "no memory": .memoryMissing, "memory is a function": .wrongType,
        "no execute": .executeMissing, "execute is a global": .wrongType,
        "no allocate": .allocateMissing, "relaxed vectors": .malformed,
        "shared memory": .malformed, "atomics": .malformed, "wide memory": .malformed,
        "two memories": .malformed, "exceptions": .malformed, "collected memory": .malformed,
        "custom section": .moduleTooLarge, "data segment": .moduleTooLarge,
        "functions": .tooComplex, "types": .tooComplex, "exports": .tooComplex,
        "segments": .tooComplex, "locals": .tooComplex, "many locals": .malformed,
    ]

    @Test("what may not run is refused, with its reason")
    func refused() {
        for (name, module) in HostileModules.refused() where name != "initial memory" {
            let reason = Self.reasons[name]
            let outcome = run(module)
            #expect(reason != nil, "\(name) has no expected reason")
            #expect(
                outcome.status == reason.map { JobStatus($0) }, "\(name): \(outcome)")
            #expect(outcome.fuel == 0)
        }
        // One takes a reference to an object of the host, which there is none of.
        let wrong = (HostileModules.wrongExecutes() + HostileModules.wrongAllocates()).map {
            run($0).status
        }
        #expect(wrong.count { $0 == JobStatus(.wrongType) } == wrong.count - 1)
        #expect(wrong.count { $0 == JobStatus(.malformed) } == 1)
        #expect(run(HostileModules.tailCalls()).status == JobStatus(.malformed))
    }

    @Test("damaged modules end somehow; truncated and random ones are not modules")
    func damaged() {
        for module in HostileModules.random(seed: 11, count: 100) {
            #expect(run(module).status.kind == .invalidModule)
        }
        // Without its last sections, which mean nothing, it is whole.
        let truncated = HostileModules.truncated().map { run($0).status }
        #expect(truncated.allSatisfy { $0.kind == .invalidModule || $0 == success })
        #expect(truncated.count { $0 == success } <= 2)
        let seed: UInt64 = 20_261_123
        for module in HostileModules.damaged(seed: seed, count: 150) {
            let outcome = run(module, input: [1, 2, 3])
            let again = run(module, input: [1, 2, 3])
            #expect(outcome == again, "seed \(seed): \(outcome.status)")
        }
    }

    @Test("a module that takes long to compile is given up within the limits, and costs that once")
    func compilationBombs() {
        let start = ContinuousClock.now
        let kinds: Set<JobStatus.Kind> = [.success, .invalidModule, .abstained]
        for (name, module) in HostileModules.bombs() where name != "live variables" {
            let outcome = run(module, within: 60_000)
            #expect(kinds.contains(outcome.status.kind), "\(name): \(outcome)")
        }
        let bomb = HostileModules.liveVariables(locals: 1000, blocks: 400)
        let outcome = run(bomb, within: 60_000)
        #expect(outcome.status == JobStatus(.compilationGuard), "\(outcome)")
        let once = ContinuousClock.now
        #expect(once - start < .seconds(100))
        #expect(run(bomb).status == JobStatus(.compilationGuard))
        #expect(ContinuousClock.now - once < .seconds(2))
    }

    @Test("the log is kept within bounds, whatever is logged")
    func log() {
        let spam = run(HostileModules.logSpam(lines: 10_000), fuel: .max)
        #expect(spam.status == success)
        #expect(spam.log.lines.count == EngineLimits.logLinesMax)
        #expect(spam.log.dropped == UInt64(10_000 - EngineLimits.logLinesMax))
        let long = run(HostileModules.logSpam(lines: 2, count: 4000), fuel: .max)
        // A byte that a terminal would obey is spelled out in six: \u{1F}.
        #expect(long.log.lines.allSatisfy { $0.utf8.count <= 6 * EngineLimits.logLineBytesMax })
        for (pointer, count) in [(Int32(65_535), Int32(2)), (-1, -1)] {
            let outcome = run(HostileModules.logOutsideMemory(pointer: pointer, count: count))
            #expect(outcome.status == success, "\(outcome)")
            #expect(outcome.log.lines.count == 1)
        }
        let codes = run(HostileModules.logOfTerminalCodes())
        #expect(codes.status == success)
        #expect(
            codes.log.lines.allSatisfy { line in
                line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            })
        #expect(run(HostileModules.logInStart()).status == success)
    }

    @Test("numbers that are not numbers have the canonical bits")
    func canonical() {
        #expect(run(HostileModules.notNumbers()).output == HostileModules.canonicalNaNs)
        let lanes = run(HostileModules.notNumbersInVectors()).output
        #expect(
            lanes
                == Array(
                    [[0, 0, 0xC0, 0x7F]].joined() + [0, 0, 0xC0, 0x7F]
                        + [0, 0, 0xC0, 0x7F] + [0, 0, 0xC0, 0x7F]))
        #expect(run(HostileModules.vectors()).output == Array(repeating: 3, count: 16))
    }
}
