// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("whole ledgers")
struct GoldenLedgerTests {
    /// The state root of every batch and the last root of the log, one a line.
    private static func text(_ scenario: LedgerScenario) -> String {
        let seals = scenario.seals.map { "\($0.height.rawValue) \($0.size) \($0.stateRoot.hex)" }
        return (seals + ["log \(scenario.state.size) \(scenario.frontier.root.hex)"])
            .joined(separator: "\n") + "\n"
    }

    /// The golden ledgers, one of them without lists of votes.
    private static let names = [(name: "ledger.txt", hasLists: false), ("lists.txt", true)]

    @Test("sixty batches in which everything happens give the roots that they always gave")
    func golden() throws {
        for (name, hasLists) in Self.names {
            let scenario = try GoldenRun.play(seed: 1, hasLists: hasLists)
            let tags = Set(scenario.log.map(\.tag))
            #expect(tags.union(hasLists ? [] : [11]) == Set(EventGenerator.tags))
            #expect(scenario.seals.count == 61)
            let text = Self.text(scenario)
            if Golden.isRegenerating { try Golden.write(name, text) }
            #expect(try Golden.read(name) == Data(text.utf8))
        }
    }

    @Test("and give them in other processes, each with hashing seeded anew")
    func otherProcesses() async {
        for _ in 0..<2 {
            await #expect(processExitsWith: .success) {
                for (name, hasLists) in GoldenLedgerTests.names {
                    let text = GoldenLedgerTests.text(
                        try GoldenRun.play(seed: 1, hasLists: hasLists))
                    guard try Golden.read(name) == Data(text.utf8) else { exit(1) }
                }
            }
        }
    }

    @Test("folding the encoded events again gives the same component roots at every seal")
    func replayIsLive() throws {
        let scenario = try GoldenRun.play(seed: 2)
        var state = LedgerState()
        var frontier = MerkleFrontier()
        var seals = 0
        for event in scenario.log {
            let bytes = event.encoded
            if case .batchSealed(let sealed) = event {
                let components = state.componentRoots()
                #expect(components == sealed.components)
                #expect(StateRoot.combined(components) == sealed.stateRoot)
                #expect(sealed.root == frontier.root && sealed.size == frontier.count)
                seals += 1
            }
            try state.apply(Entry(decoding: bytes))
            frontier.append(leaf: bytes)
            if event.tag < 64 { #expect(EventType(rawValue: bytes[0]) == event.type) }
        }
        #expect(seals == 61)
        #expect(state.componentRoots() == scenario.state.componentRoots())
        #expect(frontier.root == scenario.frontier.root)
    }

    @Test("every input, derived again from the log alone, gives the events that follow it")
    func auditLaw() throws {
        for seed in 3...4 as ClosedRange<UInt64> {
            let log = try GoldenRun.play(seed: seed).log
            #expect(Refold.firstDifference(in: log, checkingSignatures: true) == nil)
        }
    }

    @Test("a derived event missing, added, changed or moved is found, at its place or before")
    func tampering() throws {
        let log = try GoldenRun.play(seed: 5, batches: 16, signs: false).log
        var random = SplitMix64(seed: 5)
        #expect(Refold.firstDifference(in: log, checkingSignatures: false) == nil)
        var tried: Set<UInt8> = []
        let derived = log.indices.dropLast().filter { log[$0].isDerived }
        for place in derived.shuffled(using: &random) {
            guard tried.count < 13, tried.insert(log[place].tag).inserted else { continue }
            var changed = EventGenerator(seed: UInt64(place))
            let next = log.indices.last { log[$0] != log[place] && $0 > place } ?? place
            var missing = log
            missing.remove(at: place)
            var added = log
            added.insert(log[place], at: place)
            var other = log
            other[place] = changed.event(log[place].tag)
            var moved = log
            moved.swapAt(place, next)
            for (bad, what) in [
                (missing, "missing"), (added, "added"), (other, "changed"), (moved, "moved"),
            ] {
                let found = Refold.firstDifference(in: bad, checkingSignatures: false)
                #expect(found != nil, "\(what) \(log[place].kind) at \(place)")
                #expect(found ?? 0 <= place + 1)
            }
        }
        #expect(tried.count >= 9)
    }
}
