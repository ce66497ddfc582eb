// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import Testing

/// Four validators of whom the last comes late, with an empty ledger and a head that it trusts.
final class JoiningCase {
    static let late = 3
    let cluster: Cluster
    private var messages: [RequestMessage]

    /// Three of them have decided on `requests` requests.
    init(requests: Int = 12, delay: UInt64 = 5, snapshotEntries: UInt64 = 40) throws {
        let setup = Setup.of(4, 3)
        cluster = try Cluster(setup, delay: delay, snapshotEntries: snapshotEntries)
        var scenario = try LedgerScenario(setup)
        messages = (0..<100).map { _ in scenario.request() }
        try cluster.hosts[Self.late]?.close()
        cluster.hosts[Self.late] = nil
        try cluster.run(200)
        try decide(requests)
    }

    /// Lets the others decide on some more, one after the other.
    func decide(_ count: Int) throws {
        for _ in 0..<count {
            cluster.submit(.request(messages.removeFirst()), to: [0, 1, 2])
            try cluster.run(900)
        }
    }

    /// Adds circuits until a snapshot takes more than one part.
    func grow() throws {
        let scenario = try LedgerScenario(cluster.setup)
        let constants = (0..<60).map { InputBinding.constant(Fixture.element($0)) }
        for number in 0..<UInt64(170) {
            let circuit = Fixture.circuit(
                "c\(number)", [.root, .nullifier, .amount, .recipient] + constants)
            let message = scenario.change(.circuitRegistered(circuit), number: number)
            cluster.submit(.governance(message), to: [0, 1, 2])
            if number % 60 == 59 { try cluster.run(1_000) }
        }
    }

    /// The late one begins, with a head of what another has.
    func join(trusting head: TreeHead? = nil) throws {
        let log = try #require(cluster.hosts[0]?.log)
        cluster.trusted[Self.late] = head ?? TreeHead(size: log.size, root: log.root)
        try cluster.open(Self.late)
    }

    /// The late one loses its ledger, and has its journal.
    func loseLedger() throws {
        let disk = cluster.disks[Self.late]
        cluster.hosts[Self.late] = nil
        disk.restart(seed: 1)
        disk.healFaults()
        for name in try disk.list("/node") where name != "journal" {
            try disk.removeTree("/node/\(name)")
        }
        try disk.syncDirectory("/node")
        try ReplicaHost.createLedger(
            directory: "/node", disk: disk, opened: Fixture.opened(cluster.setup))
    }

    var host: ReplicaHost? { cluster.hosts[Self.late] }

    var told: String { cluster.notices[Self.late].joined(separator: "\n") }

    /// Where the late one stands, and what it has told last.
    var account: String {
        let last = cluster.notices[Self.late].suffix(8).joined(separator: "; ")
        guard let host else { return "not open; \(last)" }
        let place =
            "height \(host.state.height.rawValue) of"
            + " \(cluster.hosts[0]?.state.height.rawValue ?? 0), entries \(host.log.size)"
        let phase = host.isJoining ? "joining" : host.isBackfilling ? "backfilling" : "whole"
        return "\(phase), \(place); \(last)"
    }

    /// Runs until the late one has the whole ledger; returns whether it came to that.
    func runUntilWhole(_ milliseconds: UInt64 = 60_000) throws -> Bool {
        for _ in 0..<(milliseconds / 100) {
            if let host, !host.isJoining, !host.isBackfilling,
                host.state.height == cluster.hosts[0]?.state.height
            {
                return true
            }
            try cluster.run(100)
        }
        return false
    }

    /// Whether the late one has the same entries as the first, byte for byte.
    func checkEqual() throws {
        let first = try #require(cluster.hosts[0]?.log)
        let log = try #require(host?.log)
        try #require(log.size == first.size)
        #expect(log.root == first.root)
        for place in 0..<log.size {
            #expect(try log.entry(at: place) == first.entry(at: place))
        }
        let names = try cluster.disks[Self.late].list("/node")
        #expect(names == ["journal", "ledger"])
    }
}

extension PeerMessage {
    /// The message in these bytes; nil where there is none.
    static func of(_ bytes: [UInt8]) -> PeerMessage? {
        do { return try PeerMessage(decoding: bytes) } catch { return nil }
    }
}
