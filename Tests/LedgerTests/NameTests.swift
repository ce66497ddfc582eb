// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("names, the version, announcements")
struct NameTests {
    private func refusal(_ scenario: LedgerScenario, _ change: Change) -> Refusal? {
        scenario.refusal(.governance(scenario.change(change)))
    }

    @Test("a name is 1 to 32 of a-z 0-9 - .")
    func form() {
        for name in ["a", "9", "validator-8", "a.b", "-", ".", String(repeating: "z", count: 32)] {
            #expect(PartyName.isValid(name))
        }
        for name in [
            "", "A", "a_b", "a b", "é", "e\u{301}", "a\0", String(repeating: "z", count: 33),
        ] {
            #expect(!PartyName.isValid(name))
        }
    }

    @Test("a key keeps its name for ever, and no other key takes it")
    func unique() throws {
        var scenario = try LedgerScenario(.of(5, 4))
        try scenario.open()
        let key = Fixture.key(4).publicKey
        let stranger = Fixture.key(99).publicKey
        #expect(scenario.state.name(of: ValidatorIndex(4)) == "party-4")
        #expect(scenario.state.name(of: ValidatorIndex(77)) == "validator 77")
        try scenario.send(.governance(scenario.change(.validatorLeft(key: key))))
        for (key, name, expected) in [
            (key, "Party", .malformedName), (key, "party-3", .nameChanged),
            (key, "another", .nameChanged), (key, "party-4", nil),
            (stranger, "", .malformedName), (stranger, "party-4", .nameTaken),
            (stranger, "party-0", .nameTaken), (stranger, "another", nil),
            // Names of submitters and circuits are names of their own.
            (stranger, "submitter", nil), (stranger, "withdraw", nil),
        ] as [(PublicKey, String, Refusal?)] {
            #expect(
                refusal(scenario, .validatorJoined(key: key, name: name, stake: Stake(1)))
                    == expected, "\(name)")
        }
        let submitter = scenario.submitter.publicKey
        for (key, name, expected) in [
            (submitter, "other", .nameChanged), (submitter, "submitter", nil),
            (stranger, "submitter", .nameTaken), (stranger, "x y", .malformedName),
            (stranger, "party-0", nil),
        ] as [(PublicKey, String, Refusal?)] {
            #expect(
                refusal(scenario, .submitterListed(key: key, name: name, quota: 1)) == expected)
        }
        for (name, expected) in [
            ("withdraw", .nameTaken), ("With", .malformedName), ("other", nil),
        ] as [(String, Refusal?)] {
            let circuit = Fixture.circuit(name, [.root, .nullifier, .externalDataHash])
            #expect(refusal(scenario, .circuitRegistered(circuit)) == expected)
        }
    }

    @Test("a ledger of a newer version is refused with both versions")
    func version() throws {
        var bytes = Event.ledgerOpened(Fixture.opened(Setup())).encoded
        #expect(Array(bytes[0..<5]) == [0, 1, 0, 0, 0])
        for version in [0, 2, 255] as [UInt8] {
            bytes[1] = version
            let error = #expect(throws: DecodingError.self) { _ = try Event(decoding: bytes) }
            #expect(error == .otherVersion(found: UInt32(version), known: 1))
            #expect(error.map { "\($0)".contains("version \(version) ") } == true)
            #expect(error.map { "\($0)".contains("newer program") } == (version > 1))
        }
    }

    @Test("announcements: the order of refusals, and that they decide nothing")
    func announcements() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        func refusal(
            _ validator: Int, _ number: UInt64, _ change: (inout Announcement) -> Void = { _ in }
        ) -> Refusal? {
            scenario.refusal(
                .announcement(scenario.announcement(validator, number, change: change)))
        }
        let long = String(repeating: "v", count: 65)
        #expect(refusal(9, 1) == .notMember)
        #expect(refusal(0, 5) { $0.program = "" } == .malformedAnnouncement)
        for path in [\Announcement.program, \.engine, \.engineVersion] {
            #expect(refusal(0, 5) { $0[keyPath: path] = long } == .malformedAnnouncement)
        }
        #expect(refusal(0, 0) { ($0.engine, $0.engineVersion) = ("", "") } == nil)
        let before = scenario.state.componentRoots()
        let events = try scenario.send(.announcement(scenario.announcement(0, 5)))
        #expect(events.kinds == ["validatorAnnounced"])
        let changed = zip(StateComponent.allCases, zip(before, scenario.state.componentRoots()))
            .filter { $0.1.0 != $0.1.1 }.map(\.0)
        #expect(changed == [.validators, .time])
        #expect(scenario.state.validators[0].announced?.announcement.program == "1.0")
        #expect(refusal(0, 5) == .alreadyRecorded)
        #expect(refusal(0, 5) { $0.isJournalNew = true } == .numberNotHigher)
        #expect(refusal(0, 4) { $0.program = "" } == .numberNotHigher)
        #expect(refusal(0, 6) { $0.program = "" } == .malformedAnnouncement)
        #expect(refusal(0, 6) == .announcedOften)
        #expect(refusal(1, 6) == nil)
        try scenario.next(after: 60_000)
        #expect(refusal(0, 6) == nil)
        try scenario.send(.announcement(scenario.announcement(0, .max)))
        try scenario.next(after: 60_000)
        #expect(refusal(0, .max) { $0.isJournalNew = true } == .numberNotHigher)
        var forged = scenario.announcement(1, 9)
        forged.announcement.program = "2.0"
        #expect(Checked(forged, in: scenario.ledger) == nil)
        try scenario.record(.announcement(scenario.announcement(0, 1)))
        #expect(
            Refold.firstDifference(in: scenario.log, checkingSignatures: true) == nil)
    }
}

@Suite("a quorum of one")
struct QuorumOfOneTests {
    @Test("a ledger of one validator is ordered by a quorum of one")
    func one() throws {
        var scenario = try LedgerScenario(.of(1, 1))
        try scenario.open()
        let request = try scenario.submit()
        try scenario.cast(0, .approve, on: request)
        #expect(scenario.decision(request)?.outcome == .approved)
        try scenario.seal()
        let time = scenario.state.time.adding(milliseconds: 1)
        // Its own precommit of the batch before must stand in each batch from the second on.
        let bare = scenario.opening(at: time) { $0.precommits = [] }
        #expect(
            scenario.refusal(
                .openBatch(Checked(unchecked: bare), root: scenario.frontier.root))
                == .wrongPrecommits)
        let signed = scenario.opening(at: time)
        #expect(signed.event.precommits.count == 1)
        #expect(signed.isSigned(in: scenario.ledger))
        try scenario.open()
        try scenario.seal()
        #expect(Refold.firstDifference(in: scenario.log, checkingSignatures: true) == nil)
    }
}
