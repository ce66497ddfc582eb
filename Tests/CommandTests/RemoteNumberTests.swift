// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Numbers in what a node answers, of which two readers could make two.
@Suite(
    .enabled(
        if: samplesAreThere && FileManager.default.isExecutableFile(atPath: LyingNode.python),
        "no samples at \(samplesFolder), or no \(LyingNode.python)"))
struct RemoteNumberTests {
    @Test func `an amount beyond 2^53 is text on the way, and whole on both sides`() throws {
        let node = try AnsweringNode()
        try node.decide(1)
        let page = String(decoding: try node.get("/requests?limit=1"), as: UTF8.self)
        let amount = try #require(page.firstMatch(of: #/"amount":([0-9]+)/#)).output.0
        func requests(_ field: String) throws -> CommandResult {
            let body = page.replacingOccurrences(of: amount, with: field)
            let other = try LyingNode(node, [.init(path: "/requests", body: body)])
            return try Command.run("requests", "--node", other.url, "--limit", "1", "--json")
        }
        for number in ["9007199254740992", "9007199254740993", "18446744073709551615"] {
            let whole = #""amount":"\#(number)""#
            // An older node writes a number.
            for field in [whole, #""amount":\#(number)"#] {
                let result = try requests(field)
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output.contains(whole), "\(result.output)")
            }
        }
        let small = try requests(#""amount":9007199254740991"#)
        #expect(small.output.contains(#""amount":9007199254740991"#))
        let twice = try requests(#""amount":1,"amount":2"#)
        #expect(twice.status == 2 && twice.output.isEmpty, "\(twice.output)")
        #expect(twice.errors.contains("stands twice"), "\(twice.errors)")
        #expect(node.stop() == 0)
    }
}
