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

/// Each part of a certificate forged, with everything around it made right again: entries in a log
/// that says so, inclusion, and a checkpoint that all validators signed. What is left to find the
/// lie is the one check that it is about.
@Suite(.enabled(if: Paraloom.isThere, skip))
struct CertificateLieTests {
    private let approved = Result { try CertificateCase.make(.approved) }
    private let deadline = Result { try CertificateCase.make(.deadline) }
    private let conflict = Result { try CertificateCase.make(.nullifierSpent) }

    /// The check and the field that a lie is found by.
    private func found(
        _ item: CertificateCase, _ certificate: Certificate
    ) throws -> String? {
        let report = try item.report(certificate)
        #expect(report.isValid == (report.flaw == nil))
        return report.flaw.map { "\($0.check.rawValue) \($0.field)" }
    }

    // MARK: What decides

    @Test func `a vote dropped`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        for place in try right.places(of: "voteCast") {
            let indices = right.entries.map(\.index).filter { $0 != UInt64(place) }
            let less = try item.with(right, indices: indices)
            let found = try found(item, less)
            #expect(found == "decision approvals" || found == "decision rejections", "\(place)")
        }
    }

    @Test func `every other entry dropped`() throws {
        for item in [try approved.get(), try conflict.get(), try deadline.get()] {
            let right = try item.certificate()
            for entry in right.entries where entry.index > 0 {
                let indices = right.entries.map(\.index).filter { $0 != entry.index }
                #expect(try found(item, try item.with(right, indices: indices)) != nil)
            }
        }
    }

    @Test func `an entry added that has no part in the decision`() throws {
        for item in [try approved.get(), try conflict.get(), try deadline.get()] {
            let right = try item.certificate()
            let all = Set(right.entries.map(\.index))
            for index in UInt64(0)..<UInt64(item.scenario.log.count) where !all.contains(index) {
                let more = try item.with(right, indices: (all.union([index])).sorted())
                #expect(try found(item, more) != nil, "entry \(index)")
            }
        }
    }

    @Test func `a vote of a key that is not pinned, or twice, or not signed`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let votes = try right.places(of: "voteCast").filter { place in
            guard case .voteCast(let cast) = item.scenario.log[place] else { return false }
            return cast.request == right.subject.request
        }
        func changing(_ place: Int, _ change: (inout VoteCast) -> Void) throws -> String? {
            let forged = try item.forged(right) { events in
                guard case .voteCast(var cast) = events[place] else { return }
                change(&cast)
                events[place] = .voteCast(cast)
            }
            return try found(item, forged)
        }
        #expect(try changing(votes[0]) { $0.validator = ValidatorIndex(10) } == "votes validator")
        #expect(try changing(votes[0]) { $0.validator = ValidatorIndex(0) } == "votes signature")
        #expect(try changing(votes[1]) { $0.vote = .approve } == "votes signature")
        #expect(try changing(votes[0]) { $0.signature = .zero } == "votes signature")
        #expect(try changing(votes[0]) { $0.timestamp = Time(1) } == "votes signature")
        #expect(
            try changing(votes[0]) { $0.request = EntryIndex(1) } == "decision approvals")
        let events = item.scenario.log
        let twice = try item.forged(right) { $0[votes[2]] = events[votes[3]] }
        #expect(try found(item, twice) == "votes validator")
        // Signed for another request of the same ledger.
        let other = try item.forged(right) { events in
            let vote = item.scenario.vote(2, .approve, on: RequestID(.zero))
            events[votes[2]] = .voteCast(
                VoteCast(
                    request: right.subject.request, validator: ValidatorIndex(2), vote: .approve,
                    reason: vote.reason, timestamp: vote.timestamp, signature: vote.signature))
        }
        #expect(try found(item, other) == "votes signature")
    }

    @Test func `a vote long before or after its batch`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let last = try #require(try right.places(of: "voteCast").last)
        let forged = try item.forged(right) { events in
            guard case .voteCast(var cast) = events[last] else { return }
            let vote = item.scenario.vote(
                Int(cast.validator.rawValue), cast.vote, on: item.request,
                at: item.scenario.start.adding(milliseconds: 62_001))
            (cast.timestamp, cast.reason, cast.signature) = (
                vote.timestamp, vote.reason, vote.signature
            )
            events[last] = .voteCast(cast)
        }
        #expect(try found(item, forged) == "votes timestamp")
    }

    @Test func `the decision says something else`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let place = try right.places(of: "outcomeDecided")[0]
        func changing(_ change: (inout OutcomeDecided) -> Void) throws -> String? {
            let forged = try item.forged(right) { events in
                guard case .outcomeDecided(var decided) = events[place] else { return }
                change(&decided)
                events[place] = .outcomeDecided(decided)
            }
            return try found(item, forged)
        }
        #expect(try changing { $0.outcome = .rejected } == "decision outcome")
        #expect(try changing { $0.reason = .approvalOutOfReach } == "decision reason")
        #expect(try changing { $0.approvals = 8 } == "decision approvals")
        #expect(try changing { $0.rejections = 0 } == "decision rejections")
        #expect(try changing { $0.abstentions = 1 } == "decision abstentions")
        #expect(try changing { $0.margin = 1 } == "decision margin")
        #expect(try changing { $0.deciding = EntryIndex(UInt64(place) - 2) } == "decision deciding")
        #expect(try changing { $0.time = Time(7) } == "decision time")
        #expect(try changing { $0.request = EntryIndex(1) } == "decision outcomeDecided")
    }

    @Test func `the threshold lowered, or the round of another request`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let place = Int(right.subject.request.rawValue) + 1
        func changing(_ change: (inout RoundOpened) -> Void) throws -> String? {
            let forged = try item.forged(right) { events in
                guard case .roundOpened(var opened) = events[place] else { return }
                change(&opened)
                events[place] = .roundOpened(opened)
            }
            return try found(item, forged)
        }
        #expect(try changing { $0.threshold = 6 } == "pinnedSet threshold")
        #expect(try changing { $0.threshold = 11 } == "pinnedSet threshold")
        #expect(try changing { $0.threshold = .max } == "pinnedSet threshold")
        #expect(try changing { $0.threshold = 8 } == "decision reason")
        #expect(try changing { $0.request = EntryIndex(1) } == "pinnedSet request")
        #expect(try changing { $0.pinnedSet = .zero } == "pinnedSet pinnedSet")
        #expect(try changing { $0.leader = ValidatorIndex(10) } == "pinnedSet leader")
    }

    @Test func `another pinned set`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        func changing(
            _ isResealed: Bool = true, _ change: (inout [Certificate.Pinned]) -> Void
        ) throws -> String? {
            var forged = right
            change(&forged.subject.pinned)
            guard isResealed else { return try found(item, forged) }
            let digest = forged.subject.pinnedDigest
            let resealed = try item.forged(forged) { events in
                let place = Int(right.subject.request.rawValue) + 1
                guard case .roundOpened(var opened) = events[place] else { return }
                opened.pinnedSet = digest
                events[place] = .roundOpened(opened)
            }
            return try found(item, resealed)
        }
        let stranger = Fixture.key(299).publicKey
        #expect(try changing(false) { $0[3].stake = Stake(1) } == "pinnedSet pinnedSet")
        #expect(try changing(false) { $0[3].reputation = Reputation(1) } == "pinnedSet pinnedSet")
        #expect(try changing(false) { $0.removeLast() } == "pinnedSet pinnedSet")
        #expect(try changing { $0[3].key = stranger } == "pinnedSet validator 3")
        #expect(try changing { $0.removeFirst(2) } == "votes validator")
        #expect(try changing { $0.removeLast(4) } == "pinnedSet threshold")
    }

    // MARK: The request

    @Test func `another request, submitter, circuit or proof`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let place = Int(right.subject.request.rawValue)
        func changing(_ change: (inout RequestSubmitted) -> Void) throws -> String? {
            let forged = try item.forged(right) { events in
                guard case .requestSubmitted(var request) = events[place] else { return }
                change(&request)
                events[place] = .requestSubmitted(request)
            }
            return try found(item, forged)
        }
        #expect(try changing { $0.amount = Amount(501) } == "request signature")
        #expect(try changing { $0.recipient = .zero } == "request signature")
        #expect(try changing { $0.proof[9] ^= 1 } == "request signature")
        #expect(try changing { $0.nullifiers.swapAt(0, 1) } == "request signature")
        #expect(try changing { $0.signature = .zero } == "request signature")
        // An index beyond those of the first entry is bound by what was signed alone.
        #expect(try changing { $0.submitter = SubmitterIndex(1) } == nil)
        #expect(try changing { $0.circuit = CircuitIndex(1) } == nil)
        var forged = right
        forged.subject.submitter = Fixture.key(8).publicKey
        #expect(try found(item, forged) == "request submitter 0")
        forged = right
        forged.subject.circuit.name = "paraloom"
        #expect(try found(item, forged) == "request circuit 0")
        forged = right
        forged.subject.request = EntryIndex(2)
        #expect(try found(item, forged)?.hasPrefix("request") == true)
        forged.subject.request = EntryIndex(.max)
        #expect(try found(item, forged) == "request kind")
    }

    @Test func `another request's proof, signed anew by submitter and voters`() throws {
        let item = try CertificateCase.make(.falseApproval)
        #expect(try found(item, try item.certificate()) == "proof proof")
    }

    @Test func `public inputs that the circuit does not bind to the request`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        let place = Int(right.subject.request.rawValue)
        let forged = try item.forged(right) { events in
            guard case .requestSubmitted(var request) = events[place] else { return }
            var message = try Paraloom.request("native")
            message.amount = Amount(5_000)
            message = message.signed(by: item.scenario.submitter, in: item.scenario.ledger)
            request.amount = message.amount
            request.signature = message.signature
            events[place] = .requestSubmitted(request)
        }
        #expect(try found(item, forged) == "request public inputs")
    }

    // MARK: Absence

    @Test func `a run with a hole, and a vote hidden in it`() throws {
        let item = try deadline.get()
        let right = try item.certificate()
        let first = right.subject.request.rawValue
        for index in right.entries.map(\.index) where index > first + 1 {
            let indices = right.entries.map(\.index).filter { $0 != index }
            let holed = try item.with(right, indices: indices)
            let found = try #require(try found(item, holed), "entry \(index)")
            #expect(found.hasPrefix("absence") || found.hasPrefix("decision"), "entry \(index)")
        }
        // One more vote in the place of an entry of another request.
        let place = try #require(
            try right.places(of: "voteCast").first { place in
                guard case .voteCast(let cast) = item.scenario.log[place] else {
                    return false
                }
                return cast.request != right.subject.request
            })
        let more = try item.forged(right) { events in
            let vote = item.scenario.vote(7, .approve, on: item.request)
            events[place] = .voteCast(
                VoteCast(
                    request: right.subject.request, validator: ValidatorIndex(7), vote: .approve,
                    reason: vote.reason, timestamp: vote.timestamp, signature: vote.signature))
        }
        #expect(try found(item, more) == "decision approvals")
    }

    @Test func `a deadline that had not passed, or had passed before`() throws {
        let item = try deadline.get()
        let right = try item.certificate()
        let round = Int(right.subject.request.rawValue) + 1
        func moved(_ deadline: UInt64) throws -> String? {
            let forged = try item.forged(right) { events in
                guard case .roundOpened(var opened) = events[round] else { return }
                opened.deadline = item.scenario.start.adding(milliseconds: deadline)
                events[round] = .roundOpened(opened)
            }
            return try found(item, forged)
        }
        #expect(try moved(40_000) == nil)
        #expect(try moved(40_001) == "decision time")
        #expect(try moved(20_001) == nil)
        #expect(try moved(20_000) == "decision batch")
        let close = try right.places(of: "roundClosed").last ?? 0
        let forged = try item.forged(right) { events in
            events[close] = .roundClosed(
                RoundClosed(about: right.subject.request, cause: .complete))
        }
        #expect(try found(item, forged) == "absence place")
        let batch = try #require(try right.places(of: "batchOpened").first)
        let swapped = try item.forged(right) { events in
            guard case .batchOpened(var opened) = events[batch] else { return }
            opened.height = Height(opened.height.rawValue + 1)
            events[batch] = .batchOpened(opened)
        }
        #expect(try found(item, swapped) == "decision batch")
    }

    // MARK: Conflict

    @Test func `the conflicting request shares no nullifier, or was not approved`() throws {
        let item = try conflict.get()
        let right = try item.certificate()
        let other = try #require(right.conflict)
        var without = right
        without.conflict = nil
        #expect(try found(item, without) == "decision reason")
        var same = right
        same.conflict = right.subject
        #expect(try found(item, same)?.hasPrefix("conflict") == true)
        var swapped = right
        (swapped.subject, swapped.conflict) = (other, right.subject)
        #expect(try found(item, swapped)?.hasPrefix("conflict") == true)
        let votes = try right.places(of: "voteCast").filter { place in
            guard case .voteCast(let cast) = item.scenario.log[place] else { return false }
            return cast.request == other.request
        }
        let less = try item.with(
            right, indices: right.entries.map(\.index).filter { $0 != UInt64(votes[0]) })
        #expect(try found(item, less)?.hasPrefix("conflict decision") == true)
        // Another nullifier in the other request: nothing it signs and is voted on holds then.
        let forged = try item.forged(right) { events in
            let place = Int(other.request.rawValue)
            guard case .requestSubmitted(var request) = events[place] else { return }
            request.nullifiers = [Fixture.element(1), Fixture.element(2)]
            events[place] = .requestSubmitted(request)
        }
        #expect(try found(item, forged)?.hasPrefix("conflict request") == true)
        // A conflict where there is none.
        let plain = try approved.get()
        var added = try plain.certificate()
        added.conflict = added.subject
        #expect(try found(plain, added) == "decision reason")
    }

    @Test func `an approval that spent other nullifiers`() throws {
        var scenario = try LedgerScenario(.paraloom("native", "spl"))
        var ids: [RequestID] = []
        try scenario.batch(seconds: 1) { scenario in
            ids = [
                try scenario.submit(try Paraloom.request("native")),
                try scenario.submit(try Paraloom.request("spl")),
                try scenario.submit(try Paraloom.request("native", timestamp: 1)),
            ]
            try scenario.approve(0..<2, ids[0])
            try scenario.approve(0..<7, ids[1])
            try scenario.approve(0..<7, ids[2])
        }
        let item = CertificateCase(scenario: scenario, request: ids[0])
        let right = try item.certificate()
        #expect(try found(item, right) == nil)
        let stranger = try CertificateCase(scenario: scenario, request: ids[1]).certificate()
        let decision = try #require(try stranger.places(of: "outcomeDecided").first)
        var forged = right
        forged.conflict = stranger.subject
        let own = right.entries.filter { entry in
            entry.index == right.subject.request.rawValue
                || right.subject.request == event(entry)?.request
        }
        forged.entries = (own + stranger.entries).sorted { $0.index < $1.index }
        let resigned = try item.forged(forged) { events in
            for place in events.indices {
                guard case .outcomeDecided(var decided) = events[place],
                    decided.request == right.subject.request
                else { continue }
                decided.deciding = EntryIndex(UInt64(decision) - 1)
                events[place] = .outcomeDecided(decided)
            }
        }
        #expect(try found(item, resigned) == "conflict nullifiers")
    }

    private func event(_ entry: Certificate.Entry) -> Event? {
        do { return try Event(decoding: entry.bytes) } catch { return nil }
    }

    // MARK: Inclusion

    @Test func `an entry moved, changed or proved by other hashes`() throws {
        let item = try approved.get()
        let right = try item.certificate()
        var forged = right
        forged.entries[3].index += 1
        #expect(try found(item, forged) == "inclusion multi-proof")
        forged = right
        forged.entries[3].bytes = right.entries[4].bytes
        #expect(try found(item, forged) == "inclusion multi-proof")
        forged = right
        forged.proof.removeLast()
        #expect(try found(item, forged) == "inclusion multi-proof")
        forged = right
        forged.proof.append(.zero)
        #expect(try found(item, forged) == "inclusion multi-proof")
        forged = right
        forged.proof.swapAt(0, 1)
        #expect(try found(item, forged) == "inclusion multi-proof")
        forged = right
        forged.entries.removeFirst()
        #expect(try found(item, forged) == "ledger index")
        let other = try deadline.get()
        forged = right
        forged.note = try other.certificate().note
        #expect(try found(item, forged) == "inclusion multi-proof")
    }
}
