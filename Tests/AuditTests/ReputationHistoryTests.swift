// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger
import TestSupport
import Testing

/// What is read from the few entries that move reputations is what a fold of all gives.
struct ReputationHistoryTests {
    private static func log(_ events: [Event]) throws -> (TemporaryFolder, EventLog) {
        let folder = try TemporaryFolder()
        let path = try folder.write(events.map(\.encoded))
        return (folder, try LedgerDirectory.open(path))
    }

    @Test func `every reputation is that of the state, at every entry`() throws {
        let events = try LedgerScenario.everything().log
        let (folder, log) = try Self.log(events)
        defer { withExtendedLifetime(folder) {} }
        var moved = 0
        for entry in stride(from: UInt64(0), to: log.size, by: 11) {
            let state = try Replay.state(of: log, at: .entry(entry))
            for (place, validator) in state.validators.enumerated() {
                let index = ValidatorIndex(UInt16(place))
                let history = try ReputationHistory(of: validator.name, in: log, to: entry)
                #expect(history.names == LedgerNames(state))
                let way = try #require(try history.way())
                #expect(way.reputation == validator.reputation, "entry \(entry)")
                #expect(way.isMember == validator.isMember && way.key == validator.key)
                moved += way.steps.count
                let key = validator.key.hex.uppercased()
                for name in [validator.name, "\(place)", key] {
                    let same = try ReputationHistory(of: name, in: log, to: entry)
                    #expect(same.meant == [index])
                }
            }
        }
        #expect(moved > 100)
        #expect(throws: ReplayError.self) {
            try ReputationHistory(of: "0", in: log, to: log.size)
        }
        #expect(try ReputationHistory(of: "nobody", in: log).way() == nil)
    }

    /// Changes one event of a kind, so that it does not follow what is before it.
    @Test(arguments: ["reputationChanged", "reputationDecayed", "governanceApproved"])
    func `an entry that does not follow is named`(_ kind: String) throws {
        var events = try LedgerScenario.everything().log
        let place = try #require(events.lastIndex { $0.kind == kind })
        switch events[place] {
        case .reputationChanged(var changed):
            changed.before = Reputation(changed.before.rawValue + 1)
            events[place] = .reputationChanged(changed)
        case .reputationDecayed(let decayed):
            events[place] = .reputationDecayed(ReputationDecayed(day: decayed.day + 1))
        case .governanceApproved(var approved):
            approved.number += 1
            events[place] = .governanceApproved(approved)
        default: return
        }
        let (folder, log) = try Self.log(events)
        defer { withExtendedLifetime(folder) {} }
        #expect {
            let names = try ReputationHistory(of: "0", in: log).names
            for name in names.validators {
                _ = try ReputationHistory(of: name, in: log).way()
            }
        } throws: { error in
            guard case .cannotFollow(let entry, _) = error as? ReplayError else { return false }
            return entry == UInt64(place)
        }
    }
}
