// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import TestSupport
import Testing

@Suite struct LineSourceTests {
    @Test func fileIsReadLineByLine() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lines")
        let long = String(repeating: "x", count: 200_000)
        try "a\n\n  \r\nb\r\n\(long)\nlast".write(toFile: path, atomically: true, encoding: .utf8)
        let source = try FileLineSource(path: path)
        var lines: [SourceLine] = []
        while let line = try source.next() { lines.append(line) }
        #expect(lines.map(\.number) == [1, 4, 5, 6])
        #expect(lines[0].bytes == Array("a".utf8))
        #expect(lines[2].bytes.count == NodeLimits.lineBytesMax + 1)
        #expect(lines[3].bytes == Array("last".utf8))
        #expect(throws: NodeError.self) { try FileLineSource(path: folder.file("absent")) }
        let directory = try FileLineSource(path: folder.path)
        #expect(throws: NodeError.self) { try directory.next() }
    }
}
