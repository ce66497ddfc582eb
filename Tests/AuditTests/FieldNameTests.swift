// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Foundation
import Ledger
import Testing

@Suite("fields of entries with the names of parties")
struct FieldNameTests {
    private let names = LedgerNames(
        validators: ["anna", "bert", "carl"], submitters: ["shop"], circuits: ["withdraw"])

    private func json(_ field: Field) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(field), as: UTF8.self)
    }

    private func record(_ event: Event) -> Field {
        .record(event.fields.map { $0.named(by: names) })
    }

    @Test("stand behind the number for people, and in a field beside it for machines")
    func beside() throws {
        let assigned = record(
            .jobAssigned(
                JobAssigned(
                    job: EntryIndex(7), validators: [2, 0, 1].map { ValidatorIndex($0) },
                    deadline: Time(9))))
        #expect(assigned.text().contains("validators=[2 (carl) 0 (anna) 1 (bert)]"))
        #expect(
            try json(assigned).contains(
                #""validator_names":["carl","anna","bert"],"validators":[2,0,1]"#))
        let changed = record(
            .reputationChanged(
                ReputationChanged(
                    validator: ValidatorIndex(1), cause: .correct, about: EntryIndex(4),
                    before: Reputation(1), after: Reputation(2))))
        #expect(changed.text().contains("validator=1 (bert)"))
        #expect(try json(changed).contains(#""validator":1,"validator_name":"bert""#))
    }

    @Test("are absent where the ledger has none, or none is known yet")
    func absent() throws {
        let stranger = Field.record([NamedField("leader", Field(ValidatorIndex(3)))])
        #expect(
            stranger.isBeyond(names)
                && !stranger.isBeyond(LedgerNames(validators: ["a", "b", "c", "d"])))
        #expect(stranger.named(by: names).text() == "(leader=3)")
        #expect(try json(stranger.named(by: names)) == #"{"leader":3}"#)
        #expect(try json(.record([NamedField("validators", .list([]))])) == #"{"validators":[]}"#)
    }

    @Test("and are told apart by what they are names of")
    func kinds() {
        for (field, text) in [
            (Field(ValidatorIndex(0)), "0 (anna)"), (Field(SubmitterIndex(0)), "0 (shop)"),
            (Field(CircuitIndex(0)), "0 (withdraw)"), (Field(EntryIndex(0)), "0"),
            (Field(ValidatorIndex.bridge), "65535 (the bridge)"),
        ] {
            #expect(field.named(by: names).text() == text)
        }
        #expect(names.validator("bert") == ValidatorIndex(1))
        #expect(names.validator("2") == ValidatorIndex(2))
        #expect(names.validator("3") == nil && names.validator("dora") == nil)
        #expect(names.circuit("withdraw") == names.circuit("0"))
    }

    @Test("texts in them show what controls a terminal")
    func controls() {
        #expect(Field.text("\u{1B}[31mred").text() == "\\u{1B}[31mred")
    }
}
