// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension HostileModules {
    // MARK: - Floating point

    /// Operations that make a NaN, or pass one on with its payload, as the machine likes.
    ///
    /// Success. With canonical NaNs the output is `canonicalNaNs`; without them its signs and
    /// payloads differ between machines. Operands come from memory, so that none is folded away.
    package static func notNumbers() -> [UInt8] {
        let operations = floatOperations
        var body: [WasmInstruction] = []
        for (number, operation) in operations.enumerated() {
            let place = UInt32(number * 8)
            let (type, zero, one, payload) = (operation.type, UInt32(0), UInt32(8), UInt32(16))
            let first = UInt32(type == .f32 ? 512 : 768)
            body.append(.i32(0))
            for operand in operation.operands {
                let offset =
                    switch operand {
                    case .zero: zero
                    case .minusOne: one
                    case .payload: payload
                    }
                body += [.i32(0), .load(type, at: first + offset)]
            }
            body += [.raw(operation.opcode), .store(operation.result, at: place)]
        }
        return module(execute: body + [.output(pointer: 0, count: UInt32(operations.count * 8))]) {
            // Zero, minus one, and a negative NaN with a payload.
            $0.data(at: 512 + 8, [0x00, 0x00, 0x80, 0xBF])
            $0.data(at: 512 + 16, [0x23, 0x01, 0xC0, 0xFF])
            $0.data(at: 768 + 8, [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0, 0xBF])
            $0.data(at: 768 + 16, [0x67, 0x45, 0x23, 0x01, 0x00, 0x00, 0xFC, 0xFF])
        }
    }

    /// The output of `notNumbers` where NaNs are canonical: positive, without a payload.
    package static let canonicalNaNs: [UInt8] = floatOperations.flatMap { operation -> [UInt8] in
        operation.result == .f32
            ? [0x00, 0x00, 0xC0, 0x7F, 0, 0, 0, 0] : [0, 0, 0, 0, 0, 0, 0xF8, 0x7F]
    }

    private enum Operand { case zero, minusOne, payload }

    private struct FloatOperation {
        let type: WasmType
        let opcode: UInt8
        let operands: [Operand]
        let result: WasmType
    }

    private static let floatOperations: [FloatOperation] = {
        // Opcodes of 32 bits; those of 64 bits are 14 higher.
        let common: [(UInt8, [Operand])] = [
            (0x8D, [.payload]), (0x8E, [.payload]), (0x8F, [.payload]), (0x90, [.payload]),
            (0x91, [.minusOne]), (0x91, [.payload]), (0x92, [.payload, .zero]),
            (0x92, [.zero, .payload]), (0x93, [.payload, .payload]), (0x94, [.payload, .minusOne]),
            (0x95, [.zero, .zero]), (0x96, [.zero, .payload]), (0x97, [.payload, .zero]),
        ]
        let narrow = common.map {
            FloatOperation(type: .f32, opcode: $0.0, operands: $0.1, result: .f32)
        }
        let wide = common.map {
            FloatOperation(type: .f64, opcode: $0.0 + 14, operands: $0.1, result: .f64)
        }
        return narrow + wide + [
            FloatOperation(type: .f64, opcode: 0xB6, operands: [.payload], result: .f32),
            FloatOperation(type: .f32, opcode: 0xBB, operands: [.payload], result: .f64),
        ]
    }()

    /// The same with vectors: 0 / 0 in four lanes. Success; the output is four canonical NaNs of 32
    /// bits.
    package static func notNumbersInVectors() -> [UInt8] {
        module(execute: [
            .i32(0), .i32(512), .load(.v128), .i32(512), .load(.v128), .simd(0xE7), .store(.v128),
            .output(pointer: 0, count: 16),
        ])
    }

    // MARK: - Features

    /// Adds vectors of 16 bytes, which every admitted processor can. Success: the output is sixteen
    /// times 3.
    package static func vectors() -> [UInt8] {
        module(execute: [
            .i32(0), .i32(512), .load(.v128), .i32(528), .load(.v128), .simd(0x6E), .store(.v128),
            .output(pointer: 0, count: 16),
        ]) { $0.data(at: 512, Array(repeating: 1, count: 16) + Array(repeating: 2, count: 16)) }
    }

    /// Relaxed vector instructions, whose results depend on the processor. Invalid module
    /// (`malformed`), as the others that follow.
    package static func relaxedVectors() -> [UInt8] {
        module(execute: [
            .i32(0), .i32(0), .load(.v128), .i32(16), .load(.v128), .simd(0x100), .store(.v128),
            .output(pointer: 0, count: 16),
        ])
    }

    /// Shared memory.
    package static func sharedMemory() -> [UInt8] {
        version2(memory: .init(1, most: 2, flags: 2), execute: echo)
    }

    /// Atomic instructions on memory of its own.
    package static func atomics() -> [UInt8] {
        module(execute: [
            .i32(0), .i32(1), .atomic(0x1E, alignment: 2), .drop, .output(pointer: 0, count: 4),
        ])
    }

    /// Memory with addresses of 64 bits.
    package static func wideMemory() -> [UInt8] {
        version2(memory: .init(1, flags: 4), execute: echo)
    }

    /// Two memories.
    package static func twoMemories() -> [UInt8] {
        module(execute: echo) { $0.memory(.init(1)) }
    }

    /// Calls in place of returns. Success or invalid module: equal everywhere.
    package static func tailCalls() -> [UInt8] {
        module(execute: [.get(0), .get(1), .returnCall(0)]) {
            $0.function([.i32, .i32], [.i64], echo)
        }
    }

    /// Has an exception.
    package static func exceptions() -> [UInt8] {
        let module = module(execute: echo) { _ = $0.type([], []) }
        // The section of exceptions stands before that of exports: one, of type 0.
        guard let place = sectionStart(7, in: module) else { fatalError("no exports") }
        return Array(module[..<place]) + [0x0D, 0x03, 0x01, 0x00, 0x00] + Array(module[place...])
    }

    /// Nothing but a type of structures, for collected memory.
    package static func collectedMemory() -> [UInt8] {
        Array(harmless()[..<8]) + [0x01, 0x05, 0x01, 0x5F, 0x01, 0x7F, 0x01]
    }

    /// Returns where the section `id` starts in a module whose sections are below 128 bytes.
    private static func sectionStart(_ id: UInt8, in module: [UInt8]) -> Int? {
        var place = 8
        while place + 1 < module.count {
            if module[place] == id { return place }
            place += 2 + Int(module[place + 1])
        }
        return nil
    }
}
