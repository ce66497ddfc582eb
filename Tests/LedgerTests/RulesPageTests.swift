// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import TestSupport
import Testing

/// The page Rules, held against the code that it tells of.
@Suite("the page Rules")
struct RulesPageTests {
    private static let text: String = {
        let path = "Sources/recount/Recount.docc/Rules.md"
        let bytes = FileManager.default.contents(
            atPath: Vectors.repository.appendingPathComponent(path).path)
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }()

    /// The numbers of the rules by what the page calls them: points, milliseconds, bytes, counts.
    private static let numbers: [String: Int64] = [
        "Limits.unclosedMax": Int64(Limits.unclosedMax),
        "Limits.nullifiersMax": Int64(Limits.nullifiersMax),
        "Limits.publicInputsMax": Int64(Limits.publicInputsMax),
        "Limits.proofBytesMax": Int64(Limits.proofBytesMax),
        "Limits.submittersMax": Int64(Limits.submittersMax),
        "Limits.circuitsMax": Int64(Limits.circuitsMax),
        "Limits.verifyingKeyBytesMax": Int64(Limits.verifyingKeyBytesMax),
        "Limits.genesisRootsMax": Int64(Limits.genesisRootsMax),
        "Limits.voteLifeMilliseconds": Int64(Limits.voteLifeMilliseconds),
        "Limits.votesPerListMax": Int64(Limits.votesPerListMax),
        "Limits.timeoutMillisecondsMax": Int64(Limits.timeoutMillisecondsMax),
        "Limits.reputationAtJoining": points(Limits.reputationAtJoining),
        "Limits.reputationMax": points(Limits.reputationMax),
        "Limits.jobValidators": Int64(Limits.jobValidators),
        "Limits.jobAgreement": Int64(Limits.jobAgreement),
        "Limits.referenceBytesMax": Int64(Limits.referenceBytesMax),
        "Limits.membersMax": Int64(Limits.membersMax),
        "Limits.thresholdMax": Int64(Limits.thresholdMax),
        "Limits.validatorsMax": Int64(Limits.validatorsMax),
        "Limits.termsMax": Int64(Limits.termsMax),
        "Limits.commandsPerBatchMax": Int64(Limits.commandsPerBatchMax),
        "Limits.commandBytesPerBatchMax": Int64(Limits.commandBytesPerBatchMax),
        "Limits.closeBytesPerBatchMax": Int64(Limits.closeBytesPerBatchMax),
        "Limits.decisionBytesPerBatchMax": Int64(Limits.decisionBytesPerBatchMax),
        "Limits.conflictBytesMax": Int64(Limits.conflictBytesMax),
        "Limits.batchBytesMax": Int64(Limits.batchBytesMax),
        "Limits.entryBytesMax": Int64(Limits.entryBytesMax),
        "Limits.daysPerBatchMax": Int64(Limits.daysPerBatchMax),
        "Limits.refusedSendersMax": Int64(Limits.refusedSendersMax),
        "Parameters.threshold": Int64(standard.threshold),
        "Parameters.verificationMilliseconds": Int64(standard.verificationMilliseconds),
        "Parameters.jobMilliseconds": Int64(standard.jobMilliseconds),
        "Parameters.settlementMilliseconds": Int64(standard.settlementMilliseconds),
        "Parameters.reputationMin": points(standard.reputationMin),
        "Parameters.reputationMax": points(standard.reputationMax),
        "Parameters.stakeWeight": Int64(standard.stakeWeight),
        "Parameters.reputationWeight": Int64(standard.reputationWeight),
        "Parameters.unclosedMax": Int64(standard.unclosedMax),
        "Parameters.refusalsPerMinute": Int64(standard.refusalsPerMinute),
        "Parameters.jobFuelMax": Int64(standard.jobFuelMax),
        "Parameters.jobMemoryBytesMax": Int64(standard.jobMemoryBytesMax),
        "Parameters.jobInputBytesMax": Int64(standard.jobInputBytesMax),
        "Parameters.jobModuleBytesMax": Int64(standard.jobModuleBytesMax),
        "Parameters.jobMillisecondsMin": Int64(standard.jobMillisecondsMin),
        "ReputationScale.correct": ReputationScale.standard.correct,
        "ReputationScale.bonus": ReputationScale.standard.bonus,
        "ReputationScale.incorrect": ReputationScale.standard.incorrect,
        "ReputationScale.missed": ReputationScale.standard.missed,
        "ReputationScale.equivocation": ReputationScale.standard.equivocation,
        "ReputationScale.decay": Int64(ReputationScale.standard.decay),
    ]

    private static let standard = Parameters.standard

    private static func points(_ reputation: Reputation) -> Int64 {
        Int64(reputation.rawValue / 1_000)
    }

    @Test("has the numbers of the code, each once")
    func numbersAreThose() throws {
        let rows = Self.text.matches(
            of: /(?m)^\| (-?[0-9,]+)[^|]*\| `((?:Limits|Parameters|ReputationScale)\.\w+)` \|/)
        var found: [String: Int64] = [:]
        for row in rows {
            let name = String(row.2)
            #expect(found[name] == nil, "\(name) stands twice")
            found[name] = Int64(row.1.filter { $0 != "," })
        }
        for (name, number) in Self.numbers.sorted(by: { $0.key < $1.key }) {
            #expect(found[name] == number, "\(name)")
        }
        for name in found.keys { #expect(Self.numbers[name] != nil, "\(name) is not compared") }
    }

    @Test("names all refusals, and none that there is not")
    func refusalsAreThose() throws {
        let parts = Self.text.components(separatedBy: "\n## Refusals\n")
        try #require(parts.count == 2)
        let rows = parts[1].split(separator: "\n").filter { $0.hasPrefix("| ") }
        let named = Set(
            rows.flatMap { $0.matches(of: /`([a-z]\w+)`/).map { String($0.1) } })
        #expect(named.subtracting(Set(Refusal.allCases.map(\.jsonName))) == [])
        for refusal in Refusal.allCases {
            let isNamed = parts[1].contains("`\(refusal.jsonName)`")
            #expect(isNamed, "\(refusal.jsonName)")
        }
    }
}
