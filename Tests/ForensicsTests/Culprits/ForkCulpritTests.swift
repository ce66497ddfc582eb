// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Forensics
import Foundation
import Ledger
import Replication
import TestSupport
import Testing

/// Simulated forks, and everything that may be done to their journals.
struct ForkCulpritTests {
    /// How many forks are looked at in all: `RECOUNT_FORKS`, such as 10,000, or a few hundred.
    private static let forksWanted =
        ProcessInfo.processInfo.environment["RECOUNT_FORKS"].flatMap { Int($0) } ?? 240

    /// Hands signed histories in which two values were decided, by so many liars, to `body`.
    private static func forEachFork(
        _ liars: Int, _ body: (UInt64, ForkHistory) throws -> Void
    ) throws {
        var forks = 0
        var seed = UInt64(liars)
        while forks < (forksWanted + 5) / 6 {
            // Nothing of what happens rests on signatures, which cost most.
            var draft = ForkHistory(seed: seed, liars: liars, isSigned: false)
            draft.run()
            if draft.decided.count > 1 {
                var fork = ForkHistory(seed: seed, liars: liars)
                fork.run()
                try body(seed, fork)
                forks += 1
            }
            seed += 16
        }
    }

    /// Each that is proved is a liar, and each file convicts it by itself.
    private static func check(
        _ report: CulpritReport, _ fork: ForkHistory, _ label: Comment
    ) {
        let liars = Set((0..<fork.liars).map { ForkParties.name($0) })
        for proved in report.proved { #expect(liars.contains(proved.name), label) }
        for charged in report.proved + report.mustAnswer {
            let file = report.evidence[charged.file]
            let verdict = try? EvidenceFile(file.bytes).verdict()
            #expect(verdict?.keys.contains(charged.key) == true, label)
            let isClaim = charged.kind == "claim"
            #expect(verdict?.effect == (isClaim ? .accuses : .convicts), label)
        }
    }

    @Test(arguments: 4...9)
    func `both certificates and an honest journal of each side prove enough`(
        _ liars: Int
    ) throws {
        try Self.forEachFork(liars) { seed, fork in
            var shelf = try ForkShelf()
            var honestSides = 0
            for certificate in fork.decided.prefix(2) {
                try shelf.add(certificate: certificate)
                let signers = certificate.map { Int($0.validator.rawValue) }
                guard let witness = fork.honest.first(where: { signers.contains($0.number) })
                else { continue }
                honestSides += 1
                try shelf.add(journal: witness.journal, of: witness.number)
            }
            let report = try CulpritSearch.run(shelf.inputs)
            let label: Comment = "seed \(seed), \(liars) liars"
            Self.check(report, fork, label)
            let proved = Set(report.proved.map(\.key)).count
            if liars < ForkHistory.threshold {
                #expect(honestSides == 2, label)
                #expect(proved >= 2 * ForkHistory.threshold - ForkHistory.count, label)
            }
            #expect(report.isFound && report.unread.isEmpty, label)
        }
    }

    @Test(arguments: 4...9)
    func `no honest validator is proved by what is withheld, cut, edited or forged`(
        _ liars: Int
    ) throws {
        try Self.forEachFork(liars) { seed, fork in
            var random = SplitMix64(seed: seed)
            var shelf = try ForkShelf()
            for certificate in fork.decided where random.next() % 3 > 0 {
                try shelf.add(certificate: certificate)
            }
            for node in fork.honest where random.next() % 3 > 0 {
                try shelf.add(journal: Self.spoilt(node.journal, fork, &random), of: node.number)
            }
            try shelf.add(journal: Self.spoilt(fork.lies, fork, &random), of: 0)
            let report = try CulpritSearch.run(shelf.inputs)
            let label: Comment = "seed \(seed), \(liars) liars"
            Self.check(report, fork, label)
            try Self.answer(report, fork, label)
        }
    }

    /// A journal of which a part is missing, changed, or added by liars.
    private static func spoilt(
        _ journal: [TracedStatement], _ fork: ForkHistory, _ random: inout SplitMix64
    ) -> [TracedStatement] {
        var journal = journal
        switch random.next() % 4 {
        case 0: journal = Array(journal.prefix(Int.random(in: 0...journal.count, using: &random)))
        case 1: journal = journal.filter { _ in random.next() % 4 > 0 }
        default: break
        }
        for place in journal.indices where random.next() % 4 == 0 {
            guard case .vote(var vote) = journal[place] else { continue }
            switch random.next() % 5 {
            case 0: vote.value = fork.values.randomElement(using: &random)
            case 1: vote.ground = Int64(random.next() % 4) - 1
            case 2: vote.round = UInt32(random.next() % 4)
            case 3: vote.validator = ValidatorIndex(UInt16(random.next() % 12))
            default: vote.signature = .zero
            }
            journal.insert(.vote(vote), at: place)
        }
        // A liar signs in the name of one that is honest.
        let victim = fork.liars + Int(random.next() % UInt64(ForkHistory.count - fork.liars))
        for value in fork.values.prefix(3) {
            var vote = ForkHistory.vote(.precommit, 0, value, by: 0)
            vote.validator = ValidatorIndex(UInt16(victim))
            journal.append(.vote(vote))
            journal.append(ForkHistory.proposal(0, value, by: 0))
        }
        return journal
    }

    /// Whoever is honest and accused is cleared by its own journal.
    private static func answer(
        _ report: CulpritReport, _ fork: ForkHistory, _ label: Comment
    ) throws {
        for accused in report.mustAnswer {
            guard
                let node = fork.honest.first(where: { ForkParties.name($0.number) == accused.name })
            else { continue }
            guard case .claim(let claim) = report.evidence[accused.file].charge else {
                Issue.record("an accusation that is no claim; \(label)")
                continue
            }
            var shelf = try ForkShelf()
            try shelf.add(journal: node.journal, of: node.number)
            let answer = try ClaimAnswer(
                claim, journal: shelf.inputs.journals[0].path, ledger: ForkParties.ledger,
                disk: shelf.shelf.disk)
            let file = EvidenceFile(ledger: ForkParties.ledger, charge: .answer(answer))
            let verdict = try EvidenceFile(file.bytes).verdict()
            #expect(verdict.effect == .clears, "\(verdict.sentence); \(label)")
            #expect(verdict.keys == [accused.key], label)
        }
    }

    @Test func `a journal without the prevotes clears nobody`() throws {
        var accused = 0
        try Self.forEachFork(5) { _, fork in
            var shelf = try ForkShelf()
            for certificate in fork.decided.prefix(2) { try shelf.add(certificate: certificate) }
            let report = try CulpritSearch.run(shelf.inputs)
            for charged in report.mustAnswer {
                guard case .claim(let claim) = report.evidence[charged.file].charge else {
                    continue
                }
                accused += 1
                try shelf.add(journal: [], of: 9)
                let answer = try ClaimAnswer(
                    claim, journal: shelf.inputs.journals.last?.path ?? "",
                    ledger: ForkParties.ledger, disk: shelf.shelf.disk)
                let file = EvidenceFile(ledger: ForkParties.ledger, charge: .answer(answer))
                #expect(file.verdict().effect == .nothing)
            }
        }
        #expect(accused >= 3, "\(accused) accusations")
    }

    @Test func `one decision without lies is nothing`() throws {
        for seed in UInt64(0)..<40 {
            var history = ForkHistory(seed: seed, liars: 0)
            history.run()
            var shelf = try ForkShelf()
            for node in history.honest { try shelf.add(journal: node.journal, of: node.number) }
            for certificate in history.decided { try shelf.add(certificate: certificate) }
            let report = try CulpritSearch.run(shelf.inputs)
            #expect(!report.isFound, "seed \(seed): \(report.proved) \(report.mustAnswer)")
        }
    }
}
