// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Foundation
import Ledger
import Synchronization
import TestSupport
import Testing

@Suite("the runner of jobs", .enabled(if: Engine.isHere), .serialized)
struct JobRunnerTests {
    private let endless = Engine.job(HostileModules.endlessLoop(), fuel: .max)
    private let harmless = Engine.job(HostileModules.harmless(), input: [7])

    /// What the jobs of a test came to, in the order of their ends.
    private final class Outcomes: Sendable {
        let all = Mutex<[(name: String, status: JobStatus)]>([])

        func add(_ name: String) -> @Sendable (JobOutcome) -> Void {
            { outcome in self.all.withLock { $0.append((name, outcome.status)) } }
        }

        var names: [String] { all.withLock { $0.map(\.name) } }
        var statuses: [JobStatus] { all.withLock { $0.map(\.status) } }
    }

    @Test(
        "a missing engine, another version, and too much memory are abstentions with their reason")
    func abstentions() {
        let missing = JobRunner { .failure(.notFound(places: ["here"])) }
        defer { missing.stop() }
        let outcome = missing.run(harmless, within: 1000)
        #expect(outcome.status == JobStatus(.noEngine))
        #expect(outcome.detail?.contains("Tools/setup") == true)
        let runner = Engine.runner(memoryBytes: 64 << 20)
        defer { runner.stop() }
        let other = Engine.job(HostileModules.harmless(), version: "49.0.0+1")
        #expect(runner.run(other, within: 10_000).status == JobStatus(.otherEngine))
        let large = Engine.job(HostileModules.harmless(), memoryBytes: (64 << 20) + 1)
        #expect(runner.run(large, within: 10_000).status == JobStatus(.beyondCapacity))
        let fits = Engine.job(HostileModules.harmless(), memoryBytes: 64 << 20)
        #expect(runner.run(fits, within: 10_000).status == JobStatus(.success))
    }

    @Test("a library that is not the known one, byte for byte, is not taken")
    func library() throws {
        func problem(_ path: String) -> ComputeError? {
            do throws(ComputeError) {
                // Two copies of the library in one process would fight over its signals.
                _ = try EngineLibrary.find(path, executable: Program.path)
                return nil
            } catch {
                return error
            }
        }
        let path = NSTemporaryDirectory() + "recount-\(UUID().uuidString).so"
        #expect(problem(path) == .unreadable(path: path))
        // A good library is copied from where the tests find it, and one byte is changed.
        let known = try #require(Engine.libraryPath)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: known))
        try bytes.write(to: URL(fileURLWithPath: path))
        defer {
            do { try FileManager.default.removeItem(atPath: path) } catch { print("\(error)") }
        }
        #expect(problem(path) == nil)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        guard case .unknownLibrary(path, let hash)? = problem(path) else {
            Issue.record("a changed library was taken")
            return
        }
        #expect(hash.utf8.count == 64)
    }

    @Test("a compilation that failed on a busy machine is tried again after a minute, not before")
    func failedCompilations() throws {
        let files = FileManager.default
        let folder = NSTemporaryDirectory() + "recount-\(UUID().uuidString)"
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { do { try files.removeItem(atPath: folder) } catch { Issue.record(error) } }
        let library = URL(fileURLWithPath: try #require(Engine.libraryPath))
        try files.createSymbolicLink(
            atPath: folder + "/wasmtime",
            withDestinationPath: library.deletingLastPathComponent().path)
        // A compiler that ends early until it is told otherwise, and counts how often it is asked.
        let script = """
            #!/bin/sh
            echo asked >> '\(folder)/asked'
            [ -e '\(folder)/calm' ] || exit 1
            exec '\(Program.path)' "$@"

            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: folder + "/compiler"))
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/compiler")
        let now = Mutex(ContinuousClock.now)
        let engine = try ComputeEngine.load(
            compiler: ModuleCompiler(executable: folder + "/compiler"),
            now: { now.withLock { $0 } })
        let runner = JobRunner { .success(engine) }
        defer { runner.stop() }
        func asked() throws -> Int {
            try String(contentsOfFile: folder + "/asked", encoding: .utf8)
                .split(separator: "\n").count
        }
        let failed = JobStatus(.compilationGuard)
        #expect(runner.run(harmless, within: 30_000).status == failed)
        #expect(try asked() == 1)
        try Data().write(to: URL(fileURLWithPath: folder + "/calm"))
        for seconds in [0, 59] {
            now.withLock { $0 += .seconds(seconds) }
            #expect(runner.run(harmless, within: 30_000).status == failed)
            #expect(try asked() == 1)
        }
        now.withLock { $0 += .seconds(1) }
        #expect(runner.run(harmless, within: 30_000).status == JobStatus(.success))
        #expect(try asked() == 2)
        now.withLock { $0 += .seconds(3_600) }
        #expect(runner.run(harmless, within: 30_000).status == JobStatus(.success))
        #expect(try asked() == 2)
    }

    @Test("no more jobs run at once than may, and those whose time is over in the queue abstain")
    func number() {
        let runner = Engine.runner(jobsAtOnce: 1)
        _ = runner.run(harmless, within: 10_000)
        let outcomes = Outcomes()
        runner.submit(endless, within: 1500, completion: outcomes.add("long"))
        runner.submit(harmless, within: 500, completion: outcomes.add("late"))
        let last = runner.run(harmless, within: 20_000)
        #expect(last.status == JobStatus(.success))
        #expect(outcomes.names == ["late", "long"])
        #expect(outcomes.statuses == [JobStatus(.timeGuard), JobStatus(.timeGuard)])
        runner.stop()
    }

    @Test("jobs wait for memory, in order")
    func memory() {
        let runner = Engine.runner(jobsAtOnce: 4, memoryBytes: 100 << 20)
        _ = runner.run(harmless, within: 10_000)
        let outcomes = Outcomes()
        let start = ContinuousClock.now
        let large = Engine.job(HostileModules.endlessLoop(), fuel: .max, memoryBytes: 60 << 20)
        runner.submit(large, within: 800, completion: outcomes.add("first"))
        runner.submit(large, within: 1600, completion: outcomes.add("second"))
        // It would fit beside the first, and does not overtake the second.
        let small = Engine.job(HostileModules.harmless(), memoryBytes: 1 << 20)
        #expect(runner.run(small, within: 20_000).status == JobStatus(.success))
        #expect(ContinuousClock.now - start > .milliseconds(700))
        runner.stop()
    }

    @Test("stopping ends what runs and completes nothing any more")
    func stopping() {
        let runner = Engine.runner(jobsAtOnce: 2)
        _ = runner.run(harmless, within: 10_000)
        let outcomes = Outcomes()
        for name in ["a", "b", "c"] {
            runner.submit(endless, within: 60_000, completion: outcomes.add(name))
        }
        Thread.sleep(forTimeInterval: 0.2)
        let start = ContinuousClock.now
        runner.stop()
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(outcomes.names.isEmpty)
    }
}
