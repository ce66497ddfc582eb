// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import Cryptography
import EventLog
import Forensics
import Foundation
import Ledger
import Projections
import TestSupport
import Testing

/// Where an index says that things stand, they are explained as a fold explains them, whatever it
/// says.
struct WhyIndexTests {
    /// A log of a run in which everything happens, with its projections.
    private struct Indexed {
        let folder: TemporaryFolder
        let log: EventLog
        let events: [Event]
        /// The numbers of all who ever were validators.
        let names: [String]
        let index: ProjectionsIndex

        init(seed: UInt64, parameters: Parameters = .standard) throws {
            folder = try TemporaryFolder()
            let run = try GoldenRun.play(seed: seed, batches: 16, parameters: parameters)
            events = run.log
            names = run.state.validators.indices.map { "\($0)" }
            let path = folder.file("ledger")
            let writing = try EventLog.create(directory: path, disk: POSIXDisk())
            for event in events {
                _ = try writing.stage(event.encoded)
                if event.tag == 76 { try writing.commit() }
            }
            try writing.close()
            log = try EventLog.open(directory: path, disk: POSIXDisk(), access: .readOnly)
            #expect(ProjectionsIndex(of: log) == nil)
            _ = try Projections.rebuild(ledgerDirectory: path, log: log)
            index = try #require(ProjectionsIndex(of: log))
        }

        func openings() -> [UInt64] {
            events.indices.filter { events[$0].tag == 1 }.map { UInt64($0) }
        }

        func requests() -> [UInt64] {
            events.indices.filter { events[$0].kind == "requestSubmitted" }.map { UInt64($0) }
        }

        /// Everything that an index is asked for.
        func things() -> [Thing] {
            var things = names.map(Thing.validator)
            for (entry, event) in events.enumerated() {
                switch event {
                case .requestSubmitted, .outcomeDecided, .voteCast:
                    things.append(.entry(UInt64(entry)))
                    if event.tag == 2 { things.append(.request("\(entry)")) }
                case .nullifierSpent(let spent):
                    things.append(.nullifier(String(spent.nullifier.hex.prefix(20))))
                case .batchOpened(let opened):
                    things.append(.leader(opened.height.rawValue))
                    things.append(.batch(opened.height.rawValue))
                default: continue
                }
            }
            return things
        }

        func explain(_ things: [Thing], _ index: (any LedgerIndex)?) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            let why = try Explanation.of(things, in: log, path: "home", index: index)
            return String(decoding: try encoder.encode(why), as: UTF8.self)
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `everything is explained as a fold explains it`(_ seed: UInt64) throws {
        let run = try Indexed(seed: seed)
        for thing in run.things() {
            #expect(
                try run.explain([thing], run.index) == run.explain([thing], nil), "\(thing)")
        }
        // The index is of use: what it says is borne out.
        var (read, closed, standing) = (0, 0, 0)
        for entry in run.requests() {
            guard let places = run.index.request(called: "\(entry)") else { continue }
            closed += 1
            let history = try RequestHistory.read(places, in: run.log)
            let folded = try RequestHistory.find(.entry(entry), in: run.log)
            #expect(history.votes.map(\.program) == folded.votes.map(\.program))
            #expect(history.votes.map(\.entry) == folded.votes.map(\.entry))
            #expect(history.round.pinned == folded.round.pinned)
            #expect(history.events.map(\.index) == folded.events.map(\.index))
            #expect(history.decision?.entry == folded.decision?.entry)
            let refusals = run.events.indices.map { UInt64($0) }.filter { place in
                place > places.closed && run.events[Int(place)].kind == "messageRefused"
            }
            let whole = try RequestHistory.read(places, in: run.log, refusals: refusals)
            #expect(whole.refused.map(\.entry) == folded.refused.map(\.entry))
            read += 1
        }
        for opening in run.openings() {
            guard let places = run.index.standing(atOpening: opening) else { continue }
            do { _ = try Standing.read(places, in: run.log) } catch { continue }
            standing += 1
        }
        #expect(read == closed && closed > 2 && standing > 2, "\(read) \(closed) \(standing)")
    }

    @Test func `bare digits are looked up in order`() throws {
        let run = try Indexed(seed: 2)
        let request = try #require(
            run.requests().first { run.index.request(called: "\($0)") != nil })
        let history = try RequestHistory.find(.entry(request), in: run.log)
        let digits = String(history.round.id.hex.prefix(12))
        let things = try #require(Thing.parse(digits))
        #expect(things.count == 4)
        #expect(try run.explain(things, run.index) == run.explain([.request(digits)], nil))
    }

    /// An index that says something else of one place.
    private struct Lying: LedgerIndex {
        let index: ProjectionsIndex
        let request: (inout RequestPlaces) -> Void
        let standing: (inout StandingPlaces) -> Void
        var reputation: (inout ReputationPlaces) -> Void = { _ in }

        func knowsValidator(_ name: String) -> Bool { index.knowsValidator(name) }

        func request(called name: String) -> RequestPlaces? {
            var places = index.request(called: name)
            if var found = places {
                request(&found)
                places = found
            }
            return places
        }

        func spender(
            ofNullifier digits: String
        ) -> (nullifier: Bytes32, request: UInt64)? { index.spender(ofNullifier: digits) }

        func reputation(of name: String) -> ReputationPlaces? {
            var places = index.reputation(of: name)
            if var found = places {
                reputation(&found)
                places = found
            }
            return places
        }

        func standing(atOpening entry: UInt64) -> StandingPlaces? {
            var places = index.standing(atOpening: entry)
            if var found = places {
                standing(&found)
                places = found
            }
            return places
        }
    }

    /// What a wrong index may say of a request. Leaving out what came after the close is none.
    private static let requestLies: [@Sendable (inout RequestPlaces, UInt64) -> Void] = [
        { places, _ in places.opening += 1 },
        { places, _ in places.opening = 0 },
        { places, _ in places.opening -= min(places.opening, 9) },
        { places, _ in places.closed -= 1 },
        { places, _ in places.closed += 1 },
        { places, size in places.closed = size - 1 },
        { places, size in places.closed = size + 7 },
        { places, _ in places.request += 1 },
        { places, _ in places.changes.append(places.request - 1) },
        { places, _ in places.changes = places.changes.dropLast() + [.max] },
        { places, _ in
            places.reputations = places.reputations.mapValues { Reputation($0.rawValue + 1) }
        },
        { places, _ in places.reputations = [:] },
        { places, _ in places.announcements.append(places.request) },
        { places, size in places.announcements.append(size) },
        { places, _ in places.later.append(places.closed) },
        { places, _ in places.later.append(places.closed + 1) },
        { places, size in places.later.append(size) },
    ]

    private static let standingLies: [@Sendable (inout StandingPlaces, UInt64) -> Void] = [
        { places, _ in places.opening += 1 },
        { places, _ in places.request -= 1 },
        { places, _ in places.request = 0 },
        { places, size in places.request = size },
        { places, _ in places.changes.append(1) },
        { places, _ in places.changes = [.max] },
        { places, _ in
            places.reputations = places.reputations.mapValues { Reputation($0.rawValue + 1) }
        },
        { places, _ in places.moved[ValidatorIndex(0)] = 1 },
        { places, size in places.moved[ValidatorIndex(1)] = size },
    ]

    @Test func `an index that lies changes no answer`() throws {
        let run = try Indexed(seed: 3)
        let size = run.log.size
        for entry in run.requests() where run.index.request(called: "\(entry)") != nil {
            let folded = try run.explain([.request("\(entry)")], nil)
            for (number, lie) in Self.requestLies.enumerated() {
                let index = Lying(
                    index: run.index, request: { lie(&$0, size) }, standing: { _ in })
                #expect(
                    try run.explain([.request("\(entry)")], index) == folded,
                    "request \(entry), lie \(number)")
            }
        }
        for opening in run.openings() {
            guard case .batchOpened(let event) = run.events[Int(opening)] else { continue }
            let things: [Thing] = [.leader(event.height.rawValue), .batch(event.height.rawValue)]
            for thing in things {
                let folded = try run.explain([thing], nil)
                for (number, lie) in Self.standingLies.enumerated() {
                    let index = Lying(
                        index: run.index, request: { _ in }, standing: { lie(&$0, size) })
                    #expect(
                        try run.explain([thing], index) == folded, "\(thing), lie \(number)")
                }
            }
        }
    }

    private static let reputationLies: [@Sendable (inout ReputationPlaces, Indexed) -> Void] = [
        { places, _ in places.opening += 1 },
        { places, _ in places.opening -= 1 },
        { places, _ in places.opening = 0 },
        { places, run in places.opening = run.log.size - 1 },
        { places, run in places.opening = run.log.size + 7 },
        { places, run in places.opening = run.openings()[0] },
        { places, run in places.opening = run.openings().last ?? 0 },
        { places, _ in places.validator = ValidatorIndex(places.validator.rawValue ^ 1) },
        { places, _ in places.validator = ValidatorIndex(99) },
        { places, _ in places.changes.append(1) },
        { places, _ in places.changes = [.max] },
        { places, _ in places.changes = places.changes.dropLast() },
        { places, _ in places.changes += places.changes },
    ]

    /// Bounds so narrow that they clamp.
    private static var narrow: Parameters {
        var parameters = Parameters.standard
        parameters.reputationMin = Reputation(985_000)
        parameters.reputationMax = Reputation(1_010_000)
        return parameters
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `a reputation is counted from the bound that clamped it last`(_ seed: UInt64) throws {
        let run = try Indexed(seed: seed, parameters: Self.narrow)
        var placed = 0
        for name in run.names {
            let folded = try run.explain([.validator(name)], nil)
            #expect(try run.explain([.validator(name)], run.index) == folded)
            guard let places = run.index.reputation(of: name) else { continue }
            let history = try ReputationHistory(of: name, at: places, in: run.log)
            let way = try #require(try history.way())
            #expect(way.origin > places.opening)
            placed += 1
            for (number, lie) in Self.reputationLies.enumerated() {
                let index = Lying(
                    index: run.index, request: { _ in }, standing: { _ in },
                    reputation: { lie(&$0, run) })
                #expect(
                    try run.explain([.validator(name)], index) == folded, "\(name), lie \(number)")
            }
        }
        #expect(placed > 2, "\(placed)")
    }

    /// Those that come later may not tell that the newest before the bound is lacking.
    @Test func `a change that an index leaves out is missed`() throws {
        var missed = 0
        for seed in 1...6 as ClosedRange<UInt64> {
            let run = try Indexed(seed: seed, parameters: Self.narrow)
            for name in run.names {
                guard var places = run.index.reputation(of: name), places.changes.popLast() != nil
                else { continue }
                #expect(throws: PlacesError.self) {
                    try ReputationHistory(of: name, at: places, in: run.log)
                }
                missed += 1
            }
        }
        #expect(missed > 2, "\(missed)")
    }
}
