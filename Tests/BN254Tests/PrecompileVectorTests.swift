// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import TestSupport
import Testing

@Suite("Precompiles against third-party vectors", .enabled(if: Vectors.has("eip197")))
struct PrecompileVectorTests {
    struct Row: CustomStringConvertible {
        let line: Int
        let input: [UInt8]
        let result: String
        let notes: String
        var description: String { "line \(line) \(notes)" }
    }

    static func rows(_ name: String) throws -> [Row] {
        let text = String(decoding: try Vectors.data("eip197/\(name).csv"), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline).dropFirst()
        return try lines.enumerated().map { index, line in
            let fields = line.split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
            return Row(
                line: index + 2, input: try #require(bytes(hex: fields[0])),
                result: fields[1].replacing("0x", with: "").lowercased(),
                notes: fields.count == 4 ? String(fields[3]) : "")
        }
    }

    static func check(
        _ row: Row, _ run: ([UInt8]) throws(PrecompileError) -> [UInt8]
    ) throws {
        do throws(PrecompileError) {
            let result = try run(row.input)
            #expect(row.notes.isEmpty, "\(row) must fail")
            #expect(bytes(hex: row.result) == result, "\(row)")
        } catch {
            #expect(!row.notes.isEmpty, "\(row): \(error)")
            guard case .point(_, let reason) = error else {
                Issue.record("\(row): \(error)")
                return
            }
            if row.notes.contains("not in field") {
                #expect(reason == .notCanonical(.x) || reason == .notCanonical(.y))
            }
            if row.notes.contains("not on curve") { #expect(reason == .notOnCurve) }
        }
    }

    @Test("Every row of addition")
    func addition() throws {
        let rows = try Self.rows("besu_eip196_g1_add")
        #expect(rows.count == 109)
        for row in rows { try Self.check(row, EthereumPrecompiles.ecAdd) }
    }

    @Test("Every row of multiplication")
    func multiplication() throws {
        let rows = try Self.rows("besu_eip196_g1_mul")
        #expect(rows.count == 108)
        for row in rows { try Self.check(row, EthereumPrecompiles.ecMul) }
    }

    @Test("Every row of pairing")
    func pairing() throws {
        let rows = try Self.rows("besu_eip196_pairing")
        #expect(rows.count == 15)
        for row in rows {
            try Self.check(row) { (input: [UInt8]) throws(PrecompileError) -> [UInt8] in
                let holds = try EthereumPrecompiles.pairingCheck(input)
                return [UInt8](repeating: 0, count: 31) + [holds ? 1 : 0]
            }
        }
    }

    struct Failure: Decodable {
        let Name: String
        let Input: String
    }

    struct Failures: Decodable { let cases: [Failure] }

    @Test("Every derived failure, each with its error")
    func derivedFailures() throws {
        let file: Failures = try Vectors.json("eip197/derived_pairing_failures.json")
        let expected: [String: PrecompileError] = [
            "pairing_len_191": .wrongLength(actualBytes: 191),
            "g1_x_equals_p": .point(index: 0, .notCanonical(.x)),
            "g1_x_plus_p": .point(index: 0, .notCanonical(.x)),
            "g1_off_curve": .point(index: 0, .notOnCurve),
            "g2_off_curve": .point(index: 1, .notOnCurve),
            "g2_xc1_equals_p": .point(index: 1, .notCanonical(.x1)),
            "g2_on_curve_wrong_subgroup": .point(index: 1, .notInSubgroup),
            "g1_infinity_with_wrong_subgroup_g2": .point(index: 1, .notInSubgroup),
        ]
        #expect(file.cases.count == 8)
        for item in file.cases {
            let input = try #require(bytes(hex: item.Input))
            let error = #expect(throws: PrecompileError.self, "\(item.Name)") {
                try EthereumPrecompiles.pairingCheck(input)
            }
            #expect(error == expected[item.Name], "\(item.Name)")
        }
    }
}
