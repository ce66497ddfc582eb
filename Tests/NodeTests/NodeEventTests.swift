// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Node
import Testing

/// How events are told.
@Suite("Events of a node")
struct NodeEventTests {
    private static let request = RequestID(Digest(hashing: [1]))
    private static let job = JobID(Digest(hashing: [2]))

    /// Every event with a text that may be another's.
    private static func events(_ text: String) -> [NodeEvent] {
        [
            .recovered(text), .warning(text), .projectionsStopped(text),
            .refused(line: 1, request: request, reason: "unreadable", detail: text),
            .settled(request: request, .settled, reference: text),
            .equivocation(validator: "validator-1", about: text, request: request),
            .jobRefused(job: job, reason: "unreadable", detail: text),
            .waiting(until: Time(1), openRounds: 1, openJobs: 1, settlements: 1, reason: text),
        ]
    }

    @Test("a text that came from outside is told up to a bound, in words and in JSON")
    func bounds() {
        let most = NodeEvent.textBytesMax
        for (whole, cut) in zip(
            Self.events(String(repeating: "x", count: most)),
            Self.events(String(repeating: "x", count: most + 1)))
        {
            let long = String(repeating: "x", count: most)
            #expect(whole.description.contains(long) && whole.json.contains(long))
            for said in [cut.description, cut.json] {
                #expect(!said.contains(long + "x"), "\(said.prefix(40))")
                #expect(said.utf8.count <= most + 400, "\(said.prefix(40))")
            }
        }
        // A megabyte of a letter of three bytes is cut between letters.
        for event in Self.events(String(repeating: "€", count: 400_000)) {
            #expect(event.description.utf8.count <= most + 400)
            #expect(!event.description.contains("\u{FFFD}") && event.json.utf8.count <= most + 400)
        }
    }

    @Test("JSON escapes what a text could do to its reader")
    func escapes() throws {
        for event in Self.events("a\"b\\c\n\u{1B}[2J\u{0}") {
            let line = event.json
            #expect(!line.contains("\n") && !line.contains("\u{1B}") && !line.contains("\u{0}"))
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            #expect(object is [String: Any], "\(line)")
        }
    }
}
