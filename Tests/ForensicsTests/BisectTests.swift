// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Storage
import TestSupport
import Testing

/// The command from which two ledgers, or a ledger and the rules, differ.
struct BisectTests {
    /// The last input before an entry of a log, as an index.
    private func lastInput(_ log: [Event], before entry: UInt64) -> UInt64? {
        log.indices.last { UInt64($0) < entry && !log[$0].isDerived }.map(UInt64.init)
    }

    private func isInput(_ log: [Event], _ entry: UInt64) -> Bool {
        Int(entry) < log.count && !log[Int(entry)].isDerived
    }

    @Test(arguments: [
        DifferenceKind.missing, .extra, .reordered, .otherTime, .equivocation, .fork,
        .otherMembership, .otherInput, .otherProposal,
    ])
    func `between two ledgers the command is the first input that differs`(
        _ kind: DifferenceKind
    ) throws {
        for seed in UInt64(0)..<30 {
            let quarrel = try Quarrel(kind, seed: seed)
            let shelf = Shelf()
            try shelf.write(quarrel.first, to: "/a")
            try shelf.write(quarrel.second, to: "/b")
            let found = try Bisection.between(("/a", "a"), ("/b", "b"), disk: shelf.disk)
            #expect(found.verdict == .different, "seed \(seed)")
            #expect(found.entry == quarrel.entry, "seed \(seed)")
            let isThere =
                isInput(quarrel.first, quarrel.entry) || isInput(quarrel.second, quarrel.entry)
            let expected =
                isThere ? quarrel.entry : lastInput(quarrel.first, before: quarrel.entry)
            #expect(found.command?.entry == expected, "seed \(seed): \(found.sentence)")
            #expect(found.components.map(\.component) == quarrel.components, "seed \(seed)")
            // Every component that differs has a key that says why.
            let told = Set(found.keys.map(\.component))
            let untold = found.components.map(\.component).filter { !told.contains($0) }
            #expect(untold.isEmpty, "seed \(seed)")
            for key in found.keys {
                #expect(key.first != key.second)
                #expect((key.first == nil) == key.firstEntries.isEmpty)
                #expect((key.second == nil) == key.secondEntries.isEmpty)
            }
            #expect(found.folded == 0)
            let twin = try Bisection.between(("/a", "a"), ("/a", "b"), disk: shelf.disk)
            #expect(twin.verdict == .same && twin.command == nil)
        }
    }

    @Test func `against the rules the command is the one whose consequences differ`() throws {
        for seed in UInt64(0)..<60 {
            let quarrel = try Quarrel(.otherDerivation, seed: seed)
            let shelf = Shelf()
            try shelf.write(quarrel.first, to: "/a")
            try shelf.write(quarrel.second, to: "/b")
            let right = try Bisection.againstRules(("/a", "a"), disk: shelf.disk)
            #expect(right.verdict == .same, "seed \(seed): \(right.sentence)")
            let wrong = try Bisection.againstRules(("/b", "b"), disk: shelf.disk)
            #expect(wrong.verdict == .different, "seed \(seed)")
            #expect(wrong.entry == quarrel.entry, "seed \(seed): \(wrong.sentence)")
            let isSeal = quarrel.first[Int(quarrel.entry)].tag == 76
            let isSealAlone =
                isSeal && quarrel.entry < UInt64(quarrel.second.count)
                && quarrel.second[Int(quarrel.entry)].tag == 76
            let expected =
                isSealAlone ? nil : lastInput(quarrel.second, before: quarrel.entry)
            #expect(wrong.command?.entry == expected, "seed \(seed): \(wrong.sentence)")
            if isSealAlone { #expect(!wrong.components.isEmpty, "seed \(seed)") }
        }
    }

    @Test func `an input that the rules refuse is the command`() throws {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.next()
        try scenario.cast(0, .approve, on: request)
        var twin = scenario
        try twin.seal()
        // The first vote again: the rules answer it and take no second.
        var log = scenario.log
        let place = UInt64(log.count)
        log.append(log[log.count - 1])
        log += twin.log.suffix(from: scenario.log.count)
        let shelf = Shelf()
        try shelf.write(log, to: "/a")
        let found = try Bisection.againstRules(("/a", "a"), disk: shelf.disk)
        #expect(found.verdict == .different)
        #expect(found.command?.entry == place)
        #expect(found.sentence.contains("refuse"), "\(found.sentence)")
    }

    @Test func `it looks from the newest snapshot on, and says so`() throws {
        var scenario = try CulpritLedgers.scenario()
        for _ in 0..<3 {
            try scenario.open()
            try scenario.seal()
        }
        let state = scenario.state
        let seal = try #require(scenario.seals.last)
        for _ in 0..<3 {
            try scenario.open()
            try scenario.seal()
        }
        let shelf = Shelf()
        // A flaw before the snapshot is not looked at, one behind it is.
        try shelf.write(scenario.log, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        _ = try SnapshotStore(ledgerDirectory: "/a", disk: shelf.disk).write(
            state.snapshot(), height: state.height, ledger: state.ledger,
            components: seal.components, size: state.size, log: log)
        let found = try Bisection.againstRules(("/a", "a"), disk: shelf.disk)
        #expect(found.verdict == .same)
        #expect(found.since == state.size)
        #expect(found.folded == log.size - state.size)
        let early = try Bisection.againstRules(("/a", "a"), height: 2, disk: shelf.disk)
        #expect(early.since == 2 && early.folded == 4, "\(early)")
        #expect(throws: BisectError.self) {
            try Bisection.againstRules(("/a", "a"), height: 7, disk: shelf.disk)
        }
        for height in UInt64(1)...6 {
            #expect(
                try Bisection.againstRules(("/a", "a"), height: height, disk: shelf.disk).verdict
                    == .same)
        }
    }

    @Test func `what has no entries, and two ledgers, cannot be judged`() throws {
        let shelf = Shelf()
        try shelf.write(try CulpritLedgers.scenario().log, to: "/a")
        try shelf.write(try LedgerScenario().log, to: "/b")
        let other = try Bisection.between(("/a", "a"), ("/b", "b"), disk: shelf.disk)
        #expect(other.verdict == .unjudged)
        #expect(throws: BisectError.self) {
            try Bisection.between(("/a", "a"), ("/none", "none"), disk: shelf.disk)
        }
        #expect(throws: BisectError.self) {
            try Bisection.againstRules(("/none", "none"), disk: shelf.disk)
        }
    }
}
