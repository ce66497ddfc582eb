// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Figures
import Foundation
import Ledger
import Node
import Synchronization

/// Jobs from the spool of a node to their decision among ten, on real files.
struct JobPathBenchmark {
    /// Jobs of a run.
    let jobs: Int

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        guard case .success = ComputeParts.loaded else { return [] }
        var submitted: [Double] = []
        var decided: [Double] = []
        // Folders go after all runs: ext4 passes over every inode that was freed minutes ago, which
        // doubles the cost of files made after many were removed.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "recount-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { print("\(error)") }
        }
        for number in 0..<runs {
            let (spooling, deciding) = try seconds(
                in: folder.appendingPathComponent("net-\(number)").path)
            submitted.append(Double(jobs) / spooling)
            decided.append(Double(jobs) / deciding)
        }
        return [
            Figure(
                "jobs submitted: payloads and job synced each", unit: "/s", values: submitted),
            Figure(
                "jobs through three validators to the decision", unit: "/s", values: decided,
                note: "a module that reverses 1 KiB; all cores; three runs, journaled, signed,"
                    + " logged each, until every node keeps every payload"),
        ]
    }

    /// Seconds that submitting took, and the run until all are decided.
    private func seconds(in folder: String) throws -> (Double, Double) {
        let now = Time(UInt64(Date().timeIntervalSince1970 * 1000))
        let samples = try ComputeParts.repository.get() + "/Tools/samples/recount.toml"
        let network = try LocalNetwork.initialise(
            configuration: try Configuration.load(path: samples),
            at: folder, protection: .keyFile(path: nil),
            startTime: now)
        let client = try NodeClient(home: network.nodes[0].path)
        let module = try ComputeParts.module("reverse")
        let (spooling, _) = try timed {
            for number in 0..<jobs {
                let input =
                    (0..<1024).map { UInt8(truncatingIfNeeded: $0 &+ number &* 7) }
                    + Array("\(number)".utf8)
                _ = try JobSubmission.submit(
                    module: module, input: input, fuel: EngineLimits.fuelDefault,
                    memoryBytes: EngineLimits.memoryBytesDefault, milliseconds: 0, to: client,
                    by: network.submitters[0].key, now: now)
            }
        }
        var options = LocalRunOptions()
        options.engine = { ComputeParts.loaded }
        let nodes = try LocalRun(network, options: options)
        let (deciding, summary) = try timed { try run(nodes) }
        guard summary.jobsAgreed == jobs else {
            fatalError("\(summary.jobsAgreed) of \(jobs) jobs were agreed on")
        }
        return (spooling, deciding)
    }

    /// Runs the nodes until nothing is left to do.
    private func run(_ nodes: LocalRun) throws -> RunSummary {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<RunSummary, NodeError>?>(nil)
        // The task uses nothing of this thread's, which waits for it.
        Task.detached {
            let outcome: Result<RunSummary, NodeError>
            do throws(NodeError) {
                outcome = .success(try await nodes.run(ArrayLineSource([])) { _ in })
            } catch {
                outcome = .failure(error)
            }
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        guard let outcome = result.withLock({ $0 }) else { fatalError("the nodes have not ended") }
        return try outcome.get()
    }
}
