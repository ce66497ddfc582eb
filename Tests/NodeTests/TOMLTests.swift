// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import TestSupport
import Testing

/// The files of a folder of toml-test, without their endings.
private func cases(_ folder: String) -> [String] {
    let root = Vectors.folder.appendingPathComponent("toml/\(folder)").path
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }.sorted()
}

private func problem(_ text: [UInt8]) -> TOMLProblem? {
    do throws(TOMLProblem) {
        _ = try TOMLReader.read(text)
        return nil
    } catch { return error }
}

private func value(_ text: String) throws -> TOMLValue? {
    try TOMLReader.read(Array("a = \(text)".utf8))["a"]
}

@Suite("TOML 1.0")
struct TOMLTests {
    @Test(
        "toml-test: all that is invalid is refused, with a place in the text",
        .enabled(if: Vectors.has("toml"), "no toml-test"))
    func invalid() throws {
        let names = cases("invalid")
        #expect(names.count == 499)
        for name in names {
            let text = Array(try Vectors.data("toml/invalid/\(name).toml"))
            guard let found = problem(text) else {
                Issue.record("\(name) is read")
                continue
            }
            let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
            #expect((1...lines.count).contains(found.place.line), "\(name): \(found)")
            #expect(!found.words.isEmpty)
        }
    }

    @Test(
        "toml-test: all that is valid is read as it is meant",
        .enabled(if: Vectors.has("toml"), "no toml-test"))
    func valid() throws {
        let names = cases("valid")
        #expect(names.count == 210)
        for name in names {
            let text = Array(try Vectors.data("toml/valid/\(name).toml"))
            let read: [String: TOMLValue]
            do throws(TOMLProblem) {
                read = try TOMLReader.read(text)
            } catch {
                Issue.record("\(name): \(error)")
                continue
            }
            let wanted = try JSONSerialization.jsonObject(
                with: Vectors.data("toml/valid/\(name).json"))
            expect(.table(read), wanted, name)
        }
    }

    /// Compares with the form of toml-test: `{"type": …, "value": …}` for what is no container.
    private func expect(_ found: TOMLValue, _ wanted: Any, _ name: String) {
        switch found {
        case .table(let table):
            let fields = wanted as? [String: Any] ?? [:]
            #expect(Set(table.keys) == Set(fields.keys), "\(name)")
            for (key, value) in table { expect(value, fields[key] ?? 0, "\(name), \(key)") }
        case .array(let elements):
            let others = wanted as? [Any] ?? []
            #expect(elements.count == others.count, "\(name)")
            for (element, other) in zip(elements, others) { expect(element, other, name) }
        default:
            let tagged = wanted as? [String: String] ?? [:]
            let (type, text) = (tagged["type"] ?? "", tagged["value"] ?? "")
            #expect(isEqual(found, type, text), "\(name): \(found), not \(type) \(text)")
        }
    }

    private func isEqual(_ found: TOMLValue, _ type: String, _ text: String) -> Bool {
        switch found {
        case .text(let value): type == "string" && value == text
        case .integer(let value): type == "integer" && "\(value)" == text
        case .bool(let value): type == "bool" && "\(value)" == text
        case .decimal(let value):
            type == "float"
                && (Double(value).map { $0.isNaN } == Double(text).map { $0.isNaN })
                && (text.hasSuffix("nan") || Double(value) == Double(text))
        case .time(let kind, let value):
            [
                "datetime": "offsetDateTime", "datetime-local": "localDateTime",
                "date-local": "localDate", "time-local": "localTime",
            ][type] == kind.rawValue && plain(value) == plain(text)
        case .array, .table: false
        }
    }

    /// A time as one writes it who may choose.
    private func plain(_ time: String) -> String {
        var text = time.uppercased().replacingOccurrences(of: " ", with: "T")
        text = text.replacingOccurrences(of: "+00:00", with: "Z")
        while let zero = text.range(of: #"\.[0-9]*0(?![0-9])"#, options: .regularExpression) {
            text.remove(at: text.index(before: zero.upperBound))
        }
        return text.replacingOccurrences(of: #"\.(?![0-9])"#, with: "", options: .regularExpression)
    }

    @Test("what is wrong is told with its line and column, in characters")
    func places() {
        func told(_ text: String) -> String? {
            problem(Array(text.utf8)).map { "\($0.place): \($0.words)" }
        }
        #expect(told("é") == "line 1, column 1: a name is wanted here")
        #expect(told("a = \"é\" b") == "line 1, column 9: the end of the line is wanted here")
        #expect(
            told("a = 1\r\n[b]\na = 1\nb = 07")
                == "line 4, column 5: 07 is no whole number of TOML: from -2^63 to 2^63 - 1,"
                + " without leading zeros, single underscores between digits")
        #expect(told("[a]\n[a]") == "line 2, column 1: \"a\" stands here a second time")
        #expect(told("a.b = 1\n[a]") == "line 2, column 1: \"a\" stands here a second time")
        #expect(told("a = yes")?.contains("yes is no value of TOML") == true)
    }

    @Test("levels are bounded, of lists, of tables, of keys and of all together")
    func depth() throws {
        func nested(_ count: Int) -> [UInt8] {
            Array(
                ("a = " + String(repeating: "[", count: count)
                    + String(repeating: "]", count: count)).utf8)
        }
        let most = TOMLReader.depthMax - 1
        #expect(problem(nested(most)) == nil)
        #expect(problem(nested(most + 1)) != nil)
        #expect(problem(nested(1_000_000)) != nil)
        func titled(_ count: Int) -> [UInt8] {
            Array(("[" + String(repeating: "a.", count: count - 1) + "a]").utf8)
        }
        #expect(problem(titled(TOMLReader.depthMax)) == nil)
        #expect(problem(titled(TOMLReader.depthMax + 1)) != nil)
        for unit in ["a.", "a = {", "[[", "a = [{"] {
            let text = String(repeating: unit, count: 200_000) + "a = 1"
            #expect(problem(Array(text.utf8)) != nil, "\(unit)")
        }
        let header = "[" + String(repeating: "a.", count: 40) + "a]\n"
        let key = String(repeating: "b.", count: 40) + "b = 1"
        #expect(problem(Array((header + "b = 1").utf8)) == nil)
        #expect(problem(Array((header + key).utf8)) != nil)
    }

    @Test("random damage to a text never ends the process")
    func damage() throws {
        let names = cases("valid")
        try #require(!names.isEmpty || !Vectors.has("toml"))
        var random = SplitMix64(seed: 5)
        let marks = Array("[]{}=\"'.#\n\r\\,_-+:0x1eE \tTZ\u{0}é".utf8)
        for name in names {
            let whole = Array(try Vectors.data("toml/valid/\(name).toml"))
            for _ in 0..<20 where !whole.isEmpty {
                var bytes = whole
                for _ in 0...Int(random.next() % 3) {
                    bytes[Int(random.next() % UInt64(bytes.count))] =
                        marks[Int(random.next() % UInt64(marks.count))]
                }
                _ = problem(bytes)
            }
        }
    }

    @Test(
        "a decimal number is taken as it is written",
        arguments: [
            ("1e-1", "0.1"), ("1E+1", "10"), ("0.70", "0.7"), ("+7.0", "7"), ("-0.5e1", "-5"),
            ("1_0.2_5", "10.25"), ("12.5e-3", "0.0125"), ("0.123456789012345678901", nil),
            ("1e40", "1" + String(repeating: "0", count: 40)), ("1e41", "1e41"), ("inf", "inf"),
            ("0.0", "0"), ("1e99999999999999999999", "1e99999999999999999999"),
        ])
    func decimals(text: String, plain: String?) throws {
        guard case .decimal(let written)? = try value(text) else {
            Issue.record("\(text) is no decimal")
            return
        }
        #expect(Decimals.plain(written) == plain ?? text)
    }
}
