// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// A small genuine ledger that seeds and targets start from, the same in every process.
struct LedgerSeeds: Sendable {
    /// Sealed, with a round decided and another open.
    private(set) var scenario: LedgerScenario
    /// The same without signatures, with a batch open.
    private(set) var unsigned: LedgerScenario
    /// Messages that the scenario takes next, signed.
    private(set) var signedMessages: [Message] = []
    /// What may follow the scenario's log, batch by batch.
    private(set) var tails: [[Event]] = []

    init() throws {
        scenario = try Self.play(signs: true)
        unsigned = try Self.play(signs: false)
        try unsigned.open()
        var later = scenario
        let start = later.log.count
        try later.open()
        let request = later.request()
        let job = later.job(7)
        signedMessages = [
            .request(request), .job(job),
            .vote(later.vote(0, .reject, on: request.id(in: later.ledger))),
            .vote(later.vote(1, .approve, on: request.id(in: later.ledger))),
            .vote(later.vote(2, .approve, on: request.id(in: later.ledger))),
            .vote(later.vote(3, .approve, on: request.id(in: later.ledger))),
            .governance(later.change(.stakeChanged(key: later.keys[1].publicKey, stake: Stake(7)))),
            later.evidence(
                3, later.vote(3, .approve, on: request.id(in: later.ledger)),
                later.vote(3, .reject, on: request.id(in: later.ledger))),
        ]
        for message in signedMessages { Self.offer(message, to: &later) }
        signedMessages.append(
            .settlement(later.settlement(request.id(in: later.ledger), .settled)))
        let id = job.id(in: later.ledger)
        if let entry = later.state.entry(of: id),
            let drawn = later.state.job(at: entry)?.assigned?.validators
        {
            for validator in drawn { signedMessages.append(.result(later.result(validator, id))) }
        }
        for message in signedMessages.suffix(4) { Self.offer(message, to: &later) }
        let middle = later.log.count
        try later.next(after: 86_400_000)
        try later.seal()
        tails = [
            Array(later.log[start...]), Array(later.log[start..<middle]),
            Array(later.log[middle...]),
        ]
    }

    /// Some are refused by then, which is as good a seed.
    private static func offer(_ message: Message, to scenario: inout LedgerScenario) {
        do throws(Refusal) { try scenario.send(message) } catch { return }
    }

    private static func play(signs: Bool) throws -> LedgerScenario {
        var scenario = try LedgerScenario(Setup.of(4, 3, signs: signs))
        try scenario.open()
        let first = try scenario.submit()
        try scenario.approve(0..<3, first)
        let second = try scenario.submit()
        try scenario.approve(0..<2, second)
        try scenario.send(.job(scenario.job()))
        try scenario.seal()
        return scenario
    }
}

/// The ledger.
let ledgerSeeds: LedgerSeeds = {
    do { return try LedgerSeeds() } catch { fatalError("the seeds cannot be made: \(error)") }
}()
