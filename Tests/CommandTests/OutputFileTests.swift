// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import recount

/// Where commands write what they are told to: one way for all.
@Suite(.enabled(if: samplesAreThere, "no samples"))
struct OutputFileTests {
    /// Commands that write a file; HOME is a ledger, FILE what is written.
    private static let writing = [
        "report HOME --html FILE", "chart reputation HOME --svg FILE",
        "chart leaders HOME --svg FILE", "why leader:3 HOME --svg FILE",
        "govern propose HOME leave validator=validator-2 --out FILE",
        "job run SAMPLES/modules/reverse.wasm --input SAMPLES/README.md --out FILE",
    ]

    private func run(_ line: String, _ file: String, _ more: String...) throws -> CommandResult {
        let home = try Journey.shared.get().home
        let words = line.split(separator: " ").map { word in
            word.replacingOccurrences(of: "HOME", with: home)
                .replacingOccurrences(of: "SAMPLES", with: samplesFolder)
                .replacingOccurrences(of: "FILE", with: file)
        }
        return try Command.run(words + more)
    }

    private func contents(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test(arguments: writing)
    func `a file that is there stays, unless it is to be replaced`(_ line: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Array("mine".utf8), "file")
        let refused = try run(line, file)
        // Where no engine runs jobs there is nothing to write.
        try #require(refused.status == 2, "\(refused.errors)")
        #expect(refused.errors.contains("is there already and is left as it is; --force"))
        #expect(try contents(file) == "mine")
        let made = try run(line, file, "--force")
        guard made.status == 0 else { return #expect(line.hasPrefix("job run")) }
        #expect(try contents(file) != "mine")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
    }

    @Test(arguments: writing)
    func `a link, a device and a folder are not replaced`(_ line: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Array("mine".utf8), "file")
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        for (path, words) in [
            (link, "is a link"), ("/dev/null", "is a device"), (folder.path, "is a folder"),
        ] {
            let result = try run(line, path)
            #expect(result.status == 2)
            #expect(result.errors.contains(words), "\(result.errors)")
        }
        #expect(try contents(file) == "mine")
    }

    @Test(arguments: writing)
    func `a hyphen is standard output, and nothing else is on it`(_ line: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/file"
        guard try run(line, file).status == 0 else { return #expect(line.hasPrefix("job run")) }
        let printed = try run(line, "-")
        #expect(printed.status == 0)
        #expect(printed.output == (try contents(file)), "\(line)")
    }

    @Test func `a certificate has a name of its own, and is made once`() throws {
        let home = try Journey.shared.get().home
        let folder = try TemporaryFolder()
        let entry = try #require(
            try Command.run("requests", home, "--outcome", "approved", "--json").objects().first?[
                "entry"] as? Int)
        let out = folder.path + "/one.rcct"
        let made = try Command.run("prove", "request", home, "\(entry)", "--out", out)
        guard made.status == 0 else { return #expect(made.errors.contains("checkpoint")) }
        let again = try Command.run("prove", "request", home, "\(entry)", "--out", out)
        #expect(again.status == 2 && again.errors.contains("--force"))
    }
}

/// Rows for spreadsheets.
@Suite(.enabled(if: samplesAreThere, "no samples"))
struct CSVTests {
    /// Commands that print rows, and whether their JSON is rows too; HOME is a ledger.
    private static let tables = [
        ("requests HOME", true), ("validators HOME", true), ("log HOME --last 300", true),
        ("job list HOME", true), ("leaders HOME", false), ("disagreements HOME", false),
        ("disagreements HOME --by pair", false), ("disagreements HOME --by validator", false),
        ("show reputation HOME 8 --limit 0", false),
    ]

    /// The records of a table of RFC 4180.
    private func records(_ text: String) -> [[String]] {
        var records: [[String]] = []
        var (cells, cell, isQuoted) = ([String](), "", false)
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                cells.append(cell)
                cell = ""
            case "\r\n" where !isQuoted:
                records.append(cells + [cell])
                (cells, cell) = ([], "")
            default: cell.append(character)
            }
        }
        return cell.isEmpty && cells.isEmpty ? records : records + [["no end of line"]]
    }

    @Test(arguments: tables)
    func `a table has the names and the rows of JSON`(_ line: String, _ isRows: Bool) throws {
        let home = try Journey.shared.get().home
        let words = line.split(separator: " ").map { $0 == "HOME" ? home : String($0) }
        let result = try Command.run(words + ["--csv"])
        #expect(result.status != 2, "\(result.errors)")
        let records = records(result.output)
        let head = try #require(records.first)
        #expect(Set(head).count == head.count)
        #expect(records.allSatisfy { $0.count == head.count })
        #expect(try Command.run(words + ["--csv", "--json"]).status == 2)
        guard isRows else { return #expect(records.count > 1, "\(line)") }
        let objects = try Command.run(words + ["--json"]).lines.map { try JSONValue(parsing: $0) }
        #expect(records.count == objects.count + 1)
        for (record, object) in zip(records.dropFirst(), objects) {
            #expect(Set(object.members.keys).isSubset(of: head))
            for (name, cell) in zip(head, record) {
                switch object.members[name] {
                case nil: #expect(cell.isEmpty)
                case .integer(let value): #expect(cell == "\(value)")
                case .string(let text): #expect(cell == text)
                case .bool(let value): #expect(cell == "\(value)")
                default: #expect(cell.hasPrefix("{") || cell.hasPrefix("["))
                }
            }
        }
    }

    @Test(arguments: [
        (CSVCell.text("plain"), "plain"), (.text("a,b"), #""a,b""#), (.text(#"a"b"#), #""a""b""#),
        (.text("=1+1"), "'=1+1"), (.text("@x"), "'@x"), (.text("+1"), "'+1"), (.text("-a"), "'-a"),
        (.text(#"=a,"b""#), #""'=a,""b""""#), (.whole(-3), "-3"), (.none, ""),
        (.truth(true), "true"), (.text("a\u{1B}b"), #"a\u{1B}b"#), (.json("[1,2]"), #""[1,2]""#),
    ])
    func `a cell is quoted where it must be, and is no formula`(_ cell: CSVCell, _ text: String) {
        #expect(cell.quoted == text)
    }
}
