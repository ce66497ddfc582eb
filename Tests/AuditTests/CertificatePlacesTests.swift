// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

/// Certificates from an index, which say what those from a fold say, or are not made.
@Suite(.enabled(if: Paraloom.isThere, skip))
struct CertificatePlacesTests {
    /// What a right index says of a request.
    private static func places(_ entry: UInt64, _ log: EventLog) throws -> CertificatePlaces {
        let history = try RequestHistory.find(.entry(entry), in: log)
        let decision = try #require(history.decision)
        var batch: UInt64 = 0
        var reader = EntryReader(log, to: decision.event.deciding.rawValue + 1)
        while let entry = try reader.entry() {
            if case .batchOpened = entry.event { batch = entry.index }
        }
        let close = history.events.first { if case .roundClosed = $0.event { true } else { false } }
        return CertificatePlaces(
            request: entry, circuit: 0, submitter: history.message.submitter,
            pinned: history.round.pinned.members.map {
                Certificate.Pinned(
                    index: $0.index, key: $0.key, stake: $0.stake, reputation: $0.reputation)
            }, votes: history.votes.map(\.entry), decided: decision.entry, closed: close?.index,
            batch: batch)
    }

    private static func make(
        _ places: CertificatePlaces, _ log: EventLog, _ signed: SignedCheckpoint,
        other: (UInt64) throws -> CertificatePlaces
    ) throws -> [UInt8] {
        let state = try Replay.state(of: log)
        return try CertificateMaker(
            places, in: log,
            other: { entry throws(CertificateMakingError) in
                do { return try other(entry) } catch {
                    throw .missing(entry: entry, kind: "request")
                }
            }, id: { state.requestID(at: EntryIndex($0)) }
        ).certificate(under: signed).bytes
    }

    @Test(arguments: CertificateCase.Kind.allCases)
    func `every decided request has the certificate that a fold makes`(
        _ kind: CertificateCase.Kind
    ) throws {
        try check(try CertificateCase.make(kind))
    }

    @Test func `and so has one that lists of votes decided`() throws {
        for item in try CertificateCase.makeWithLists() { try check(item) }
    }

    private func check(_ item: CertificateCase) throws {
        let folder = try TemporaryFolder()
        let log = try LedgerDirectory.open(try folder.write(item.scenario.entries))
        let signed = try item.checkpoint(of: item.scenario.entries)
        var count = 0
        for (entry, event) in item.scenario.log.enumerated() {
            guard case .requestSubmitted = event else { continue }
            let folded = try CertificateMaker(.entry(UInt64(entry)), in: log)
                .certificate(under: signed).bytes
            let places = try Self.places(UInt64(entry), log)
            let made = try Self.make(places, log, signed) { try Self.places($0, log) }
            #expect(made == folded, "entry \(entry)")
            count += 1
        }
        #expect(count == 2)
    }

    @Test func `an index that lies makes no certificate`() throws {
        let item = try CertificateCase.make(.nullifierSpent)
        let folder = try TemporaryFolder()
        let log = try LedgerDirectory.open(try folder.write(item.scenario.entries))
        let signed = try item.checkpoint(of: item.scenario.entries)
        let entry = try RequestHistory.find(.prefix(item.request.hex), in: log).entry
        let right = try Self.places(entry, log)
        let foreign = item.scenario.log.firstIndex { event in
            if case .roundClosed(let close) = event { close.about.rawValue != entry } else { false }
        }.map(UInt64.init)
        #expect(foreign != nil && foreign != right.closed)
        func made(_ change: (inout CertificatePlaces) -> Void) throws -> [UInt8] {
            var places = right
            change(&places)
            return try Self.make(places, log, signed) { try Self.places($0, log) }
        }
        #expect(try made { _ in }.isEmpty == false)
        let lies: [(String, (inout CertificatePlaces) -> Void)] = [
            ("request", { $0.request += 1 }), ("circuit", { $0.circuit = 1 }),
            ("circuit", { $0.circuit = $0.decided }),
            ("submitter", { $0.submitter = item.scenario.bridge.publicKey }),
            ("pinned", { $0.pinned.removeLast() }),
            ("stake", { $0.pinned[3].stake = Stake($0.pinned[3].stake.rawValue + 1) }),
            ("reputation", { $0.pinned[0].reputation = Reputation(5) }),
            ("key", { $0.pinned[1].key = $0.pinned[2].key }),
            ("too few votes", { $0.votes.removeFirst() }),
            ("one vote for two", { $0.votes[1] = $0.votes[0] }),
            ("another's close", { $0.closed = foreign }),
            ("a vote twice", { $0.votes.insert($0.votes[0], at: 0) }),
            ("a vote on another", { $0.votes[0] = $0.request + 4 }),
            ("no vote", { $0.votes[0] = $0.request }),
            ("no decision", { $0.decided += 1 }), ("beyond", { $0.decided = 1 << 40 }),
            ("no close", { $0.closed = $0.request }), ("no batch", { $0.batch += 1 }),
        ]
        for (name, change) in lies {
            #expect(throws: CertificateMakingError.self, "\(name)") { try made(change) }
        }
        // Nor does one that lies of the request that spent the nullifier.
        #expect(throws: CertificateMakingError.self) {
            try Self.make(right, log, signed) { entry in
                var other = try Self.places(entry, log)
                other.votes.removeFirst()
                return other
            }
        }
    }
}
