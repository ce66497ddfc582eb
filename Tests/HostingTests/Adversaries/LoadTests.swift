// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

/// Ten nodes on one core, in one thread and in memory; proofs cost nothing.
///
/// Their clock is the processor time of the thread, and jumps where nothing is to be done: what
/// else the machine does changes no figure. `RECOUNT_LOAD=1000,400` keeps 1,000 requests under way,
/// and says how fast the next 400 are decided once as many as are under way were;
/// `RECOUNT_LOAD=64,400,3` does so with three nodes silent.
final class LoadCase {
    private let hosts: [ReplicaHost]
    private var deliveries: [[(bytes: [UInt8], peer: ValidatorIndex?)]]
    private var verdicts: [[(RequestID, Vote, VoteReason)]]
    private var scenario: LedgerScenario
    private let ledger: LedgerID
    private let begin: UInt64
    /// Milliseconds for which nobody had anything to do.
    private var skipped: UInt64 = 0
    private let startTime: Time
    private let silent: Int
    private var sent = 0
    private var decided = 0
    private var messages = 0

    init(silent: Int = 0) throws {
        var setup = Setup.of(10, 7)
        setup.quota = 10_000
        begin = processorNanoseconds()
        startTime = setup.start.adding(milliseconds: 1_000)
        scenario = try LedgerScenario(setup)
        ledger = scenario.ledger
        self.silent = silent
        let now = Instant(time: startTime, uptime: 0)
        let checker = SignatureChecker()
        hosts = try (0..<10).map { place in
            let disk = SimulatedDisk()
            try ReplicaHost.create(
                directory: "/node", disk: disk, opened: Fixture.opened(setup))
            return try ReplicaHost(
                directory: "/node", disk: disk, key: Fixture.key(UInt16(place)),
                memory: SignatureMemory(checker: checker), at: now)
        }
        deliveries = Array(repeating: [], count: 10)
        verdicts = Array(repeating: [], count: 10)
        for place in live { try perform(hosts[place].start(at: now), of: place) }
    }

    private var live: Range<Int> { 0..<(10 - silent) }

    private var now: Instant {
        let elapsed = (processorNanoseconds() - begin) / 1_000_000 + skipped
        return Instant(time: startTime.adding(milliseconds: elapsed), uptime: elapsed)
    }

    /// Returns the seconds that so many decisions take, once the first `window` are there.
    func measure(_ count: Int, window: Int) throws -> (seconds: Double, messages: Int) {
        try decide(window, window: window)
        let (start, before, sent) = (now.uptime, decided, messages)
        try decide(before + count, window: window)
        let share = Double(count) / Double(decided - before)
        return (Double(now.uptime - start) / 1_000 * share, Int(Double(messages - sent) * share))
    }

    private func decide(_ count: Int, window: Int) throws {
        while decided < count {
            while sent - decided < window {
                let bytes = PeerMessage.command(.request(scenario.request())).encoded
                for place in live { deliveries[place].append((bytes, nil)) }
                sent += 1
            }
            try turn()
        }
    }

    private func turn() throws {
        var isIdle = true
        for place in live where !deliveries[place].isEmpty {
            let list = deliveries[place]
            deliveries[place] = []
            isIdle = false
            let host = hosts[place]
            try perform(host.receive(host.intake.check(list, at: now.uptime), at: now), of: place)
        }
        for place in live where !verdicts[place].isEmpty {
            let list = verdicts[place]
            verdicts[place] = []
            try perform(hosts[place].verified(list, at: now), of: place)
        }
        for place in live where hosts[place].nextWake <= now.uptime {
            try perform(hosts[place].wake(at: now), of: place)
        }
        let wake = live.map { hosts[$0].nextWake }.min() ?? 0
        if isIdle, wake > now.uptime { skipped += wake - now.uptime }
    }

    private func perform(_ outputs: [HostOutput], of place: Int) throws {
        let own = ValidatorIndex(UInt16(place))
        for output in outputs {
            switch output {
            case .send(let bytes, let peer):
                messages += 1
                deliveries[Int(peer.rawValue)].append((bytes, own))
            case .broadcast(let bytes):
                messages += 9
                for peer in live where peer != place { deliveries[peer].append((bytes, own)) }
            case .verify(let request):
                verdicts[place].append((request.id(in: ledger), .approve, .proofHolds))
            case .committed(_, _, let events):
                guard place == 0 else { continue }
                decided += events.count { if case .outcomeDecided = $0 { true } else { false } }
            case .notice: break
            }
        }
    }
}

@Suite("Throughput of ten nodes")
struct LoadTests {
    @Test(
        "So many requests under way, as asked for",
        .enabled(if: ProcessInfo.processInfo.environment["RECOUNT_LOAD"] != nil))
    func load() throws {
        let parts = (ProcessInfo.processInfo.environment["RECOUNT_LOAD"] ?? "").split(
            separator: ","
        )
        .compactMap { Int($0) }
        try #require(parts.count >= 2)
        let load = try LoadCase(silent: parts.count > 2 ? parts[2] : 0)
        let (seconds, messages) = try load.measure(parts[1], window: parts[0])
        print(
            "\(parts[0]) under way: \(Double(parts[1]) / seconds) decisions a second,"
                + " \(messages / parts[1]) messages each")
    }
}
