// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension HostileModules {
    // MARK: - Malformed

    /// Every beginning of a module that uses most sections, but the whole. Invalid module
    /// (`malformed`), or another reason where what is left is a module.
    package static func truncated() -> [[UInt8]] {
        let whole = complete()
        return (0..<whole.count).map { Array(whole[..<$0]) }
    }

    /// Returns `count` modules with up to four bytes changed. Whatever becomes of them, they end.
    package static func damaged(seed: UInt64, count: Int) -> [[UInt8]] {
        var random = SplitMix64(seed: seed)
        let whole = complete()
        return (0..<count).map { _ in
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 8..<bytes.count, using: &random)] = UInt8.random(
                    in: .min ... .max, using: &random)
            }
            return bytes
        }
    }

    /// Returns `count` rows of random bytes, every second with the header of a module. Invalid
    /// module (`malformed`).
    package static func random(seed: UInt64, count: Int) -> [[UInt8]] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { number in
            let bytes = random.bytes(Int.random(in: 1...256, using: &random))
            return number % 2 == 0 ? bytes : Array(harmless()[..<8]) + bytes
        }
    }

    /// Says that it has 2^32 - 1 functions and has none. Invalid module (`tooComplex`).
    package static func falseCount() -> [UInt8] {
        Array(harmless()[..<8]) + [0x01, 0x04, 0x01, 0x60, 0x00, 0x00]
            + [0x03, 0x05] + LEB128.unsigned(UInt32.max)
    }

    /// A module with most kinds of sections. Success: it gives its input back.
    package static func complete() -> [UInt8] {
        // Type 0 is that of the log, type 1 that of the function in the table.
        module(
            locals: [(2, .i32), (1, .f64)], execute: [.i32(0), .callIndirect(1), .drop] + echo
        ) {
            let log = $0.importFunction("env", "log", [.i32, .i32])
            let zero = $0.function([], [.i32], [.i32(0)])
            $0.start = $0.function([], [], [.i32(0), .i32(4), .call(log)])
            $0.table(.init(2, most: 8))
            $0.element(at: 0, [zero])
            $0.global(.i32, mutable: true, .i32(7))
            $0.export("counter", .global, 0)
            $0.data(at: 0, Array("abcd".utf8))
            $0.custom("name", [0x01, 0x02, 0x03])
        }
    }

    // MARK: - Size

    /// Has a section of `count` bytes that means nothing. Invalid module (`moduleTooLarge`) above
    /// the limit.
    package static func customSection(count: Int) -> [UInt8] {
        module(execute: echo) { $0.custom("padding", Array(repeating: 0, count: count)) }
    }

    /// Writes `count` bytes to memory at the start. As above.
    package static func dataSegment(count: Int) -> [UInt8] {
        module(pages: UInt64(count >> 16) + 1, execute: echo) {
            $0.data(at: 0, Array(repeating: 0xA5, count: count))
        }
    }

    /// Has `count` functions besides its two. Invalid module (`tooComplex`) above the limit.
    package static func functions(_ count: Int) -> [UInt8] {
        module(execute: echo) { for _ in 0..<count { $0.function([], [], []) } }
    }

    /// Has `count` types. As above.
    package static func types(_ count: Int) -> [UInt8] {
        module(execute: echo) { builder in
            for number in 0..<count {
                // The binary digits of the number and a last one that marks its length.
                let digits = String(number + 1, radix: 2).utf8
                _ = builder.type(digits.map { $0 == UInt8(ascii: "0") ? .f32 : .f64 }, [])
            }
        }
    }

    /// Exports a function under `count` names. As above.
    package static func exports(_ count: Int) -> [UInt8] {
        module(execute: echo) { builder in
            let function = builder.function([], [], [])
            for number in 0..<count { builder.export("f\(number)", .function, function) }
        }
    }

    /// Has `count` segments of one byte. As above.
    package static func segments(_ count: Int) -> [UInt8] {
        module(execute: echo) { for _ in 0..<count { $0.data(at: 0, [1]) } }
    }

    /// Has `functions` functions of `locals` locals each, in a few bytes. Invalid module:
    /// `tooComplex` above the limit in all, `malformed` above 50,000 in one function.
    package static func locals(_ locals: UInt32, functions: Int) -> [UInt8] {
        module(execute: echo) {
            for _ in 0..<functions { $0.function([], [], locals: [(locals, .i64)], []) }
        }
    }

    /// Says twice that a function has 2^32 - 1 locals. Invalid module (`tooComplex`).
    package static func overflowingLocals() -> [UInt8] {
        module(execute: echo) {
            $0.function([], [], locals: [(.max, .i32), (.max, .i64)], [])
        }
    }

    // MARK: - Compile-time bombs
    //
    // Each ends within the limits of compilation: success (they give their input back), abstained
    // (`compilationGuard`), or invalid module (`malformed`) where the engine has its own bound.
    // `liveVariables` of 1,000 by 400 keeps the engine busy for minutes.

    /// Blocks in blocks, `depth` of them.
    package static func nestedBlocks(depth: Int) -> [UInt8] {
        let bytes =
            Array(repeating: [0x02, 0x40] as [UInt8], count: depth).joined()
            + Array(repeating: 0x0B, count: depth)
        return module(execute: echo) { $0.function([], [], [WasmInstruction(Array(bytes))]) }
    }

    /// `switches` tables of branches, each with `targets` targets into blocks around it.
    package static func branchTables(switches: Int, targets: Int, blocks: Int) -> [UInt8] {
        var bytes = Array(Array(repeating: [0x02, 0x40] as [UInt8], count: blocks).joined())
        let depths = (0..<targets).map { UInt32($0 % blocks) }
        // Each stands in a block of its own, which the code behind it is reached through.
        let table = WasmInstruction.brTable(depths, otherwise: 0).bytes
        for _ in 0..<switches { bytes += [0x02, 0x40, 0x20, 0x00] + table + [0x0B] }
        bytes += Array(repeating: 0x0B, count: blocks)
        return module(execute: echo) { $0.function([.i32], [], [WasmInstruction(bytes)]) }
    }

    /// One function in which `locals` variables are alive across `blocks` loops that change them
    /// all: much work for whoever gives out registers.
    package static func liveVariables(locals: UInt32, blocks: Int) -> [UInt8] {
        var body: [WasmInstruction] = []
        let change = (1...locals).flatMap { local -> [WasmInstruction] in
            [.get(local), .get(local % locals + 1), .i32Add, .set(local)]
        }
        for _ in 0..<blocks { body.append(.loop(change + [.get(0), .brIf(0)])) }
        return module(execute: echo) {
            $0.function([.i32], [], locals: [(locals, .i32)], body)
        }
    }

    /// One expression of `count` operands, all on the stack at once.
    package static func deepExpression(count: Int) -> [UInt8] {
        let bytes =
            Array(repeating: [0x20, 0x00] as [UInt8], count: count).joined()
            + Array(repeating: 0x6A, count: count - 1)
        return module(execute: echo) {
            $0.function([.i32], [.i32], [WasmInstruction(Array(bytes))])
        }
    }
}
