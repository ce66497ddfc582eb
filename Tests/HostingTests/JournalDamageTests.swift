// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

@Suite struct JournalDamageTests {
    private typealias F = JournalFixture
    private let a = JournalFixture.value(1)
    private let b = JournalFixture.value(2)

    /// The entries of a journal in which these items were noted.
    private func entries(_ items: [JournalItem]) throws -> [[UInt8]] {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        try journal.note(items)
        try journal.close()
        return try F.entries(disk)
    }

    private func problem(_ entries: [[UInt8]]) throws -> (entry: UInt64, JournalProblem)? {
        let disk = try F.disk(entries: entries)
        return try F.problem { _ = try F.journal(disk) }
    }

    @Test func journalThatContradictsItselfNamesTheEntry() throws {
        let prevote = try entries([F.cast(.prevote, 5, 0, a)])[0]
        let other = try entries([F.cast(.prevote, 5, 0, b)])[0]
        let older = try entries([F.cast(.prevote, 4, 0, a)])[0]
        #expect(try problem([prevote, prevote]) == nil)
        var found = try #require(try problem([prevote, other]))
        #expect(found.0 == 1 && found.1 == .contradictory(.prevote(Height(5), round: 0)))
        found = try #require(try problem([prevote, older]))
        #expect(
            found.0 == 1
                && found.1 == .past(.prevote(Height(4), round: 0), spoken: Height(5)))
    }

    @Test func journalOfAnotherNamesTheEntry() throws {
        func tagged(_ vote: ConsensusVote) -> [UInt8] { [5] + vote.encoded }
        let own = (0..<3).map { F.vote(.prevote, 5, $0, a) }
        let foreign = F.vote(.prevote, 5, 9, a, by: F.peer)
        let slot = Slot.prevote(Height(5), round: 9)
        // The first is verified, whatever comes later, and those of the newest height.
        let later = F.vote(.prevote, 6, 0, a)
        for (votes, place) in [
            ([foreign, later], 0), (own + [foreign], 3), ([own[0], foreign, own[1]], 1),
        ] {
            let found = try #require(try problem(votes.map(tagged)))
            #expect(found.0 == place && found.1 == .notSigned(slot))
        }
    }

    @Test func heightOfSilenceStandsDirectlyBehindTheBeginning() throws {
        let begun: [UInt8] = [2] + Time(7).encoded
        let height: [UInt8] = [3] + Height(8).encoded
        let vote = try entries([F.cast(.prevote, 8, 0, a)])[0]
        let later = try entries([F.cast(.prevote, 9, 0, a)])[0]
        #expect(try problem([begun]) == nil)
        #expect(try problem([begun, height, later]) == nil)
        for (list, place) in [([height], 0), ([begun, later, height], 2)] {
            let found = try #require(try problem(list))
            #expect(found.0 == place && found.1 == .misplacedHeight)
        }
        let found = try #require(try problem([begun, height, vote]))
        #expect(
            found.0 == 2
                && found.1 == .silent(.prevote(Height(8), round: 0), through: Height(8)))
    }

    @Test func partsOfABatchThatDoNotFollowEachOtherNameTheEntry() throws {
        let parts = try entries([F.held(5, a, votes: 1000)])
        try #require(parts.count == 3)
        let others = try entries([F.held(5, b, votes: 1000)])
        let vote = try entries([F.received(5, 0, a)])[0]
        let lists: [([[UInt8]], UInt64, UInt32)] = [
            ([parts[1], parts[2]], 0, 0), ([parts[0], parts[2]], 1, 1),
            ([parts[0], parts[0]], 1, 1), ([parts[0], vote, parts[1], parts[2]], 1, 1),
            ([parts[0], parts[1]], 2, 2), ([parts[0], others[1], parts[2]], 1, 1),
            ([parts[0], parts[1], parts[2], parts[2]], 3, 0),
        ]
        for (list, place, number) in lists {
            let found = try #require(try problem(list))
            #expect(found.0 == place && found.1 == .partsMissing(number: number, of: 3))
        }
        #expect(try problem(parts + others) == nil)
    }

    @Test func partsThatAreNoBatchNameTheEntryWhenTheyAreRead() throws {
        var part = try entries([F.held(5, a)])[0]
        part[part.count - 1] = 9
        let disk = try F.disk(entries: [part])
        let journal = try F.journal(disk)
        let found = try F.problem { _ = try journal.consensusItems(from: Height(5)) }
        guard case (0, .batch)? = found else {
            Issue.record("what is no batch was taken for one")
            return
        }
    }

    @Test func everyTruncationAndEveryFlippedByteOfAnEntryIsSeen() throws {
        let items = [
            F.proposed(5, 1, a), F.cast(.prevote, 5, 1, a), F.cast(.precommit, 5, 1, nil),
            F.received(5, 1, a), F.held(5, a),
        ]
        for (number, item) in items.enumerated() {
            let entry = try entries([item])[0]
            for length in 1..<entry.count {
                let found = try #require(try problem([Array(entry[..<length])]))
                guard case (0, .undecodable) = found else {
                    Issue.record("item \(number), \(length) bytes: \(found)")
                    continue
                }
            }
            guard case (0, .undecodable)? = try problem([entry + [0]]) else {
                Issue.record("item \(number) with a byte behind it")
                continue
            }
            for place in entry.indices {
                var flipped = entry
                flipped[place] ^= 1 << UInt8(place % 8)
                let disk = try F.disk(entries: [flipped])
                do throws(JournalError) {
                    let journal = try F.journal(disk)
                    // What it holds now is what its bytes say: nothing else, and not this item.
                    let read = try journal.consensusItems(from: Height(0))
                    #expect(read != [item], "item \(number), byte \(place)")
                    // Nobody signs which index the validator's key has: the ledger says so.
                    if case .cast(let vote)? = read.first, number < 3 {
                        #expect(vote.validator != ValidatorIndex(0))
                    } else {
                        #expect(number >= 3, "item \(number), byte \(place)")
                    }
                } catch {
                    guard case .unusable(entry: 0, _) = error else {
                        Issue.record("item \(number), byte \(place): \(error)")
                        continue
                    }
                }
            }
        }
    }

    @Test(arguments: [UInt64](0..<4))
    func arbitraryBytesAreRefusedOrRead(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let samples = try entries([
            F.proposed(5, 1, a), F.cast(.prevote, 5, 1, a), F.received(5, 1, a), F.held(5, a),
        ])
        for number in 0..<500 {
            var entry: [UInt8]
            if number % 2 == 0 {
                entry = [UInt8(random.next() % 9)] + random.bytes(Int(random.next() % 300))
            } else {
                entry = samples[Int(random.next() % 4)]
                for _ in 0...(random.next() % 4) {
                    let place = Int(random.next() % UInt64(entry.count))
                    entry[place] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            let disk = try F.disk(entries: [entry])
            do throws(JournalError) {
                let journal = try F.journal(disk)
                let items = try journal.consensusItems(from: Height(0))
                #expect(items.count <= 1, "seed \(seed), entry \(number)")
            } catch {
                guard case .unusable = error else {
                    Issue.record("seed \(seed), entry \(number): \(error)")
                    continue
                }
            }
        }
    }

    @Test func everyTruncationAndEveryFlippedByteOfTheFileIsSeen() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let items = [F.received(5, 0, a), F.held(5, a), F.cast(.prevote, 5, 0, a)]
        try journal.note(items)
        try journal.note([F.cast(.precommit, 5, 0, a)])
        try journal.close()
        let path = try #require(disk.files.first { $0.contains("/segments/") })
        let bytes = try #require(disk.bytes(of: path))
        func read(_ changed: [UInt8]) throws -> [JournalItem]? {
            let copy = SimulatedDisk(copying: disk)
            copy.replace(path, with: changed)
            do throws(JournalError) {
                return try F.journal(copy).consensusItems(from: Height(5))
            } catch {
                guard case .log = error else { throw error }
                return nil
            }
        }
        #expect(try read(bytes)?.count == 4)
        for length in bytes.indices {
            #expect(try read(Array(bytes[..<length])) == nil, "\(length) bytes")
        }
        for place in bytes.indices {
            var flipped = bytes
            flipped[place] ^= 1 << UInt8(place % 8)
            #expect(try read(flipped) == nil, "byte \(place)")
        }
    }
}
