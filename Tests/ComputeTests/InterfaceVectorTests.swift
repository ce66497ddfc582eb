// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

/// A case of the file `wasm/paraloom_job_abi_cases.json`.
struct InterfaceCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Repeated: Decodable, Sendable {
        let byte: String
        let count: Int

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            byte = try container.decode(String.self)
            count = try container.decode(Int.self)
        }
    }

    struct Result: Decodable, Sendable {
        let status: String
        let output_len: Int?
        let output_sha256: String?
        let fuel_used_wasmtime_50: UInt64?
    }

    struct File: Decodable {
        let cases: [InterfaceCase]
    }

    let name: String
    let wasm_hex: String
    let input_hex: String?
    let input_repeat: Repeated?
    let max_memory_bytes: UInt64
    let fuel: UInt64
    let result: Result

    var testDescription: String { name }

    static let path = "wasm/paraloom_job_abi_cases.json"

    static let all: [InterfaceCase] = {
        do { return try Vectors.json(path, as: File.self).cases } catch { return [] }
    }()

    /// The input, from its digits or its one byte.
    func input() throws -> [UInt8] {
        if let repeated = input_repeat {
            let byte = try #require([UInt8](hex: repeated.byte)?.first)
            return Array(repeating: byte, count: repeated.count)
        }
        return try #require([UInt8](hex: input_hex ?? ""))
    }

    /// What a failure is called here, for cases that state one.
    var failure: JobStatus? {
        switch name {
        case "test_wasm_instruction_limit", "test_wasm_timeout_enforcement":
            JobStatus(.fuelExhausted)
        case "no_memory_export": JobStatus(.memoryMissing)
        case "no_execute": JobStatus(.executeMissing)
        case "wrong_sig": JobStatus(.wrongType)
        case "unreachable": JobStatus(.trap, code: JobTrap.unreachable.rawValue)
        case "unknown_import": JobStatus(.unknownImport)
        case "input_bigger_than_memory": JobStatus(.inputTooLarge)
        case "invalid_bytecode": JobStatus(.malformed)
        default: nil
        }
    }
}

@Suite("the interface of a module, by the cases of a third party", .enabled(if: Engine.isHere))
struct InterfaceVectorTests {
    @Test("each ends with the stated status and output", arguments: InterfaceCase.all)
    func cases(_ item: InterfaceCase) throws {
        let runner = Engine.runner(jobsAtOnce: 1)
        defer { runner.stop() }
        let outcome = runner.run(
            Engine.job(
                try #require([UInt8](hex: item.wasm_hex)), input: try item.input(),
                fuel: item.fuel, memoryBytes: item.max_memory_bytes), within: 20_000)
        if item.result.status == "Completed" {
            #expect(outcome.status == JobStatus(.success), "\(outcome.detail ?? "")")
            #expect(outcome.output.count == item.result.output_len)
            #expect(outcome.outputHash.hex == item.result.output_sha256)
            #expect(outcome.fuel == item.result.fuel_used_wasmtime_50)
        } else {
            #expect(outcome.status == item.failure, "\(outcome)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.outputHash == .zero)
        }
    }

    @Test("the file is there, with all its cases", .enabled(if: Vectors.has(InterfaceCase.path)))
    func count() {
        #expect(InterfaceCase.all.count == 19)
    }
}
