// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication

/// A few hosts in one process, whose messages arrive after a fixed delay, in order.
final class Cluster {
    struct Delivery {
        let at: UInt64
        let from: ValidatorIndex?
        let to: Int
        let bytes: [UInt8]
    }

    let setup: Setup
    let delay: UInt64
    var hosts: [ReplicaHost?] = []
    let disks: [SimulatedDisk]
    var now: UInt64 = 0
    var deliveries: [Delivery] = []
    var verdicts: [(at: UInt64, to: Int, request: RequestID)] = []
    var committed: [[Height: Digest]]
    /// The commits in order: when, who, events.
    var commits: [(at: UInt64, host: Int, height: Height, events: [Event])] = []
    var sent = 0
    /// What a host says of a request; approve by default.
    var verdict: (Int, RequestID) -> Vote = { _, _ in .approve }
    var isCut: (Int, Int) -> Bool = { _, _ in false }
    /// What becomes of the bytes that one host sends another; nil drops them.
    var change: (Int, Int, [UInt8]) -> [UInt8]? = { _, _, bytes in bytes }
    /// What each host has told a person.
    var notices: [[String]]
    /// Hosts whose errors end them and not the test.
    var mayFail: Set<Int> = []
    /// What ended those.
    var failures: [(host: Int, error: any Error)] = []
    /// The heads that operators have named.
    var trusted: [Int: TreeHead] = [:]
    let snapshotEntries: UInt64
    let journalBound: JournalGrowth
    let settings: ReplicationSettings

    var instant: Instant {
        Instant(time: setup.start.adding(milliseconds: 1000 + now), uptime: now)
    }

    init(
        _ setup: Setup, delay: UInt64 = 10, settings: ReplicationSettings = .init(),
        snapshotEntries: UInt64 = 100_000,
        journalBound: JournalGrowth = JournalGrowth(entries: .max, bytes: .max)
    ) throws {
        self.setup = setup
        self.delay = delay
        self.settings = settings
        self.snapshotEntries = snapshotEntries
        self.journalBound = journalBound
        notices = Array(repeating: [], count: setup.validators)
        committed = Array(repeating: [:], count: setup.validators)
        disks = (0..<setup.validators).map { _ in SimulatedDisk() }
        for place in 0..<setup.validators {
            try ReplicaHost.create(
                directory: "/node", disk: disks[place], opened: Fixture.opened(setup))
            hosts.append(nil)
            try open(place)
        }
    }

    func open(_ place: Int) throws {
        let host = try ReplicaHost(
            directory: "/node", disk: disks[place], key: Fixture.key(UInt16(place)),
            settings: settings, snapshotEntries: snapshotEntries, journalBound: journalBound,
            trusted: trusted[place], at: instant)
        hosts[place] = host
        perform(try host.start(at: instant), of: place)
    }

    func perform(_ outputs: [HostOutput], of place: Int) {
        for output in outputs {
            switch output {
            case .send(let bytes, let peer): send(bytes, from: place, to: Int(peer.rawValue))
            case .broadcast(let bytes):
                for peer in hosts.indices where peer != place { send(bytes, from: place, to: peer) }
            case .verify(let request):
                let ledger = hosts[place]?.state.ledger ?? LedgerID(.zero)
                verdicts.append((now + 2, place, request.id(in: ledger)))
            case .committed(let height, let root, let events):
                committed[place][height] = root
                commits.append((now, place, height, events))
            case .notice(let text): notices[place].append(text)
            }
        }
    }

    func send(_ bytes: [UInt8], from: Int?, to: Int) {
        sent += 1
        var bytes = bytes
        if let from, to < hosts.count {
            guard let changed = change(from, to, bytes) else { return }
            bytes = changed
        }
        guard to < hosts.count, from.map({ !isCut($0, to) }) ?? true else { return }
        deliveries.append(
            Delivery(
                at: now + delay, from: from.map { ValidatorIndex(UInt16($0)) }, to: to,
                bytes: bytes))
    }

    func submit(_ message: Message, to places: [Int]) {
        for place in places {
            send(PeerMessage.command(message).encoded, from: nil, to: place)
        }
    }

    private func attempt(_ place: Int, _ body: () throws -> [HostOutput]) throws {
        do { perform(try body(), of: place) } catch {
            guard mayFail.contains(place) else { throw error }
            hosts[place] = nil
            failures.append((place, error))
        }
    }

    /// Goes on for so many milliseconds.
    func run(_ milliseconds: UInt64) throws {
        let end = now + milliseconds
        while true {
            let wakes = hosts.compactMap { $0?.nextWake }
            let next = (deliveries.map(\.at) + verdicts.map(\.at) + wakes).min() ?? end
            guard next <= end else { break }
            now = max(now, next)
            let due = deliveries.filter { $0.at <= now }
            deliveries.removeAll { $0.at <= now }
            for delivery in due {
                guard let host = hosts[delivery.to] else { continue }
                try attempt(delivery.to) {
                    try host.receive(delivery.bytes, from: delivery.from, at: instant)
                }
            }
            let checked = verdicts.filter { $0.at <= now }
            verdicts.removeAll { $0.at <= now }
            for check in checked {
                guard let host = hosts[check.to] else { continue }
                let vote = verdict(check.to, check.request)
                try attempt(check.to) {
                    try host.verified(check.request, vote, .unspecified, at: instant)
                }
            }
            for place in hosts.indices {
                guard let host = hosts[place], host.nextWake <= now else { continue }
                try attempt(place) { try host.wake(at: instant) }
            }
        }
        now = end
    }
}
