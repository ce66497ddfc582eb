// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Puts a module of WebAssembly together, valid or not.
///
/// Imports of functions come before functions, since both are counted in one row. Nothing is
/// checked: what is given is written. Source: WebAssembly core specification 3.0, section 5.5.
package struct WasmBuilder: Sendable {
    /// The kinds of what is imported and exported.
    package enum Kind: UInt8, Sendable {
        case function = 0
        case table = 1
        case memory = 2
        case global = 3
    }

    /// How large a memory or a table is; `flags` beyond the bound are for what must be refused.
    package struct Limits: Sendable {
        let least: UInt64
        let most: UInt64?
        let flags: UInt8

        /// In pages of 64 KiB, or elements. Flag 2 is shared memory, 4 is 64-bit addresses.
        package init(_ least: UInt64, most: UInt64? = nil, flags: UInt8 = 0) {
            self.least = least
            self.most = most
            self.flags = flags
        }

        var bytes: [UInt8] {
            [flags | (most == nil ? 0 : 1)] + LEB128.unsigned(least)
                + (most.map { LEB128.unsigned($0) } ?? [])
        }
    }

    /// The function that runs before all else.
    package var start: UInt32?

    private var types: [[UInt8]] = []
    private var typeNumbers: [[UInt8]: UInt32] = [:]
    private var imports: [[UInt8]] = []
    private var functions: [UInt32] = []
    private var tables: [[UInt8]] = []
    private var memories: [[UInt8]] = []
    private var globals: [[UInt8]] = []
    private var exports: [[UInt8]] = []
    private var elements: [[UInt8]] = []
    private var bodies: [[UInt8]] = []
    private var data: [[UInt8]] = []
    private var custom: [UInt8] = []
    private var importedFunctions: UInt32 = 0

    /// Starts empty.
    package init() {}

    /// Returns the number of a type of functions, which is added where it is new.
    package mutating func type(_ parameters: [WasmType], _ results: [WasmType]) -> UInt32 {
        let bytes =
            [0x60] + LEB128.unsigned(parameters.count) + parameters.map(\.rawValue)
            + LEB128.unsigned(results.count) + results.map(\.rawValue)
        if let known = typeNumbers[bytes] { return known }
        typeNumbers[bytes] = UInt32(types.count)
        types.append(bytes)
        return UInt32(types.count - 1)
    }

    /// Imports a function and returns its number.
    @discardableResult
    package mutating func importFunction(
        _ module: String, _ name: String, _ parameters: [WasmType], _ results: [WasmType] = []
    ) -> UInt32 {
        let type = type(parameters, results)
        importItem(module, name, .function, LEB128.unsigned(type))
        importedFunctions += 1
        return importedFunctions - 1
    }

    /// Imports anything, with its description in bytes.
    package mutating func importItem(
        _ module: String, _ name: String, _ kind: Kind, _ description: [UInt8]
    ) {
        imports.append(text(module) + text(name) + [kind.rawValue] + description)
    }

    /// Adds a function and returns its number. `end` is added to the body.
    @discardableResult
    package mutating func function(
        _ parameters: [WasmType], _ results: [WasmType], locals: [(UInt32, WasmType)] = [],
        _ body: [WasmInstruction]
    ) -> UInt32 {
        functions.append(type(parameters, results))
        let content =
            LEB128.unsigned(locals.count)
            + locals.flatMap { LEB128.unsigned($0.0) + [$0.1.rawValue] }
            + body.flatMap(\.bytes) + [0x0B]
        bodies.append(LEB128.unsigned(content.count) + content)
        return importedFunctions + UInt32(functions.count - 1)
    }

    /// Adds a table of functions.
    package mutating func table(_ limits: Limits) {
        tables.append([WasmType.function.rawValue] + limits.bytes)
    }

    /// Adds a memory.
    package mutating func memory(_ limits: Limits) { memories.append(limits.bytes) }

    /// Adds a global with its first value.
    package mutating func global(_ type: WasmType, mutable: Bool, _ value: WasmInstruction) {
        globals.append([type.rawValue, mutable ? 1 : 0] + value.bytes + [0x0B])
    }

    /// Exports an item.
    package mutating func export(_ name: String, _ kind: Kind, _ index: UInt32) {
        exports.append(text(name) + [kind.rawValue] + LEB128.unsigned(index))
    }

    /// Puts functions into table 0, from `offset` on.
    package mutating func element(at offset: Int32, _ functions: [UInt32]) {
        elements.append(
            [0x00] + WasmInstruction.i32(offset).bytes + [0x0B]
                + vector(functions.map(LEB128.unsigned)))
    }

    /// Puts bytes into memory 0.
    package mutating func data(at offset: Int32, _ bytes: [UInt8]) {
        data.append(
            [0x00] + WasmInstruction.i32(offset).bytes + [0x0B] + LEB128.unsigned(bytes.count)
                + bytes)
    }

    /// Adds a section that means nothing.
    package mutating func custom(_ name: String, _ bytes: [UInt8]) {
        custom += section(0, text(name) + bytes)
    }

    /// The module.
    package var bytes: [UInt8] {
        var all: [UInt8] = [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00]
        all += listed(1, types) + listed(2, imports)
        all += listed(3, functions.map(LEB128.unsigned))
        all += listed(4, tables) + listed(5, memories) + listed(6, globals) + listed(7, exports)
        if let start { all += section(8, LEB128.unsigned(start)) }
        all += listed(9, elements) + listed(10, bodies) + listed(11, data)
        return all + custom
    }

    private func listed(_ id: UInt8, _ items: [[UInt8]]) -> [UInt8] {
        items.isEmpty ? [] : section(id, vector(items))
    }

    private func section(_ id: UInt8, _ content: [UInt8]) -> [UInt8] {
        [id] + LEB128.unsigned(content.count) + content
    }

    private func vector(_ items: [[UInt8]]) -> [UInt8] {
        LEB128.unsigned(items.count) + items.joined()
    }

    private func text(_ text: String) -> [UInt8] { LEB128.unsigned(text.utf8.count) + text.utf8 }
}
