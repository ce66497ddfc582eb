// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

/// Derived events that are missing, added, changed or moved are found at the right entry.
@Suite(.enabled(if: Paraloom.isThere, skip))
struct DifferenceTests {
    private static let derivedKinds = EventType.allCases.filter(\.isDerived).map(\.jsonName)
    private static let scenario = Result { try LedgerScenario.everything().log }

    private func places(_ kind: String) throws -> (events: [Event], places: [Int]) {
        let events = try Self.scenario.get()
        let places = events.indices.filter { events[$0].kind == kind }
        #expect(!places.isEmpty)
        return (events, Array(places.prefix(3)))
    }

    private func first(_ events: [Event]) throws -> Finding? {
        let report = try TemporaryFolder().audit(events.map(\.encoded), .derivationOnly)
        #expect(report.checks.log == .passed)
        return report.findings.first
    }

    @Test(arguments: derivedKinds)
    func `a missing derived event is found`(_ kind: String) throws {
        let (events, places) = try places(kind)
        for place in places {
            var changed = events
            changed.remove(at: place)
            let finding = try first(changed)
            #expect(finding?.kind == .missing)
            #expect(finding?.entry == UInt64(place))
            #expect(finding?.expected.hasPrefix(kind) == true)
        }
    }

    @Test(arguments: derivedKinds)
    func `an added derived event is found`(_ kind: String) throws {
        let (events, places) = try places(kind)
        for place in places {
            var changed = events
            changed.insert(events[place], at: place + 1)
            let finding = try first(changed)
            #expect(finding?.kind == .added)
            #expect(finding?.entry == UInt64(place + 1))
            #expect(finding?.found.hasPrefix(kind) == true)
        }
    }

    @Test(arguments: derivedKinds)
    func `a changed derived event is found`(_ kind: String) throws {
        let (events, places) = try places(kind)
        for place in places {
            var changed = events
            changed[place] = events[place].altered
            #expect(changed[place] != events[place])
            let finding = try first(changed)
            let expected: [FindingKind] =
                kind == "batchSealed" ? [.componentRoot] : [.changed]
            #expect(expected.contains { $0 == finding?.kind })
            #expect(finding?.entry == UInt64(place))
        }
    }

    @Test(arguments: derivedKinds.filter { $0 != "batchSealed" })
    func `a derived event that was moved is found`(_ kind: String) throws {
        let (events, places) = try places(kind)
        for place in places {
            for other in [place - 1, place + 1] {
                let isSeal = events[other].kind == "batchSealed"
                if isSeal || events[other].kind == "batchOpened" { continue }
                var changed = events
                changed.swapAt(place, other)
                let finding = try first(changed)
                #expect(finding?.kind == .moved, "\(place) and \(other)")
                #expect(finding?.entry == UInt64(min(place, other)))
            }
        }
    }

    @Test func `a seal that was moved is found`() throws {
        let (events, places) = try places("batchSealed")
        for place in places.dropFirst() {
            var changed = events
            changed.swapAt(place, place - 1)
            let finding = try first(changed)
            #expect(finding?.entry == UInt64(place - 1))
        }
    }

    @Test func `a command that the rules refuse is found`() throws {
        let events = try Self.scenario.get()
        let votes = events.indices.filter { events[$0].kind == "voteCast" }
        var changed = events
        changed.insert(events[votes[0]], at: votes[0] + 1)
        let finding = try first(changed)
        #expect(finding?.kind == .refused)
        #expect(finding?.entry == UInt64(votes[0] + 1))
        #expect(finding?.expected.contains(Refusal.alreadyRecorded.description) == true)
    }
}

extension Event {
    /// The event with another value in one field.
    fileprivate var altered: Event {
        switch self {
        case .roundOpened(var event):
            event.threshold += 1
            return .roundOpened(event)
        case .outcomeDecided(var event):
            event.approvals += 1
            return .outcomeDecided(event)
        case .nullifierSpent(var event):
            event.nullifier = .zero
            return .nullifierSpent(event)
        case .nullifierReleased(var event):
            event.nullifier = .zero
            return .nullifierReleased(event)
        case .settlementOrdered(var event):
            event.amount = Amount(1)
            return .settlementOrdered(event)
        case .reputationChanged(var event):
            event.after = Reputation(event.after.rawValue + 1)
            return .reputationChanged(event)
        case .reputationDecayed(var event):
            event.day += 1
            return .reputationDecayed(event)
        case .equivocationFound(var event):
            event.validator = ValidatorIndex(event.validator.rawValue - 1)
            return .equivocationFound(event)
        case .disagreementRecorded(var event):
            event.sides.removeLast()
            return .disagreementRecorded(event)
        case .roundClosed(var event):
            event.cause = event.cause == .complete ? .deadline : .complete
            return .roundClosed(event)
        case .jobAssigned(var event):
            event.validators.reverse()
            return .jobAssigned(event)
        case .jobDecided(var event):
            event.decision = .timedOut
            return .jobDecided(event)
        case .batchSealed(var event):
            event.components[0] = .zero
            return .batchSealed(event)
        default: return self
        }
    }
}
