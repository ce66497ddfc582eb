// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import TestSupport
import Testing

@Suite("Files of requests") struct RequestFileTests {
    private let folder: TemporaryFolder
    private let line: String

    init() throws {
        folder = try TemporaryFolder()
        line = """
            {"proof": "\(String(repeating: "0", count: 256))", "public_inputs": ["1"], "amount": 1,\
             "recipient": "\(String(repeating: "0", count: 64))", "timestamp": 1}
            """
    }

    private func check(_ bytes: [UInt8]) throws -> Int? {
        let path = folder.file("requests")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try RequestFile.check(path)
    }

    private func problem(_ bytes: [UInt8]) -> String {
        do { return "\(try check(bytes) ?? -1) requests" } catch { return "\(error)" }
    }

    @Test("a file is taken whole or not at all, and the line at fault is told")
    func whole() throws {
        #expect(try check(Array("\(line)\n\n\(line)\n".utf8)) == 2)
        #expect(try check([]) == 0)
        #expect(try check(Array("\n \r\n".utf8)) == 0)
        let found = problem(Array("\(line)\n\(line)\n{\"amount\": 1,}\n\(line)".utf8))
        #expect(found.contains("requests, line 3: the line is not one JSON value: column 14: "))
        #expect(found.hasSuffix("nothing of the file is taken"))
        #expect(problem(Array("\(line)\n{}".utf8)).contains("line 2: the field proof is missing"))
        #expect(problem(Array("\(line)\n".utf8) + [0xFF]).contains("line 2: the line is not well"))
    }

    @Test("another encoding is named, whatever stands in the first line")
    func encodings() throws {
        let little: [UInt8] = "\(line)\n\(line)\n".utf8.flatMap { byte -> [UInt8] in [byte, 0] }
        #expect(problem([0xFF, 0xFE] + little).contains("UTF-16 (little-endian)"))
        #expect(problem(little).contains("UTF-16 (little-endian)"))
        #expect(problem([0xEF, 0xBB, 0xBF] + line.utf8).contains("byte order mark"))
        if Vectors.hasCase("utf16/requests-bom.jsonl") {
            let path = Vectors.casePath("utf16/requests-bom.jsonl")
            #expect(throws: NodeError.self) { try RequestFile.check(path) }
            let source = try FileLineSource(path: path)
            #expect(throws: NodeError.self) { try source.next() }
        }
    }

    @Test("what can be read only once is not read before")
    func pipes() throws {
        #expect(try RequestFile.check("-") == nil)
        #expect(try RequestFile.check("/dev/null") == nil)
        #expect(try RequestFile.check(folder.file("absent")) == nil)
        let link = folder.file("link")
        _ = try check(Array("\(line)\n".utf8))
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: folder.file("requests"))
        #expect(try RequestFile.check(link) == 1)
    }
}
