// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Groth16
import Node
import TestSupport
import Testing

@Suite("Strict JSON")
struct StrictJSONTests {
    private func problem(_ text: String, free: Set<String> = []) -> JSONProblem? {
        problem(Array(text.utf8), free: free)
    }

    private func problem(_ bytes: [UInt8], free: Set<String> = []) -> JSONProblem? {
        do throws(JSONProblem) {
            try StrictJSON.check(bytes, numbers: .whole(except: free))
            return nil
        } catch { return error }
    }

    @Test("two readers of one JSON text see two amounts: a doubled name is refused")
    func doubledNames() {
        func name(_ text: String) -> String? {
            if case .doubledName(let name, _)? = problem(text) { name } else { nil }
        }
        #expect(name(#"{"amount": 1, "amount": 2}"#) == "amount")
        #expect(name(#"{"amount": 1, "\u0061mount": 2}"#) == "amount")
        #expect(name(#"{"a": {"b": [{"c": 1, "d": 2, "c": 1}]}}"#) == "c")
        #expect(name(#"{"": 1, "": 1}"#) == "")
        #expect(name(#"{"\ud83d\ude00": 1, "😀": 1}"#) == "😀")
        // Composed and decomposed: equal to a decoder that looks names up as Swift does.
        #expect(name(#"{"\u00e9": 1, "e\u0301": 2}"#) == "é")
        #expect(name(#"{"a\/b": 1, "a/b": 1}"#) == "a/b")
        #expect(problem(#"{"a": {"a": {"a": 1}}, "A": 1}"#) == nil)
        #expect(problem(#"[{"a": 1}, {"a": 1}]"#) == nil)
    }

    @Test(
        "what is JSON passes",
        arguments: [
            "{}", "[]", " [ ] ", "0", "-1", "18446744073709551615", "true", "false", "null", #""""#,
            #"{"a":[1,2,{"b":null}],"c":"\"\\\/\b\f\n\r\t\u0000"}"#, "\r\n\t [1 , 2]\n",
            #""\u00e9\ud83d\ude00é""#, "\"\u{7f}\"",
        ])
    func good(text: String) throws {
        #expect(problem(text) == nil)
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    @Test(
        "what is not JSON does not",
        arguments: [
            "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}", "{'a':1}", "{1:1}", "01", "-", "-01", "+1", "1.", ".5", "1.e3", "1e", "1e+",
            "0x10",
            "NaN", "Infinity", "tru", "nul", "True", "[1]]", "{} {}", "1 2", "\"", "\"a",
            "\"\\x00\"",
            "\"\\u12\"", "\"\\u12g4\"", "\"a\u{0}b\"", "\"a\tb\"", "// 1", "[1/**/]", "\u{a0}1",
        ])
    func bad(text: String) {
        #expect(problem(text) != nil)
    }

    @Test("half a surrogate pair, a byte order mark, other encodings and deep nesting are named")
    func others() {
        for text in [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud800x""#] {
            #expect(
                problem(text) == .loneSurrogate(TextPlace(line: 1, column: 2)), "\(text)")
        }
        let text = Array("[1]".utf8)
        #expect(problem([0xEF, 0xBB, 0xBF] + text) == .byteOrderMark)
        #expect(problem([0x22, 0xC3, 0x22]) == .notUTF8(TextPlace(line: 1, column: 2)))
        #expect(problem(Array("{\n\"é".utf8) + [0xFF]) == .notUTF8(TextPlace(line: 2, column: 3)))
        for (name, mark, unit) in [
            ("UTF-16 (little-endian)", [0xFF, 0xFE], { [$0, 0] }),
            ("UTF-16 (big-endian)", [0xFE, 0xFF], { [0, $0] }),
            ("UTF-32 (little-endian)", [0xFF, 0xFE, 0, 0], { [$0, 0, 0, 0] }),
            ("UTF-32 (big-endian)", [0, 0, 0xFE, 0xFF], { [0, 0, 0, $0] }),
        ] as [(String, [UInt8], (UInt8) -> [UInt8])] {
            #expect(problem(mark + text.flatMap(unit)) == .encoding(name))
            #expect(problem(text.flatMap(unit)) == .encoding(name))
        }
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        #expect(problem(deep) == .tooDeep(max: 16))
        #expect(problem(String(deep.dropFirst().dropLast())) == nil)
        #expect(problem(String(repeating: "[", count: 1_000_000)) == .tooDeep(max: 16))
    }

    @Test("a number that readers round otherwise is refused, but in a note")
    func inexactNumbers() {
        for number in ["1.5", "1.0", "1e3", "1E3", "9007199254740993.0", "1e-1", "-0", "-0.0"] {
            let line = "{\"amount\": \(number)}"
            guard
                problem(line, free: ["note"])
                    == .inexactNumber(number, TextPlace(line: 1, column: 12))
            else {
                Issue.record("\(number) is taken")
                continue
            }
            #expect(problem("{\"note\": {\"a\": [\(number)]}}", free: ["note"]) == nil)
            #expect(problem("{\"a\": {\"note\": \(number)}}", free: ["note"]) != nil)
            #expect(problem("{\"note\": 1, \"b\": \(number)}", free: ["note"]) != nil)
        }
    }

    @Test("a problem is told with its line and its column, in characters")
    func places() {
        func words(_ text: String) -> String? { problem(text).map { "\($0)" } }
        #expect(words("{\n  \"é\": tru\n}") == "line 2, column 11: true is wanted")
        #expect(words("[1,\r\n2,\n]") == "line 3, column 1: a value is wanted")
        #expect(words("[1") == "line 1, column 3: it ends too early")
        #expect(
            words(#"{"a":1,"a":2}"#)
                == "line 1, column 8: the name \"a\" stands twice in one object, and readers"
                + " differ in which they take")
    }

    @Test(
        "JSONTestSuite: what must be refused is, what must be read is, and nothing traps",
        .enabled(if: Vectors.has("json"), "no JSONTestSuite"))
    func suite() throws {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Vectors.folder.appendingPathComponent("json").path
        ).filter { $0.hasSuffix(".json") }.sorted()
        #expect(names.count == 318)
        // Allowed by the grammar, and two readers see two values: refused here on purpose.
        let doubled = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]
        for name in names {
            let bytes = Array(try Vectors.data("json/\(name)"))
            let found: JSONProblem?
            do throws(JSONProblem) {
                try StrictJSON.check(bytes, numbers: .any)
                found = nil
            } catch { found = error }
            switch name.prefix(2) {
            case "n_": #expect(found != nil, "\(name)")
            case "y_" where doubled.contains(name):
                guard case .doubledName? = found else {
                    Issue.record("\(name): \(String(describing: found))")
                    continue
                }
            case "y_":
                #expect(found == nil, "\(name)")
                _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            default: break
            }
            // Where numbers must be whole, nothing else changes.
            do throws(JSONProblem) { try StrictJSON.check(bytes) } catch {
                if case .inexactNumber = error { continue }
                #expect(error == found, "\(name)")
            }
        }
    }

    @Test(
        "no line of lax JSON is a request",
        .enabled(if: Vectors.hasCase("lax-json/requests.jsonl"), "no lax-json"))
    func laxRequests() throws {
        let names = try String(
            contentsOfFile: Vectors.casePath("lax-json/names.txt"), encoding: .utf8
        )
        .split(separator: "\n")
        let data = try Data(
            contentsOf: URL(fileURLWithPath: Vectors.casePath("lax-json/requests.jsonl")))
        let lines = data.split(separator: 0x0A)
        #expect(lines.count == names.count)
        for (name, line) in zip(names, lines) {
            #expect(throws: LineProblem.self, "\(name)") {
                try NodeJSON.decode(VerificationRequest.self, line: Array(line))
            }
        }
        for (file, isGood) in [
            ("lax-json/proof-twice.json", false), ("lax-json/proof-not-utf8.json", false),
            ("lax-json/public-comma.json", false), ("utf16/public-bom.json", false),
            ("utf16/key-bom.json", false), ("utf16/key-utf8-bom.json", false),
            ("toy/proof.json", true), ("toy/key.json", true), ("toy/public.json", true),
        ] where Vectors.hasCase(file) {
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: Vectors.casePath(file))))
            #expect((problem(bytes, free: ["vk_alphabeta_12"]) == nil) == isGood, "\(file)")
        }
    }

    @Test(
        "an amount beyond 2^53 is taken as it stands",
        .enabled(if: Vectors.hasCase("amount/requests.jsonl"), "no amount"))
    func amount() throws {
        let data = try Data(
            contentsOf: URL(fileURLWithPath: Vectors.casePath("amount/requests.jsonl")))
        for line in data.split(separator: 0x0A) {
            let request = try NodeJSON.decode(VerificationRequest.self, line: Array(line))
            #expect(request.amount == 9_007_199_254_740_993)
        }
    }
}
