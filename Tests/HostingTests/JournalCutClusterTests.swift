// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hosting
import Ledger
import Replication
import Testing

@Suite("Hosts whose journals are cut")
struct JournalCutClusterTests {
    @Test("They go on through losses of power, and nobody is convicted", arguments: [UInt64](0..<4))
    func goesOn(seed: UInt64) throws {
        let setup = Setup.of(4, 3)
        let cluster = try Cluster(
            setup, journalBound: JournalGrowth(entries: 12, bytes: .max))
        var scenario = try LedgerScenario(setup)
        // Who is asked again after a start says something else: only the journal keeps it honest.
        var asked = 0
        cluster.verdict = { _, _ in
            asked += 1
            return asked % 5 == 0 ? .reject : .approve
        }
        let messages = (0..<12).map { _ in scenario.request() }
        for (number, message) in messages.enumerated() {
            cluster.submit(.request(message), to: [0, 1, 2, 3])
            try cluster.run(60 + 7 * UInt64(number))
            let place = number % 4
            cluster.hosts[place] = nil
            cluster.disks[place].restart(seed: seed &+ UInt64(number) &* 4)
            try cluster.open(place)
            try cluster.run(900)
        }
        try cluster.run(70_000)
        let first = try #require(cluster.hosts[0])
        for place in 0..<4 {
            let host = try #require(cluster.hosts[place])
            #expect(host.state.convictionCount == 0 && host.state.height == first.state.height)
            #expect(cluster.committed[place][host.state.height] == first.log.root)
            #expect(host.state.openRounds.isEmpty && host.state.decidedCount == 12)
            #expect(try #require(host.journalCut).height > Height(3))
            try checkWords(cluster.disks[place])
        }
    }

    /// No journal says two things in one slot, what was cut off included.
    private func checkWords(_ disk: SimulatedDisk) throws {
        var said: [Slot: ConsensusVote] = [:]
        var votes: [RequestID: Vote] = [:]
        var contradictions = 0
        let reading = try VoteJournal.forEachWord(in: "/node/journal", disk: disk) { word in
            switch word {
            case .cast(let vote):
                let earlier = said.updateValue(vote, forKey: vote.slot) ?? vote
                if earlier.value != vote.value || earlier.ground != vote.ground {
                    contradictions += 1
                }
            case .voted(let signed):
                let message = signed.vote
                if votes.updateValue(message.vote, forKey: message.request) ?? message.vote
                    != message.vote
                {
                    contradictions += 1
                }
            default: break
            }
        }
        #expect(contradictions == 0 && reading.unreadable == 0)
    }
}
