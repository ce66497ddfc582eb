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
    private static let validator = NodeEvent.Party(0, "validator-1")

    /// Every event with a text that may be another's.
    private static func events(_ text: String) -> [NodeEvent] {
        [
            .recovered(text), .warning(text), .projectionsStopped(text),
            .refused(line: 1, request: request, reason: "unreadable", detail: text),
            .settled(request: request, .settled, reference: text),
            .equivocation(validator: validator, about: text, request: request),
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

    @Test("a validator is told by number and name")
    func parties() throws {
        func object(_ event: NodeEvent) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(event.json.utf8)) as? [String: Any])
        }
        let reported = NodeEvent.jobReported(
            job: Self.job, validator: Self.validator, JobStatus(.success),
            output: Digest(hashing: [3]), fuel: 7)
        for event in [
            reported,
            .equivocation(validator: Self.validator, about: "vote", request: Self.request),
        ] {
            let told = try object(event)
            #expect(told["validator"] as? Int == 0 && told["name"] as? String == "validator-1")
            #expect(event.description.contains("validator-1"))
        }
        let bridge = NodeEvent.equivocation(
            validator: NodeEvent.Party(nil, "bridge"), about: "settlement", request: Self.request)
        let told = try object(bridge)
        #expect(told["validator"] == nil && told["name"] as? String == "bridge")
        let assigned = NodeEvent.jobAssigned(
            job: Self.job, validators: [Self.validator, NodeEvent.Party(4, "validator-5")],
            deadline: Time(9))
        let all = try #require(try object(assigned)["validators"] as? [[String: Any]])
        #expect(all.compactMap { $0["validator"] as? Int } == [0, 4])
        #expect(all.compactMap { $0["name"] as? String } == ["validator-1", "validator-5"])
        #expect(assigned.description.contains("validator-1, validator-5 run it"))
    }
}
