// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import Testing

@Suite("Starting from far behind")
struct JoiningTests {
    @Test("A node starts at a snapshot, decides with the others, and fetches what is before it")
    func joins() throws {
        let joining = try JoiningCase()
        let cluster = joining.cluster
        // At first nobody gives it an old batch.
        var holdsBack = true
        cluster.change = { _, to, bytes in
            guard holdsBack, to == JoiningCase.late, case .batch(let batch)? = PeerMessage.of(bytes)
            else { return bytes }
            return batch.precommits.height.rawValue < 5 ? nil : bytes
        }
        try joining.join()
        #expect(joining.host?.isJoining == true)
        try cluster.run(1_000)
        let host = try #require(joining.host)
        #expect(!host.isJoining)
        #expect(host.isBackfilling)
        #expect(host.log.size < host.ledgerSize)
        let before = host.state.height
        #expect(joining.told.contains("starts from the snapshot"))
        // Without one of the others its precommit is needed.
        cluster.hosts[1] = nil
        try joining.decide(3)
        #expect(host.state.height.rawValue >= before.rawValue + 3)
        #expect(host.isBackfilling)
        #expect(host.state.height == cluster.hosts[0]?.state.height)
        holdsBack = false
        #expect(try joining.runUntilWhole())
        #expect(joining.told.contains("has every entry before the snapshot"))
        #expect(joining.told.contains("holds the whole ledger"))
        try joining.checkEqual()
        // And it goes on with the one log, also after opening it again.
        try joining.decide(1)
        try joining.checkEqual()
        try host.close()
        try cluster.open(JoiningCase.late)
        try joining.decide(1)
        try joining.checkEqual()
    }

    @Test("A node that nobody has answered for long asks all of them again")
    func asksAgain() throws {
        let joining = try JoiningCase()
        var isCut = true
        joining.cluster.change = { _, to, bytes in
            guard isCut, to == JoiningCase.late, case .snapshotPart? = PeerMessage.of(bytes)
            else { return bytes }
            return nil
        }
        try joining.join()
        // Longer than three peers may each be silent before they are asked no more.
        try joining.cluster.run(40_000)
        #expect(joining.host?.isJoining == true)
        isCut = false
        #expect(try joining.runUntilWhole())
        try joining.checkEqual()
    }

    @Test("A node that lacks older entries serves those that it has, and no snapshot")
    func servesWhatItHas() throws {
        let joining = try JoiningCase()
        let cluster = joining.cluster
        cluster.change = { _, to, bytes in
            guard to == JoiningCase.late, case .batch(let batch)? = PeerMessage.of(bytes),
                batch.precommits.height.rawValue < 5
            else { return bytes }
            return nil
        }
        try joining.join()
        try cluster.run(1_000)
        try joining.decide(3)
        let host = try #require(joining.host)
        #expect(host.isBackfilling)
        func answers(_ message: PeerMessage) throws -> [PeerMessage] {
            cluster.now += 1_000
            return try host.receive(
                message.encoded, from: ValidatorIndex(0), at: cluster.instant
            ).compactMap { output in
                if case .send(let bytes, ValidatorIndex(0)) = output {
                    PeerMessage.of(bytes)
                } else {
                    nil
                }
            }
        }
        func heights(from height: UInt64) throws -> [UInt64] {
            let status = Status(
                height: Height(height), round: .max, hasProposal: false, prevotes: [],
                precommits: [], wanted: [])
            return try answers(.status(status)).compactMap { message in
                if case .batch(let batch) = message {
                    batch.precommits.height.rawValue
                } else {
                    nil
                }
            }
        }
        let last = host.state.height.rawValue
        #expect(try heights(from: last - 1) == [last - 1, last])
        #expect(try heights(from: 2).isEmpty)
        #expect(try heights(from: 6).isEmpty)
        let want = SnapshotWant(checkpointSize: host.ledgerSize, snapshotSize: 0, offset: 0)
        #expect(try answers(.wantSnapshot(want)).contains(.snapshotPart(.none(for: want))))
    }

    @Test("Without a snapshot under the checkpoint every batch is replayed")
    func replaysWithoutSnapshot() throws {
        let joining = try JoiningCase(requests: 4, snapshotEntries: 100_000)
        try joining.join()
        #expect(try joining.runUntilWhole())
        #expect(joining.told.contains("nobody has a snapshot"))
        try joining.checkEqual()
    }

    @Test("A node goes on asking where nobody answers")
    func goesOnAsking() throws {
        let joining = try JoiningCase()
        joining.cluster.isCut = { $0 == JoiningCase.late || $1 == JoiningCase.late }
        try joining.join()
        try joining.cluster.run(20_000)
        #expect(joining.host?.isJoining == true)
        joining.cluster.isCut = { _, _ in false }
        #expect(try joining.runUntilWhole())
        #expect(joining.told.contains("starts from the snapshot"))
        try joining.checkEqual()
    }
}
