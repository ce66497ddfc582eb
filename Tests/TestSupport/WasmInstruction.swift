// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An instruction of WebAssembly in its binary form, or several.
///
/// Source: WebAssembly core specification 3.0, section 5.4.
package struct WasmInstruction: Sendable {
    /// The bytes.
    package let bytes: [UInt8]

    /// Takes bytes as they are: an opcode and what belongs to it.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    private init(_ opcode: UInt8, _ index: UInt32) { bytes = [opcode] + LEB128.unsigned(index) }

    private init(_ prefix: UInt8, _ opcode: UInt32, _ rest: [UInt8]) {
        bytes = [prefix] + LEB128.unsigned(opcode) + rest
    }

    /// Instructions given as bytes, for what has no name here.
    package static func raw(_ bytes: UInt8...) -> Self { Self(bytes) }

    // MARK: - Control

    package static let unreachable = Self([0x00])
    package static let drop = Self([0x1A])
    package static let end = Self([0x0B])

    /// A block without values.
    package static func block(_ body: [Self]) -> Self { Self(0x02, 0x40, body) }
    /// A loop without values; `br(0)` in it starts it again.
    package static func loop(_ body: [Self]) -> Self { Self(0x03, 0x40, body) }
    /// Runs `body` unless the number on the stack is 0.
    package static func ifTrue(_ body: [Self]) -> Self { Self(0x04, 0x40, body) }

    private init(_ opcode: UInt8, _ type: UInt8, _ body: [Self]) {
        bytes = [opcode, type] + body.flatMap(\.bytes) + [0x0B]
    }

    package static func br(_ depth: UInt32) -> Self { Self(0x0C, depth) }
    package static func brIf(_ depth: UInt32) -> Self { Self(0x0D, depth) }
    /// Branches to one of `depths`, or to `otherwise`.
    package static func brTable(_ depths: [UInt32], otherwise: UInt32) -> Self {
        Self(
            [0x0E] + LEB128.unsigned(depths.count) + depths.flatMap { LEB128.unsigned($0) }
                + LEB128.unsigned(otherwise))
    }
    package static func call(_ function: UInt32) -> Self { Self(0x10, function) }
    package static func returnCall(_ function: UInt32) -> Self { Self(0x12, function) }
    /// Calls the function in element `i` of table 0, whose type is `type`.
    package static func callIndirect(_ type: UInt32) -> Self {
        Self([0x11] + LEB128.unsigned(type) + [0x00])
    }

    // MARK: - Variables and constants

    package static func get(_ local: UInt32) -> Self { Self(0x20, local) }
    package static func set(_ local: UInt32) -> Self { Self(0x21, local) }
    package static func tee(_ local: UInt32) -> Self { Self(0x22, local) }
    package static func i32(_ value: Int32) -> Self { Self([0x41] + LEB128.signed(Int64(value))) }
    package static func i64(_ value: Int64) -> Self { Self([0x42] + LEB128.signed(value)) }
    /// What a module of interface 2 returns: a length and a pointer.
    package static func output(pointer: UInt32, count: UInt32) -> Self {
        .i64(Int64(bitPattern: UInt64(count) << 32 | UInt64(pointer)))
    }

    // MARK: - Memory 0 and table 0

    package static func load(_ type: WasmType, at offset: UInt32 = 0) -> Self {
        switch type {
        case .i32: Self([0x28, 0] + LEB128.unsigned(offset))
        case .i64: Self([0x29, 0] + LEB128.unsigned(offset))
        case .f32: Self([0x2A, 0] + LEB128.unsigned(offset))
        case .f64: Self([0x2B, 0] + LEB128.unsigned(offset))
        case .v128: Self(0xFD, 0x00, [0] + LEB128.unsigned(offset))
        case .function, .external: fatalError("\(type) has no bytes")
        }
    }
    package static func store(_ type: WasmType, at offset: UInt32 = 0) -> Self {
        switch type {
        case .i32: Self([0x36, 0] + LEB128.unsigned(offset))
        case .i64: Self([0x37, 0] + LEB128.unsigned(offset))
        case .f32: Self([0x38, 0] + LEB128.unsigned(offset))
        case .f64: Self([0x39, 0] + LEB128.unsigned(offset))
        case .v128: Self(0xFD, 0x0B, [0] + LEB128.unsigned(offset))
        case .function, .external: fatalError("\(type) has no bytes")
        }
    }
    package static let memorySize = Self([0x3F, 0])
    package static let memoryGrow = Self([0x40, 0])
    /// Takes a place, a byte and a length.
    package static let memoryFill = Self([0xFC, 0x0B, 0])
    /// Takes two places and a length.
    package static let memoryCopy = Self([0xFC, 0x0A, 0, 0])
    package static let nullFunction = Self([0xD0, 0x70])
    /// Takes a reference and a number of elements; gives the size before, or -1.
    package static let tableGrow = Self([0xFC, 0x0F, 0])
    package static let tableSize = Self([0xFC, 0x10, 0])
    /// Takes a place, a reference and a number of elements.
    package static let tableFill = Self([0xFC, 0x11, 0])

    // MARK: - Integers

    package static let i32IsZero = Self([0x45])
    package static let i32IsEqual = Self([0x46])
    package static let i32Add = Self([0x6A])
    package static let i32Subtract = Self([0x6B])
    package static let i32Multiply = Self([0x6C])
    package static let i32Divide = Self([0x6D])
    package static let i64Add = Self([0x7C])
    package static let i64Or = Self([0x84])
    package static let i64ShiftLeft = Self([0x86])
    package static let i64FromUnsigned = Self([0xAD])

    // MARK: - Vectors

    /// An instruction of the vector extension, by its number.
    package static func simd(_ opcode: UInt32) -> Self { Self(0xFD, opcode, []) }
    /// An atomic instruction on memory 0, by its number, with the alignment 2^`alignment`.
    package static func atomic(_ opcode: UInt32, alignment: UInt8) -> Self {
        Self(0xFE, opcode, [alignment, 0])
    }
}

/// A type of value.
package enum WasmType: UInt8, Sendable {
    case i32 = 0x7F
    case i64 = 0x7E
    case f32 = 0x7D
    case f64 = 0x7C
    case v128 = 0x7B
    /// A reference to a function, or none.
    case function = 0x70
    /// A reference to something of the host, or none.
    case external = 0x6F
}

/// Integers of any size, seven bits a byte. Source: the same specification, section 5.2.2.
package enum LEB128 {
    /// Returns the shortest form of a number that is not negative.
    package static func unsigned(_ value: some BinaryInteger) -> [UInt8] {
        var rest = UInt64(value)
        var bytes: [UInt8] = []
        repeat {
            let low = UInt8(rest & 0x7F)
            rest >>= 7
            bytes.append(rest == 0 ? low : low | 0x80)
        } while rest != 0
        return bytes
    }

    /// Returns the shortest form in two's complement.
    package static func signed(_ value: Int64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while true {
            let low = UInt8(truncatingIfNeeded: rest & 0x7F)
            rest >>= 7
            let isNegative = low & 0x40 != 0
            if rest == (isNegative ? -1 : 0) { return bytes + [low] }
            bytes.append(low | 0x80)
        }
    }
}
