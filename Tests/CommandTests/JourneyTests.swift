// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

let samplesFolder = Vectors.repository.appendingPathComponent("Tools/samples").path
let samplesAreThere = FileManager.default.fileExists(atPath: samplesFolder + "/requests.jsonl")

/// One local network, made and run once with two liars; the tests look at what it holds.
struct Journey: Sendable {
    let folder: TemporaryFolder
    let network: String
    let key: String
    /// The home of the first validator, who is honest.
    let home: String
    let made: CommandResult
    let run: CommandResult

    init() throws {
        folder = try TemporaryFolder()
        network = folder.path + "/net"
        home = network + "/validator-1"
        key = folder.path + "/unlock.key"
        made = try Command.run(
            "init", network, "--config", samplesFolder + "/recount.toml", "--key-file", key,
            "--json")
        run = try Command.run(
            "run", network, "--requests", samplesFolder + "/requests.jsonl", "--key-file", key,
            "--malicious", "2", "--json")
    }

    static let shared = Result { try Journey() }
}

/// From nothing to an audited ledger, as a newcomer goes.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct JourneyTests {
    private func home() throws -> String { try Journey.shared.get().home }

    @Test func `init and run decide every sample as expected`() throws {
        let journey = try Journey.shared.get()
        #expect(journey.made.status == 0, "\(journey.made.errors)")
        #expect(try journey.made.object()["ledger_id"] is String)
        #expect(journey.run.status == 0, "\(journey.run.errors)")
        let events = try journey.run.objects()
        let summary = try #require(events.last)
        #expect(summary["event"] as? String == "summary")
        let counts = try #require(summary["summary"] as? [String: Any])
        let approved = try #require(counts["approved"] as? Int)
        #expect(approved == 64)
        #expect(counts["open_rounds"] as? Int == 0)
    }

    @Test func `the audit finds nothing wrong and names the liars`() throws {
        let result = try Command.run("audit", try home(), "--json")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        let report = try result.object()
        #expect((report["findings"] as? [Any])?.isEmpty == true)
        let lies = try #require(report["contradictions"] as? [[String: Any]])
        #expect(Set(lies.compactMap { $0["validator"] as? Int }) == [8, 9])
        let checks = try #require(report["checks"] as? [String: String])
        #expect(
            checks.allSatisfy { $0.value == ($0.key == "recomputation" ? "skipped" : "passed") })
        #expect(try Command.run("audit", try home(), "--strict", "--quiet").status == 1)
        let people = try Command.run("audit", try home())
        #expect(people.output.hasPrefix("The ledger is right."))
        #expect(people.output.contains("2 validators contradicted the mathematics"))
        #expect(people.output.contains("passed: batch"))
    }

    @Test(.enabled(if: Reader.isThere, "no Python with lz4 and pynacl: see Tools/test"))
    func `the reader in Python recounts it and gives the same root`() throws {
        let result = try Reader.read(try home())
        #expect(result.status == 0, "\(result.lines.last ?? "")")
        let info = try Command.run("ledger", "info", try home(), "--json").object()
        let root = try #require(info["state_root"] as? String)
        #expect(result.lines.last?.contains("\"state_root\": \"\(root)\"") == true)
    }

    @Test func `a flipped bit makes the audit say no, and where`() throws {
        let folder = try TemporaryFolder()
        let copy = folder.path + "/ledger"
        try FileManager.default.copyItem(atPath: try home() + "/ledger", toPath: copy)
        let segments = try FileManager.default.contentsOfDirectory(atPath: copy + "/segments")
        let segment = URL(fileURLWithPath: copy + "/segments/" + (segments.sorted().first ?? ""))
        var bytes = try Data(contentsOf: segment)
        bytes[bytes.count / 2] ^= 4
        try bytes.write(to: segment)
        let result = try Command.run("audit", copy, "--json")
        #expect(result.status == 1)
        let findings = try #require(try result.object()["findings"] as? [[String: Any]])
        #expect(findings.first?["kind"] as? String == "damage")
        #expect((findings.first?["found"] as? String)?.contains(segment.path) == true)
    }

    @Test func `log lists every entry, for people and machines`() throws {
        let info = try Command.run("ledger", "info", try home(), "--json").object()
        let size = try #require(info["size"] as? Int)
        let lines = try Command.run("log", try home(), "--json").objects()
        #expect(lines.count == size)
        #expect(lines.map { $0["entry"] as? Int } == Array(0..<size))
        #expect(lines.last?["kind"] as? String == "batchSealed")
        let some = try Command.run("log", try home(), "--from", "2", "--to", "5")
        #expect(some.lines.count == 4)
        let decided = try Command.run("log", try home(), "--kind", "outcomeDecided")
        #expect(decided.lines.allSatisfy { $0.contains("outcomeDecided") })
        #expect(try Command.run("log", try home(), "--from", "\(size)").status == 2)
    }

    @Test func `show request tells what became of a request`() throws {
        let submitted = try Command.run(
            "log", try home(), "--kind", "requestSubmitted", "--json"
        ).objects()
        let entry = try #require(submitted.first?["entry"] as? Int)
        let object = try Command.run("show", "request", try home(), "\(entry)", "--json").object()
        let request = try #require(object["request"] as? [String: Any])
        let id = try #require(request["request_id"] as? String)
        for name in ["proof", "public_inputs", "timestamp"] { #expect(request[name] != nil) }
        let result = try #require(object["result"] as? [String: Any])
        #expect(result["request_id"] as? String == id)
        #expect((result["votes"] as? [Any])?.count == 10)
        #expect(result["final_timestamp"] is Int)
        let text = try Command.run("show", "request", try home(), String(id.prefix(10)))
        #expect(text.status == 0)
        #expect(text.output.contains(id))
        #expect(try Command.run("show", "entry", try home(), "\(entry)", "--json").status == 0)
        let nobody = String(repeating: "f", count: 60)
        #expect(try Command.run("show", "request", try home(), nobody).status == 2)
        #expect(try Command.run("show", "request", try home(), "no-id").status == 2)
    }

    @Test func `replay prints the state at an entry and at a time`() throws {
        let end = try Command.run("replay", try home(), "--json").object()
        let info = try Command.run("ledger", "info", try home(), "--json").object()
        #expect(end["state_root"] as? String == info["state_root"] as? String)
        #expect(end["size"] as? Int == info["size"] as? Int)
        #expect((end["validators"] as? [Any])?.count == 10)
        let first = try Command.run("replay", try home(), "--to", "1", "--json").object()
        #expect(first["size"] as? Int == 2)
        #expect(try Command.run("replay", try home(), "--to", "2100-01-01").status == 0)
        #expect(try Command.run("replay", try home(), "--to", "1980-01-01").status == 2)
        #expect(try Command.run("replay", try home(), "--to", "tomorrow").status == 2)
        #expect(try Command.run("replay", try home(), "--to", "99999999").status == 2)
    }
}
