// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// How a module takes its input and gives its output.
///
/// Version 1 exports `memory` and `execute(i32 pointer, i32 length) -> i32 pointer`: the input is
/// written at 0, and the output has no length, so that it is what follows the pointer. Version 2
/// exports `memory`, `allocate(i32 length) -> i32 pointer`, and
/// `execute(i32 pointer, i32 length) -> i64`, length in the upper half and pointer in the lower.
/// The one import is `env.log`, of a number (i32) or of a text (i32 pointer, i32 length).
package enum ModuleInterface: UInt8, Sendable {
    case version1 = 1
    case version2 = 2
}

/// A module that cannot run, and what a person should know of it.
struct ModuleRefusal: Error, Equatable, Sendable {
    var reason: InvalidModule
    var detail: String

    init(_ reason: InvalidModule, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    init(_ error: OutlineError) {
        switch error {
        case .malformed(let offset):
            self.init(.malformed, "the module is not WebAssembly from byte \(offset) on")
        case .tooComplex(let what, let count, let max):
            self.init(.tooComplex, "\(count) \(what), above \(max)")
        }
    }
}

/// What an import of the log takes.
enum LogImport: Sendable {
    case number
    case text
}

extension ModuleOutline {
    /// Why the interface admits no such module, in words; nil where it does.
    package var problem: String? {
        do throws(ModuleRefusal) {
            _ = try interface()
            return nil
        } catch {
            return error.detail
        }
    }

    /// Why bytes are no module that can run, in words; nil where they may be one. Whether its code
    /// is sound is for the engine to say.
    package static func problem(of bytes: [UInt8]) -> String? {
        do throws(OutlineError) { return try ModuleOutline(bytes).problem } catch {
            return ModuleRefusal(error).detail
        }
    }

    /// Returns the interface and what each import takes, in order.
    ///
    /// Checks, in order: imports, `memory`, `execute`, `allocate`, tables.
    func interface() throws(ModuleRefusal) -> (ModuleInterface, [LogImport]) {
        var logs: [LogImport] = []
        for item in imports { logs.append(try Self.log(item)) }
        switch exports["memory"] {
        case nil: throw ModuleRefusal(.memoryMissing, "it exports no memory")
        case .memory: break
        default: throw ModuleRefusal(.wrongType, "its export memory is no memory")
        }
        guard let execute = exports["execute"] else {
            throw ModuleRefusal(.executeMissing, "it exports no function execute")
        }
        let interface: ModuleInterface
        let taking = [Self.i32, Self.i32]
        switch execute {
        case .function(FunctionType(parameters: taking, results: [Self.i32])):
            interface = .version1
        case .function(FunctionType(parameters: taking, results: [Self.i64])):
            interface = .version2
            try checkAllocate()
        default:
            throw ModuleRefusal(
                .wrongType, "execute is neither (i32, i32) -> i32 nor (i32, i32) -> i64")
        }
        if let size = tables.first(where: { $0 > EngineLimits.tableElementsMax }) {
            throw ModuleRefusal(
                .tableTooLarge,
                "a table of \(size) elements, above \(EngineLimits.tableElementsMax)")
        }
        return (interface, logs)
    }

    private func checkAllocate() throws(ModuleRefusal) {
        switch exports["allocate"] {
        case nil: throw ModuleRefusal(.allocateMissing, "it exports no function allocate")
        case .function(FunctionType(parameters: [Self.i32], results: [Self.i32])): break
        default: throw ModuleRefusal(.wrongType, "allocate is not (i32) -> i32")
        }
    }

    private static func log(_ item: Import) throws(ModuleRefusal) -> LogImport {
        guard item.module == "env", item.name == "log" else {
            throw ModuleRefusal(
                .unknownImport, "it imports \(item.module).\(item.name), and there is only env.log")
        }
        switch item.kind {
        case .function(FunctionType(parameters: [i32], results: [])): return .number
        case .function(FunctionType(parameters: [i32, i32], results: [])): return .text
        default:
            throw ModuleRefusal(.wrongType, "env.log takes (i32) or (i32, i32) and gives nothing")
        }
    }
}
