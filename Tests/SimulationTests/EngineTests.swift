// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

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
}
