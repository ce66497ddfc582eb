// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Figures
import Foundation
import Simulation

/// What agreement costs: whole nodes on real files, and on virtual time.
struct ReplicationBenchmark {
    /// Requests that the throughput is measured on.
    let requests: Int

    func measure(
        runs: Int, _ note: (String) -> Void, _ report: ([Figure]) -> Void
    ) throws {
        note(
            "Ten nodes in one process, without a network: every node checks every signature and "
                + "proof, and syncs its own files. On one core but where more are named.")
        report(try live(runs: runs))
        note("The rest is virtual time: delays are those of the simulated network.")
        report(try delays(runs: runs))
        report(try speed(runs: runs))
        report(sizes())
    }

    private func live(runs: Int) throws -> [Figure] {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var rates: [Double] = []
        var shares: [Double] = []
        var bytes: [Double] = []
        var messages: [Double] = []
        var medians: [Double] = []
        var tails: [Double] = []
        for _ in 0..<runs {
            let cluster = try LiveCluster(nodes: 10)
            let seconds = try cluster.decide(requests, window: 64)
            rates.append(Double(requests) / seconds)
            shares.append(cluster.provingSeconds / seconds * 100)
            bytes.append(Double(cluster.bytes) / Double(requests))
            messages.append(Double(cluster.messages) / Double(requests))
            _ = try cluster.decide(max(20, requests / 8), window: 1)
            let sorted = cluster.latencies.sorted()
            medians.append(sorted[sorted.count / 2])
            tails.append(sorted[sorted.count * 99 / 100])
            try cluster.remove()
        }
        return [
            Figure(
                "decisions of ten nodes on one core, 64 under way", unit: "/s", values: rates),
            Figure(
                "  on \(cores) cores", unit: "/s",
                values: try rate(runs, window: 64, threads: cores)),
            Figure(
                "  on \(cores) cores, 1,000 under way", unit: "/s",
                values: try rate(runs, window: 1_000, threads: cores)),
            Figure(
                "  1,000 under way", unit: "/s", values: try rate(runs, window: 1_000)),
            Figure(
                "  64 under way, three nodes silent", unit: "/s",
                values: try rate(runs, window: 64, silent: 3),
                note: "rounds stay open until their deadline"),
            Figure("  of that time, proofs", unit: "%", values: shares),
            Figure(
                "bytes between nodes for a decision, 64 under way", unit: "B", values: bytes,
                note: "clients tell the first f + 1 in rank"),
            Figure("  messages", unit: "", values: messages),
            Figure(
                "decision of ten nodes on one core, one under way: median", unit: "ms",
                values: medians, note: "20 ms of it wait for the last votes"),
            Figure("  99 of 100", unit: "ms", values: tails),
        ]
    }

    /// Decisions a second with so many requests under way.
    private func rate(
        _ runs: Int, window: Int, silent: Int = 0, threads: Int = 1
    ) throws -> [Double] {
        try (0..<runs).map { _ in
            let cluster = try LiveCluster(nodes: 10, silent: silent, threads: threads)
            let seconds = try cluster.decide(requests, window: window)
            try cluster.remove()
            return Double(requests) / seconds
        }
    }

    /// A calm network of ten with this one-way delay.
    private func calm(_ nodes: Int, delay: UInt64, seed: UInt64) -> SimulationOptions {
        var options = SimulationOptions(seed: seed)
        options.nodes = nodes
        options.byzantine = 0
        options.faults = .calm
        options.delayMilliseconds = delay
        options.hasGovernance = false
        options.hasJobs = false
        options.audits = false
        return options
    }

    private func delays(runs: Int) throws -> [Figure] {
        let accounts = (0..<runs).map { run in
            Simulator(calm(10, delay: 100, seed: UInt64(run + 1))).run()
        }
        return [
            Figure(
                "decision at 100 ms one way, from the client: median", unit: "ms",
                values: accounts.map { Double($0.latencyMedian) },
                note: "client, vote, proposal, prevote, precommit, and 5 ms of verification"),
            Figure(
                "  99 of 100", unit: "ms", values: accounts.map { Double($0.latencyP99) }),
            Figure(
                "bytes on the wire for a decision, ten nodes", unit: "B",
                values: accounts.map { Double($0.bytesPerDecision) }),
        ]
    }

    private func speed(runs: Int) throws -> [Figure] {
        var hours: [Double] = []
        for run in 0..<runs {
            let simulator = Simulator(SimulationOptions(seed: UInt64(run + 1)))
            let (seconds, account) = timed { simulator.run() }
            hours.append(Double(account.milliseconds) / 3_600_000 / (seconds / 60))
        }
        return [
            Figure(
                "simulated time of ten nodes, three lying, all faults", unit: "h/min",
                values: hours, note: "one core; a request each second")
        ]
    }

    private func sizes() -> [Figure] {
        [10, 25, 50, 100].map { nodes in
            var options = calm(nodes, delay: 50, seed: 1)
            options.milliseconds = nodes > 25 ? 3_000 : 10_000
            let simulator = Simulator(options)
            let (seconds, account) = timed { simulator.run() }
            return Figure(
                "messages a height, \(nodes) validators", unit: "",
                values: [Double(account.messagesPerHeight)],
                note: "\(account.heights) heights, \(account.bytesPerDecision) bytes a decision, "
                    + "\(Int(seconds * 1000) / max(1, Int(account.heights))) ms of a core a height"
            )
        }
    }
}
