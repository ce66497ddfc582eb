// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Ledger
import Node
import TestSupport
import Testing

@Suite("What validators announce", .serialized)
struct AnnouncingTests {
    @Test("validators that start twice announce themselves once")
    func once() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.validators = Array(configuration.validators.prefix(4))
        configuration.parameters.threshold = 3
        let network = try Networks.make(folder, configuration)
        let clock = ShiftedClock(Samples.start)
        let lines = try Samples.lines().filter {
            try Samples.expectation($0).outcome == "approved"
        }
        for count in 1...2 {
            let (summary, _) = try await runLocal(
                network, Array(lines.prefix(count)), clock: clock)
            #expect(summary.approved == 1)
            let said = try Networks.entries(network.nodes[0]).compactMap {
                if case .validatorAnnounced(let event) = $0 { event } else { nil }
            }
            #expect(said.map(\.validator.rawValue).sorted() == [0, 1, 2, 3])
            for event in said {
                #expect(event.announcement.number == 1 && !event.announcement.isJournalNew)
                #expect(event.announcement.engineVersion == ComputeEngine.version)
            }
        }
    }
}
