// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Ledger
import Node
import Telemetry
import TestSupport
import Testing

extension APISuite {
    @Suite("Metrics of a node", .serialized)
    struct MetricsTests {
        /// Metrics that say nothing where there is nothing to say it of.
        private static let mayBeEmpty: Set = [
            "recount_peer_info", "recount_peer_score", "recount_peer_bytes_total",
            "recount_peer_queue_bytes", "recount_protocol_bytes_total",
            // A node of a test has no log, and a mark comes with the sixteenth batch.
            "recount_log_lines_total", "recount_log_lines_dropped_total", "recount_mark_height",
            "recount_mark_fingerprint",
        ]

        private static func scrape(_ node: RunningNode) async throws -> Exposition {
            let reply = try await node.http.get("/metrics")
            try #require(reply.status == 200, "\(reply.text)")
            #expect(
                reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            return try Exposition(reply.text)
        }

        @Test("all that is listed is served, in the order of the list, with its type and help")
        func shape() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(2)))
                // Its own response is among those counted.
                _ = try await Self.scrape(node)
                try await Task.sleep(for: .milliseconds(300))
                let read = try await Self.scrape(node)
                let families = NodeMetrics.registry().families
                #expect(read.families.map(\.name) == families.map(\.name))
                for (said, family) in zip(read.families, families) {
                    #expect(said.help == family.help)
                    let type = "\(family.kind)".prefix { $0 != "(" }
                    #expect(said.type == type, "\(said.name)")
                    let isHistogram = said.type == "histogram"
                    for sample in said.samples {
                        let isBucket = sample.name.hasSuffix("_bucket")
                        let labels = family.labels + (isBucket ? ["le"] : [])
                        #expect(sample.labels == labels, "\(sample)")
                        #expect(sample.number.isFinite, "\(sample)")
                    }
                    let isThere = !said.samples.isEmpty || Self.mayBeEmpty.contains(said.name)
                    #expect(isThere, "\(said.name)")
                    if isHistogram { Self.check(said) }
                }
                #expect(read.number("recount_metric_series_refused_total") == 0)
            }
        }

        /// Buckets of a histogram ascend to the count.
        private static func check(_ family: Exposition.Family) {
            let counts = family.samples.filter { $0.name.hasSuffix("_bucket") }.map(\.number)
            #expect(counts == counts.sorted(), "\(family.name)")
            #expect(counts.last == family.samples.last?.number, "\(family.name)")
            #expect(family.samples.last?.name == family.name + "_count")
        }

        @Test("what a node tells of itself is told under its name, times in seconds")
        func facts() throws {
            var facts = NodeFacts()
            facts.height = Height(3)
            facts.size = 50
            facts.time = Time(10_000)
            facts.openRounds = 4
            facts.openJobs = 5
            facts.settlements = 6
            facts.nextDue = Time(12_500)
            facts.checkpointSize = 40
            facts.isMember = true
            func number(_ name: String, at time: UInt64) throws -> Double {
                let samples = NodeSamples.ofFacts(facts, now: Time(time))
                let sample = try #require(samples.first { $0.name == "recount_" + name }, "\(name)")
                guard case .number(let number) = sample.value else { return -1 }
                return number
            }
            for (name, wanted) in [
                ("height", 3.0), ("ledger_entries", 50), ("batch_age_seconds", 4.25),
                ("overdue_seconds", 1.75), ("open_rounds", 4), ("open_jobs", 5),
                ("pending_settlements", 6), ("checkpoint_entries", 40), ("member", 1),
                ("joining", 0), ("backfilling", 1),
            ] {
                #expect(try number(name, at: 14_250) == wanted, "\(name)")
            }
            #expect(try number("overdue_seconds", at: 12_000) == 0)
            #expect(try number("batch_age_seconds", at: 9_000) == 0, "a clock that is behind")
            facts.nextDue = nil
            #expect(try number("overdue_seconds", at: 14_250) == 0)
        }

        @Test("scrapes that come together get one answer")
        func together() async throws {
            try await RunningNode.with { node in
                // Each is counted, so that two that were made anew would differ.
                var isSame = false
                for _ in 0..<20 where !isSame {
                    let first = try await node.http.get("/metrics").text
                    isSame = try await node.http.get("/metrics").text == first
                }
                #expect(isSame)
            }
        }

        @Test("values move as decisions are made")
        func values() async throws {
            try await RunningNode.with { node in
                let before = try await Self.scrape(node)
                #expect(before.number("recount_decisions_total", ["outcome": "approved"]) == 0)
                let messages = Array(try node.requests().prefix(3))
                try await node.decide(messages)
                try await Task.sleep(for: .milliseconds(300))
                let after = try await Self.scrape(node)
                func number(_ name: String, _ labels: [String: String] = [:]) -> Double {
                    after.number(name, labels) ?? -1
                }
                func rise(_ name: String, _ labels: [String: String] = [:]) -> Double {
                    number(name, labels) - (before.number(name, labels) ?? 0)
                }
                let decided = ["approved", "rejected", "timedOut"]
                    .map { rise("recount_decisions_total", ["outcome": $0]) }.reduce(0, +)
                #expect(decided == 3)
                let name = node.network.nodes[0].validator
                let votes = ["approve", "reject", "abstain"]
                    .map { rise("recount_votes_total", ["validator": name, "vote": $0]) }
                #expect(votes.reduce(0, +) == 3)
                let verdicts = ["approve", "reject", "abstain"]
                    .map { rise("recount_proofs_total", ["verdict": $0]) }
                #expect(verdicts == votes)
                #expect(rise("recount_proof_seconds_count") == 3)
                #expect(rise("recount_disk_sync_seconds_count") > 0)
                #expect(rise("recount_disk_sync_seconds_sum") > 0)
                #expect(rise("recount_height") == rise("recount_batches_total"))
                #expect(rise("recount_batches_total") > 0)
                #expect(rise("recount_ledger_entries") > 9)
                #expect(rise("recount_api_responses_total", ["status": "202"]) == 3)
                #expect(rise("recount_api_response_seconds_count") >= 6)
                let facts = try #require(node.process.facts)
                #expect(number("recount_height") <= Double(facts.height.rawValue))
                #expect(number("recount_node_running") == 1)
                #expect(number("recount_node_answers") == 1)
                #expect(number("recount_member") == 1)
                #expect(number("recount_members") == 1 && number("recount_members_reached") == 1)
                #expect(number("recount_batch_age_seconds") < 600)
                let bounds = try #require(after["recount_queue_length_max"]).samples
                #expect(bounds.count > 4 && bounds.allSatisfy { $0.number > 1 })
                #expect(number("recount_reputation_points", ["validator": name]) <= 10_000)
                #expect(number("recount_reputation_points", ["validator": name]) > 500)
                #expect(number("recount_process_resident_memory_bytes") > 10e6)
                #expect(number("recount_process_open_files") > 5)
                #expect(number("recount_process_cpu_seconds_total") > 0)
                let start = number("recount_process_start_time_seconds")
                let now = Date().timeIntervalSince1970
                #expect(start > now - 86_400 && start < now + 60)
            }
        }

        @Test("peers are told of by their names and their parties, and what goes between")
        func peers() async throws {
            try await RunningNode.with(validators: 2) { node in
                let other = node.network.nodes[1]
                let alone = try await Self.scrape(node)
                #expect(alone.number("recount_members_reached") == 1)
                try await Task.sleep(for: .milliseconds(300))
                let process = try await NodeProcess(
                    other, transportKey: other.openTransportKey(.keyFile(path: nil)),
                    tell: { _ in })
                var read = try await Self.scrape(node)
                #expect(read.number("recount_members") == 2)
                let end = ContinuousClock.now + .seconds(60)
                while read.number("recount_members_reached") != 2
                    || read.number("recount_gossip_mesh_peers", ["topic": "votes"]) != 1,
                    .now < end
                {
                    try await Task.sleep(for: .milliseconds(250))
                    read = try await Self.scrape(node)
                }
                try await node.decide(Array(try node.requests().prefix(1)))
                try await Task.sleep(for: .milliseconds(300))
                read = try await Self.scrape(node)
                let info = try #require(read["recount_peer_info"]?.samples.first)
                #expect(info.values["party"] == other.validator)
                let name = try #require(info.values["peer"])
                #expect(name.hasPrefix("12D3KooW"), "\(name)")
                for direction in ["sent", "received"] {
                    let labels = ["peer": name, "direction": direction]
                    #expect(read.number("recount_peer_bytes_total", labels) ?? 0 > 1000)
                    let votes = ["topic": "votes", "direction": direction]
                    #expect(read.number("recount_topic_bytes_total", votes) ?? 0 > 0)
                    let wire = ["direction": direction]
                    #expect(read.number("recount_network_bytes_total", wire) ?? 0 > 1000)
                }
                #expect(read.number("recount_peers") == 1)
                #expect(read.number("recount_peer_score", ["peer": name]) != nil)
                #expect(read.number("recount_gossip_topic_peers", ["topic": "votes"]) == 1)
                await process.stop()
            }
        }

        @Test("it is limited like the others, and takes no parameters")
        func limits() async throws {
            // Few, so that a machine with much else to do still asks too often.
            try await RunningNode.with(requestsPerSecond: 5) { node in
                #expect(try await node.http.get("/metrics?all=1").status == 400)
                var statuses: [Int] = []
                for _ in 0..<80 { statuses.append(try await node.http.get("/metrics").status) }
                #expect(statuses.contains(429) && statuses.contains(200))
            }
        }

        @Test(
            "promtool takes the whole answer",
            .enabled(if: Promtool.isThere, "no promtool: it comes with Debian's prometheus"))
        func promtool() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(1)))
                let text = try await node.http.get("/metrics").text
                let said = try Promtool.run("check", "metrics", input: text)
                #expect(said.status == 0, "\(said.text)")
                // What it says of a text that is wrong, so that it is known to look.
                let wrong = try Promtool.run("check", "metrics", input: text + "recount x y\n")
                #expect(wrong.status != 0)
            }
        }
    }
}

/// Prometheus' own checker, where it is there.
enum Promtool {
    private static let path = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static let isThere = path != nil

    /// Runs it; `FILE` stands for a file that holds the input.
    static func run(
        _ arguments: String..., input: String = "", in folder: URL? = nil
    ) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        if let folder { process.currentDirectoryURL = folder }
        let file = NSTemporaryDirectory() + "recount-metrics-\(UUID().uuidString)"
        try input.write(toFile: file, atomically: true, encoding: .utf8)
        defer {
            do { try FileManager.default.removeItem(atPath: file) } catch { print(error) }
        }
        process.arguments = arguments.map { $0 == "FILE" ? file : $0 }
        let output = Pipe()
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }
}
