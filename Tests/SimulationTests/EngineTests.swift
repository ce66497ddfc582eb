// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation
import Testing

/// The bytes of an account, so that two can be compared whole.
private func bytes(of account: Account) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(account)
}

/// A short run of few nodes, in which everything goes wrong.
private func options(seed: UInt64) -> SimulationOptions {
    var options = SimulationOptions(seed: seed)
    options.nodes = 4
    options.byzantine = 1
    options.milliseconds = 4_000
    options.requestsPerMinute = 30
    return options
}

@Suite struct EngineTests {
    @Test func streamsOfOneSeedDifferByPurpose() {
        var first = SimulationRandom(seed: 1, "a", 0)
        var again = SimulationRandom(seed: 1, "a", 0)
        var other = SimulationRandom(seed: 1, "b", 0)
        var number = SimulationRandom(seed: 1, "a", 1)
        let value = first.next()
        #expect(value == again.next())
        #expect(value != other.next())
        #expect(value != number.next())
    }

    @Test func theSameSeedGivesTheSameAccountToTheByte() throws {
        var options = options(seed: 11)
        options.isVerbose = true
        let first = try bytes(of: Simulator(options).run())
        let second = try bytes(of: Simulator(options).run())
        #expect(first == second)
        options.seed = 12
        #expect(try bytes(of: Simulator(options).run()) != first)
    }

    @Test func anotherProcessGivesTheSameAccount() async throws {
        let account = Simulator(options(seed: 13)).run()
        let expected = String(decoding: try bytes(of: account), as: UTF8.self)
        // Dictionaries are seeded anew in each process.
        await #expect(processExitsWith: .success) { [expected = expected as String] in
            let account = Simulator(options(seed: 13)).run()
            let found = String(decoding: try bytes(of: account), as: UTF8.self)
            guard found == expected else { exit(1) }
        }
    }

    @Test func aRunStopsBeforeTheEventThatIsNamed() {
        var options = options(seed: 14)
        let whole = Simulator(options).run()
        options.until = 500
        let part = Simulator(options).run()
        #expect(part.events == 500)
        #expect(!part.isWhole)
        #expect(whole.isWhole)
        #expect(whole.timeline.starts(with: part.timeline))
    }
}
