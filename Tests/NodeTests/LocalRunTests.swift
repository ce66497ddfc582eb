// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Ledger
import Node
import Storage
import Synchronization
import TestSupport
import Testing

/// What a local run told, in order.
final class LocalRecorder: Sendable {
    private let list = Mutex<[NodeEvent]>([])

    var events: [NodeEvent] { list.withLock { $0 } }

    func add(_ event: NodeEvent) { list.withLock { $0.append(event) } }

    var decisions: [ConsensusResult] {
        events.compactMap { if case .decided(_, let result) = $0 { result } else { nil } }
    }
    var refusals: [String] {
        events.compactMap { if case .refused(_, _, let reason, _) = $0 { reason } else { nil } }
    }
    var warnings: [String] {
        events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }
}

/// A clock whose wall reading is set, and goes on by itself.
final class ShiftedClock: NodeClock {
    private let shift: Mutex<Int64>

    init(_ start: Time) {
        shift = Mutex(Int64(start.rawValue) - Int64(SystemClock().now().rawValue))
    }

    func now() -> Time {
        Time(UInt64(Int64(SystemClock().now().rawValue) + shift.withLock { $0 }))
    }

    func uptime() -> UInt64 { SystemClock().uptime() }

    /// Sets the clock, as an operator or a time server does.
    func step(milliseconds: Int64) { shift.withLock { $0 += milliseconds } }
}

/// Local networks for tests.
enum Networks {
    static func make(
        _ folder: TemporaryFolder, _ configuration: Configuration? = nil, name: String = "net"
    ) throws -> LocalNetwork {
        try LocalNetwork.initialise(
            configuration: try configuration ?? Samples.configuration(), at: folder.file(name),
            protection: .keyFile(path: nil), startTime: Samples.start)
    }

    /// Every entry of a node's ledger.
    static func entries(_ home: NodeHome) throws -> [Event] {
        let log = try EventLog.open(
            directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        return try (0..<log.size).map { try Event(decoding: try log.entry(at: $0)) }
    }

    /// The size and root of each node's ledger.
    static func heads(_ network: LocalNetwork) throws -> [TreeHead] {
        try network.nodes.map { home in
            let log = try EventLog.open(
                directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
            return TreeHead(size: log.size, root: log.root)
        }
    }
}

/// Runs lines through a local network and gives what happened.
@discardableResult
func runLocal(
    _ network: LocalNetwork, _ lines: [String], options: LocalRunOptions = LocalRunOptions(),
    clock: ShiftedClock = ShiftedClock(Samples.start)
) async throws -> (RunSummary, LocalRecorder) {
    let recorder = LocalRecorder()
    let run = try LocalRun(network, options: options, clock: clock)
    let summary = try await run.run(ArrayLineSource(lines)) { recorder.add($0) }
    return (summary, recorder)
}

@Suite("Nodes of one process", .serialized)
struct LocalRunTests {
    @Test("ten nodes decide the samples, and hold one ledger")
    func samples() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let lines = try Samples.lines()
        let (summary, recorder) = try await runLocal(network, lines)
        var counts: [String: Int] = [:]
        for line in lines { counts[try Samples.expectation(line).outcome, default: 0] += 1 }
        // Two requests come twice, and are decided once: one of each kind.
        #expect(summary.answered == 2)
        #expect(summary.approved == (counts["approved"] ?? 0) - 1)
        // Whether a double spend is rejected or refused depends on which comes first.
        #expect((summary.rejected - (counts["rejected"] ?? 0) + 1) <= counts["notApproved"] ?? 0)
        #expect(summary.requests == summary.accepted + summary.refused + summary.answered)
        #expect(summary.settled == summary.approved)
        #expect(recorder.warnings == [])
        #expect(Set(try Networks.heads(network)).count == 1)
    }
}
