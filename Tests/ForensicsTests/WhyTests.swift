// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import TestSupport
import Testing

/// What is explained is recounted as the log says, from a chain of which no link can be left out.
struct WhyTests {
    /// A log of a run in which everything happens, on a simulated disk.
    private struct Told {
        let log: EventLog
        let events: [Event]
        let state: LedgerState

        init(seed: UInt64, batches: Int = 16) throws {
            let scenario = try GoldenRun.play(seed: seed, batches: batches)
            events = scenario.log
            state = scenario.state
            let shelf = Shelf()
            try shelf.write(events, to: "/a")
            log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        }

        /// Everything that can be asked of the run.
        var things: [Thing] {
            var things: [Thing] = state.validators.map { .validator($0.name) }
            for (entry, event) in events.enumerated() {
                switch event {
                case .requestSubmitted: things.append(.request("\(entry)"))
                case .jobSubmitted: things.append(.job("\(entry)"))
                case .nullifierSpent(let spent): things.append(.nullifier(spent.nullifier.hex))
                case .batchOpened(let opened):
                    things.append(.leader(opened.height.rawValue))
                    things.append(.batch(opened.height.rawValue))
                case .reputationChanged: things.append(.entry(UInt64(entry)))
                default: continue
                }
            }
            return things
        }
    }

    /// More than a thousand values, in eight runs.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `no link of a chain can be left out`(_ seed: UInt64) throws {
        let told = try Told(seed: seed)
        var random = SplitMix64(seed: seed)
        var kinds: Set<String> = []
        let things = told.things.shuffled(using: &random).prefix(130)
        #expect(things.count == 130)
        for thing in things {
            let why = try Explanation.of([thing], in: told.log, path: "home")
            #expect(why.stated == why.recounted, "\(thing)")
            #expect(!why.sentences.isEmpty && !why.proof.isEmpty)
            kinds.insert(why.chain.kind.rawValue)
            for place in why.chain.links.indices {
                #expect(
                    why.chain.without(place).value != why.recounted,
                    "seed \(seed), \(thing), link \(why.chain.links[place].label)")
            }
        }
        // Not every run approves a request, so that a nullifier is spent.
        #expect(kinds.count >= (seed == 3 ? 6 : 5), "\(kinds)")
    }

    @Test func `a log that states something else is told`() throws {
        var events = try Quarrel(.longer, seed: 1).first
        let place = try #require(events.firstIndex { $0.kind == "outcomeDecided" })
        guard case .outcomeDecided(var decided) = events[place] else { return }
        decided.margin += 1
        events[place] = .outcomeDecided(decided)
        let shelf = Shelf()
        try shelf.write(events, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        let why = try Explanation.of(
            [.request("\(decided.request.rawValue)")], in: log, path: "home")
        #expect(!why.holds)
        #expect(why.stated != why.recounted)
    }

    @Test func `a request is told in sentences with rules, amounts and entries`() throws {
        let events = try Quarrel(.longer, seed: 1).first
        let place = try #require(events.firstIndex { $0.kind == "outcomeDecided" })
        guard case .outcomeDecided(let decided) = events[place] else { return }
        let shelf = Shelf()
        try shelf.write(events, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        let entry = decided.request.rawValue
        let why = try Explanation.of([.request("\(entry)")], in: log, path: "home")
        let text = why.sentences.map(\.text).joined(separator: "\n")
        #expect((7...14).contains(why.sentences.count), "\(text)")
        #expect(text.contains("party-0"))
        #expect(text.contains("every signature holds"))
        #expect(text.contains("does not hold; the votes of"), "the proof of a fixture is false")
        #expect(why.sentences.contains { $0.entry == UInt64(place) && $0.rule != nil })
        #expect(why.proof.hasPrefix("recount prove request home "))
    }

    @Test func `names are read, and what is none is refused`() throws {
        #expect(Thing.parse("12") == [.entry(12)])
        #expect(Thing.parse("validator-8") == [.validator("validator-8")])
        #expect(Thing.parse("leader:3") == [.leader(3)])
        #expect(Thing.parse("batch:x") == nil)
        #expect(Thing.parse("thing:3") == nil)
        #expect(Thing.parse("request:") == nil)
        #expect(Thing.parse("") == nil)
        #expect(
            Thing.parse("3F")
                == [.validator("3F"), .request("3f"), .job("3f"), .nullifier("3f")])
        let told = try Told(seed: 9, batches: 3)
        for thing: Thing in [
            .entry(1 << 40), .validator("nobody"), .leader(0), .batch(99), .request("zz"),
            .nullifier("00ff00ff"), .job("ffffffffff"),
        ] {
            #expect(throws: WhyError.self, "\(thing)") {
                try Explanation.of([thing], in: told.log, path: "home")
            }
        }
    }
}
