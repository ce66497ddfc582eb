// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import Testing

@Suite("Numbers that readers of JSON round") struct ExactNumbersTests {
    private func quoted(_ text: String) -> String {
        String(decoding: ExactNumbers.quoted(Array(text.utf8)), as: UTF8.self)
    }

    @Test(
        "a whole number above 2^53 - 1 becomes text, and nothing else does",
        arguments: [
            ("9007199254740991", false), ("9007199254740992", true), ("9007199254740993", true),
            ("18446744073709551615", true), ("-9007199254740993", true),
            ("1000000000000000", false),
            ("0", false), ("1e300", false), ("12345678901234567.5", false),
            ("1.2345678901234567e+20", false), ("true", false), ("null", false),
        ])
    func quotes(text: String, isText: Bool) {
        let wanted = isText ? "\"\(text)\"" : text
        for (before, after) in [("", ""), ("{\"a\":", "}"), ("[1,", ",2]"), ("[ ", " ]")] {
            #expect(quoted(before + text + after) == before + wanted + after)
        }
        #expect(quoted("\"\(text)\"") == "\"\(text)\"")
        #expect(quoted("\"\\\"\(text)\\\\\"") == "\"\\\"\(text)\\\\\"")
    }

    @Test("what was written is read back as it was, in the fields that are named")
    func roundTrip() throws {
        let text = """
            {"amount":9007199254740993,"stake" : 18446744073709551615,"name":"9007199254740993",
             "list":[{"amount":9007199254740993},"amount",9007199254740993],"a\\"mount":1,
             "amount":7}
            """
        let read = ExactNumbers.unquoted(Array(quoted(text).utf8), in: ["amount", "stake"])
        let wanted = text.replacingOccurrences(
            of: ",9007199254740993]", with: ",\"9007199254740993\"]")
        #expect(String(decoding: read, as: UTF8.self) == wanted)
        for cut in 0..<text.utf8.count {
            _ = ExactNumbers.unquoted(Array(text.utf8.prefix(cut)), in: ["amount"])
        }
    }

    @Test("an amount is printed so that every reader has it, and read back")
    func amounts() throws {
        struct Row: Codable { var amount: UInt64 }
        let line = try NodeJSON.encode(Row(amount: 9_007_199_254_740_993))
        #expect(line == "{\"amount\":\"9007199254740993\"}")
        #expect(try NodeJSON.encode(Row(amount: 1200)) == "{\"amount\":1200}")
    }
}
