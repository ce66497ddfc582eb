// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a module imports, exports and contains, read in one bounded pass before it is compiled.
///
/// The engine validates; this only counts and looks up, so that a module which would take long or
/// much to compile is refused, with the same reason everywhere. Source: core specification 2.0,
/// section 5.5.
package struct ModuleOutline: Sendable {
    struct FunctionType: Equatable, Sendable {
        var parameters: [UInt8]
        var results: [UInt8]
    }

    enum Kind: Equatable, Sendable {
        case function(FunctionType)
        case memory
        /// A table, a global, a tag, or a function whose type is not there.
        case other
    }

    struct Import: Equatable, Sendable {
        var module: String
        var name: String
        var kind: Kind
    }

    static let i32: UInt8 = 0x7F
    static let i64: UInt8 = 0x7E

    private(set) var imports: [Import] = []
    private(set) var exports: [String: Kind] = [:]
    /// Elements of each table at the start.
    private(set) var tables: [UInt64] = []
    /// Pages of 64 KiB of the memory at the start; nil without one of its own.
    private(set) var memoryPages: UInt64?

    private var types: [FunctionType] = []
    /// The type of each function, imported ones first.
    private var functions: [Int] = []
    private var locals: UInt64 = 0

    /// Reads a module: any bytes.
    package init(_ bytes: [UInt8]) throws(OutlineError) {
        var reader = ModuleReader(bytes)
        for expected: UInt8 in [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00] {
            let start = reader.offset
            guard try reader.byte() == expected else { throw .malformed(offset: start) }
        }
        var exported: [(name: String, kind: UInt8, index: UInt64)] = []
        while !reader.isAtEnd {
            let id = try reader.byte()
            var section = try reader.part(of: try reader.number())
            switch id {
            case 1: try readTypes(&section)
            case 2: try readImports(&section)
            case 3: try readFunctions(&section)
            case 4: try readTables(&section)
            case 5: try readMemories(&section)
            case 6: _ = try section.count(of: "globals")
            case 7: exported = try Self.readExports(&section)
            case 9: _ = try section.count(of: "element segments")
            case 10: try readCode(&section)
            case 11: _ = try section.count(of: "data segments")
            default: break
            }
        }
        for export in exported {
            exports[export.name] =
                switch export.kind {
                case 0: function(export.index)
                case 2: .memory
                default: .other
                }
        }
    }

    private func function(_ index: UInt64) -> Kind {
        guard let place = Int(exactly: index), functions.indices.contains(place),
            types.indices.contains(functions[place])
        else { return .other }
        return .function(types[functions[place]])
    }

    private mutating func readTypes(_ section: inout ModuleReader) throws(OutlineError) {
        for _ in 0..<(try section.count(of: "types")) {
            let start = section.offset
            guard try section.byte() == 0x60 else { throw .malformed(offset: start) }
            types.append(
                FunctionType(
                    parameters: try section.valueTypes(), results: try section.valueTypes()))
        }
    }

    private mutating func readImports(_ section: inout ModuleReader) throws(OutlineError) {
        for _ in 0..<(try section.count(of: "imports")) {
            let module = try section.name()
            let name = try section.name()
            let start = section.offset
            var kind = Kind.other
            switch try section.byte() {
            case 0:
                let type = Int(try section.number())
                functions.append(type)
                if types.indices.contains(type) { kind = .function(types[type]) }
            case 1:
                _ = try section.byte()
                _ = try section.lowerLimit()
            case 2:
                _ = try section.lowerLimit()
                kind = .memory
            case 3, 4:
                _ = try section.byte()
                _ = try section.number()
            default: throw .malformed(offset: start)
            }
            imports.append(Import(module: module, name: name, kind: kind))
        }
    }

    private mutating func readFunctions(_ section: inout ModuleReader) throws(OutlineError) {
        for _ in 0..<(try section.count(of: "functions")) {
            functions.append(Int(try section.number()))
        }
    }

    private mutating func readTables(_ section: inout ModuleReader) throws(OutlineError) {
        for _ in 0..<(try section.count(of: "tables", max: EngineLimits.tablesMax)) {
            _ = try section.byte()
            tables.append(try section.lowerLimit())
        }
    }

    private mutating func readMemories(_ section: inout ModuleReader) throws(OutlineError) {
        // Several are refused by the engine, which admits one.
        for _ in 0..<(try section.count(of: "memories")) {
            memoryPages = try section.lowerLimit()
        }
    }

    private static func readExports(
        _ section: inout ModuleReader
    ) throws(OutlineError) -> [(name: String, kind: UInt8, index: UInt64)] {
        var exports: [(name: String, kind: UInt8, index: UInt64)] = []
        for _ in 0..<(try section.count(of: "exports")) {
            exports.append((try section.name(), try section.byte(), try section.number()))
        }
        return exports
    }

    private mutating func readCode(_ section: inout ModuleReader) throws(OutlineError) {
        for _ in 0..<(try section.count(of: "function bodies")) {
            var body = try section.part(of: try section.number())
            for _ in 0..<(try body.count(of: "groups of locals")) {
                locals += try body.number()
                _ = try body.byte()
                guard locals <= EngineLimits.localsMax else {
                    throw .tooComplex(
                        what: "locals", count: locals, max: UInt64(EngineLimits.localsMax))
                }
            }
        }
    }
}
