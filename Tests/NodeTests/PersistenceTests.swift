// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// What running nodes owe to their disks, and to those who share them.
@Suite("Running nodes and their folders", .serialized)
struct RunningFolderTests {
    @Test("a spool that clients fill while nodes run is emptied, and what is right is decided")
    func spool() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let right = try nodes.requests(8)
        // Many more than are read at once, of roots that nobody published.
        let key = nodes.network.submitters[0].key
        let wrong = (0..<600).map { number in
            var request = right[0]
            request.publicInputs[0] =
                Digest(hashing: [UInt8(number & 255), UInt8(number >> 8)])
                .value
            var bytes = request.publicInputs[0].bytes
            bytes[31] = 0
            request.publicInputs[0] = Bytes32(bytes) ?? .zero
            return request.signed(by: key, in: nodes.network.ledger)
        }
        let spool = Spool(home: nodes.network.nodes[1].path)
        let ledger = nodes.network.ledger
        let client = Task.detached {
            for start in stride(from: 0, to: wrong.count, by: 50) {
                let some = wrong[start..<min(wrong.count, start + 50)].map(Message.request)
                _ = try spool.put(some, in: ledger)
                if start / 50 < right.count {
                    _ = try spool.put([.request(right[start / 50])], in: ledger)
                }
            }
        }
        try await client.value
        let isDone = try await nodes.wait {
            try spool.names().isEmpty && nodes.approved(right, by: 0) == right.count
        }
        #expect(isDone)
        let refused = try wrong.prefix(50).map { request in
            try spool.refusal(of: request.id(in: ledger).digest) != nil
        }
        // Word of the newest refusals stays; nothing is lost without a word while there is room.
        #expect(refused.allSatisfy { $0 })
        #expect(nodes.stop().isEmpty)
    }

    @Test("a validator whose journal is begun anew says nothing until its old words are void")
    func silence() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let clock = ShiftedClock(Samples.start)
        var nodes = try RunningNodes(network, [0, 1, 2, 3], clock: clock)
        let requests = try nodes.requests(3)
        nodes.node(0)?.submit(.request(requests[0]))
        #expect(try await nodes.wait { nodes.approved(requests, by: 3) == 1 })
        #expect(nodes.stop().isEmpty)
        try FileManager.default.removeItem(atPath: network.nodes[3].journalDirectory)
        let begun = try NodeJournals.beginAnew(
            at: network.nodes.map(\.path), named: [], clock: clock)
        #expect(begun.map(\.name) == [network.nodes[3].validator])
        let until = try #require(begun.first?.silentUntil)
        nodes = try RunningNodes(network, [0, 1, 2, 3], clock: clock)
        nodes.node(3)?.submit(.request(requests[1]))
        #expect(try await nodes.wait { nodes.approved(requests, by: 0) == 2 })
        try await Task.sleep(for: .seconds(2))
        func votes(_ request: RequestMessage) -> [ValidatorIndex]? {
            let id = request.id(in: network.ledger)
            return nodes.state { state in
                guard let entry = state.entry(of: id), let round = state.openRound(at: entry)
                else { return nil }
                return round.votes.compactMap { $0?.event.validator }.sorted()
            } ?? nil
        }
        // The others have voted; its own vote is lacking though its node has the request.
        #expect(votes(requests[1]) == [0, 1, 2].map { ValidatorIndex($0) })
        clock.step(milliseconds: Int64(until.rawValue - clock.now().rawValue) + 1_000)
        // A batch has to carry ledger time beyond the silence.
        #expect(try await nodes.wait { $0.time > until })
        nodes.node(0)?.submit(.request(requests[2]))
        let third = requests[2].id(in: network.ledger)
        #expect(
            try await nodes.wait { state in
                guard let entry = state.entry(of: third) else { return false }
                // With four votes it closes at once.
                return state.decided(at: entry)?.votes.compactMap { $0 }.count == 4
            })
        #expect(nodes.state { $0.convictionCount } == 0)
        #expect(nodes.stop().isEmpty)
    }
}
