// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// The ledgers that many of these tests audit.
extension LedgerScenario {
    /// A ledger in which every kind of event occurs. Of its false proof 8 and 9 lie, of its true
    /// one 9.
    ///
    /// Batches: a false proof rejected; a true one approved with three absent and one liar; its
    /// settlement, a job, a replayed nullifier; a day later decay, deadlines, evidence, results; a
    /// second withdrawal approved and its settlement failed; a change by seven validators; an
    /// announcement; a round that times out. The last vote of the second withdrawal is a list.
    static func everything(keepsStates: Bool = false) throws -> LedgerScenario {
        var setup = try Setup.paraloom("native", "spl")
        setup.keepsStates = keepsStates
        var scenario = try LedgerScenario(setup)
        var native = RequestID(.zero)
        try scenario.batch(seconds: 1) { scenario in
            let lie = try scenario.submit(try Paraloom.request("native", proofOf: "spl"))
            try scenario.approve(8..<10, lie)
            try scenario.reject(0..<8, lie)
            native = try scenario.submit(try Paraloom.request("native", timestamp: 1))
            try scenario.cast(9, .reject, on: native)
        }
        try scenario.batch(seconds: 2) { try $0.approve(0..<7, native) }
        let job = scenario.job()
        try scenario.batch(seconds: 3) { scenario in
            try scenario.send(.settlement(scenario.settlement(native, .settled)))
            let again = try Paraloom.request("native", timestamp: 2)
                .signed(by: scenario.submitter, in: scenario.ledger)
            try scenario.record(.request(again))
            try scenario.send(.job(job))
        }
        try scenario.batch(seconds: 86_400) { scenario in
            try scenario.report(job.id(in: scenario.ledger))
            try scenario.send(
                scenario.evidence(
                    9, scenario.vote(9, .approve, on: native),
                    scenario.vote(9, .reject, on: native)))
        }
        var second = RequestID(.zero)
        try scenario.batch(seconds: 86_401) { scenario in
            second = try scenario.submit(try Paraloom.request("spl"))
            try scenario.approve(0..<9, second)
            try scenario.send(.votes(scenario.list(9, [(second, .approve)])))
            let root = Change.rootPublished(circuit: CircuitIndex(1), root: Fixture.element(1))
            try scenario.send(.governance(scenario.change(root)))
        }
        try scenario.batch(seconds: 86_402) { scenario in
            try scenario.send(.settlement(scenario.settlement(second, .failed)))
            try scenario.send(.announcement(scenario.announcement(0, 1)))
        }
        try scenario.batch(seconds: 86_403) { scenario in
            _ = try scenario.submit(try Paraloom.request("spl", timestamp: 7))
        }
        try scenario.batch(seconds: 86_440)
        return scenario
    }

    /// Takes in the results of a job, of which the third is another.
    private mutating func report(_ job: JobID) throws {
        guard let entry = state.entry(of: job), let assigned = state.job(at: entry)?.assigned
        else { return }
        for (place, validator) in assigned.validators.enumerated() {
            try send(.result(result(validator, job, output: place == 2 ? 4 : 3)))
        }
    }

    /// A ledger without circuits, small enough to change its every byte.
    static func small() throws -> LedgerScenario {
        var scenario = try LedgerScenario(.small)
        try scenario.batch(seconds: 1)
        return scenario
    }
}

extension Setup {
    /// Two validators, who must agree, and no circuits.
    static var small: Setup {
        var setup = Setup.of(2, 2)
        setup.circuits = []
        return setup
    }

    /// Ten validators of different stakes, seven of whom decide, and the circuits of these proofs.
    static func paraloom(_ names: String...) throws -> Setup {
        var setup = Setup.of(10, 7)
        setup.stakes = (0..<10).map { 1000 + $0 }
        setup.circuits = try names.map { try Paraloom.circuit($0) }
        return setup
    }
}
