// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

/// Failures elsewhere of which the page Rules tells, on money, authority and work.
@Suite("failures seen elsewhere: money, authority and work")
struct FailuresElsewhereMoneyTests {
    @Test("someone else's proof with one's own recipient")
    func recipientIsBound() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let stolen = scenario.request { $0.recipient = Fixture.element(666) }
        #expect(scenario.refusal(.request(stolen)) == .contradictsRequest)
        let unbound = Fixture.circuit("loose", [.root, .nullifier, .amount, .free])
        #expect(
            scenario.refusal(.governance(scenario.change(.circuitRegistered(unbound))))
                == .circuitUnbound)
    }

    @Test("nullifier n and n + p are one field element: double spend")
    func canonicalNullifiers() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let honest = try scenario.submit(nullifier: 5)
        try scenario.approve(0..<3, honest)
        #expect(scenario.refusal(.request(scenario.request(nullifier: 5))) == .nullifierSpent)
        let alias = Fixture.elementPlusOrder(5)
        let both = scenario.request { message in
            message.nullifiers = [alias]
            message.publicInputs[1] = alias
        }
        #expect(scenario.refusal(.request(both)) == .malformedInput)
        let field = scenario.request { $0.nullifiers = [alias] }
        #expect(scenario.refusal(.request(field)) == .malformedInput)
    }

    @Test(
        """
        nullifier marked spent although the settlement failed: funds frozen; or released and \
        paid twice
        """)
    func spentThenReleased() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let nullifier = Fixture.element(5)
        #expect(scenario.state.condition(of: nullifier) == nil)
        let first = try scenario.submit(nullifier: 5)
        try scenario.approve(0..<3, first)
        #expect(scenario.state.condition(of: nullifier)?.isSpent == true)
        try scenario.send(.settlement(scenario.settlement(first, .failed)))
        #expect(scenario.state.condition(of: nullifier)?.isSpent == false)
        #expect(
            scenario.refusal(.settlement(scenario.settlement(first, .settled)))
                == .settlementChanged)
        let second = try scenario.submit(nullifier: 5)
        try scenario.approve(0..<3, second)
        #expect(scenario.state.condition(of: nullifier)?.isSpent == true)
        #expect(
            scenario.state.condition(of: nullifier)?.request == scenario.state.entry(of: second))
        try scenario.send(.settlement(scenario.settlement(second, .settled)))
        #expect(scenario.refusal(.request(scenario.request(nullifier: 5))) == .nullifierSpent)
        #expect(
            scenario.refusal(.settlement(scenario.settlement(second, .failed)))
                == .settlementChanged)
        let orders = scenario.log.filter { $0.kind == "settlementOrdered" }
        #expect(orders.count == 2)
    }

    @Test("a single authority publishes a root or removes a validator")
    func quorumChanges() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let changes: [Change] = [
            .rootPublished(circuit: CircuitIndex(0), root: Fixture.element(1)),
            .validatorLeft(key: Fixture.key(3).publicKey),
        ]
        for change in changes {
            for signers in [[], [0], [0, 1]] {
                #expect(
                    scenario.refusal(.governance(scenario.change(change, signers: signers)))
                        == .tooFewSignatures)
            }
            #expect(
                scenario.refusal(.governance(scenario.change(change, signers: [0, 0, 0])))
                    == .signaturesUnordered)
            #expect(
                scenario.refusal(.governance(scenario.change(change, signers: [0, 1, 201])))
                    == .signerNotMember)
            var forged = scenario.change(change)
            forged.endorsements[2].signature = forged.endorsements[0].signature
            #expect(Checked(Message.governance(forged), in: scenario.ledger) == nil)
            #expect(scenario.refusal(.governance(scenario.change(change))) == nil)
        }
    }

    @Test("stake gate open while no stake is known")
    func noStakeNoLedger() {
        for setup in [
            Setup(validators: 4, threshold: 3, stakes: [0, 0, 0, 0]),
            Setup(validators: 0, threshold: 0), Setup(validators: 1, threshold: 1, stakes: [0]),
        ] {
            let refusal: Refusal?
            do throws(Refusal) {
                _ = try LedgerState().decide(.openLedger(Fixture.opened(setup)))
                refusal = nil
            } catch { refusal = error }
            #expect(refusal == .stakeOutOfRange)
        }
    }

    @Test("missing verifying key: any blob of the right size passes")
    func unknownCircuit() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        var circuit = Fixture.circuit
        circuit.name = "other"
        let request = scenario.request { $0.circuit = circuit.id }
        #expect(scenario.refusal(.request(request)) == .unknownCircuit)
        circuit.verifyingKey = Array(repeating: 7, count: circuit.verifyingKey.count)
        #expect(
            scenario.refusal(.governance(scenario.change(.circuitRegistered(circuit))))
                == .malformedCircuit)
        circuit.verifyingKey = Array(repeating: 0, count: circuit.verifyingKey.count)
        #expect(
            scenario.refusal(.governance(scenario.change(.circuitRegistered(circuit))))
                == .malformedCircuit)
    }

    @Test("two failed compute results \"agree\"")
    func failuresAgreeOnlyForOneReason() throws {
        let trap = JobStatus(.trap, code: 3)
        let gaveUp = JobStatus(.abstained, code: 1)
        for (first, second, agreed) in [
            (trap, trap, true), (trap, JobStatus(.trap, code: 4), false),
            (trap, JobStatus(.fuelExhausted), false),
            (JobStatus(.fuelExhausted), JobStatus(.fuelExhausted), true),
            (JobStatus(.memoryLimit), JobStatus(.memoryLimit), true),
            (JobStatus(.memoryLimit), JobStatus(.fuelExhausted), false),
            (JobStatus(.invalidModule, code: 1), JobStatus(.invalidModule, code: 2), false),
            (gaveUp, gaveUp, false), (JobStatus(.success), JobStatus(.success), true),
            (JobStatus(.success), trap, false),
        ] {
            var scenario = try LedgerScenario(.of(4, 3))
            let (id, drawn) = try scenario.assignedJob()
            try scenario.send(.result(scenario.result(drawn[0], id, first)))
            let events = try scenario.send(.result(scenario.result(drawn[1], id, second)))
            let decided = events.compactMap { event in
                if case .jobDecided(let decided) = event { decided } else { nil }
            }
            #expect(decided.first.map { $0.decision == .agreed } ?? false == agreed)
            if agreed { #expect(decided.first?.status == second) }
        }
    }

    @Test("a decoder ignores a new kind of event for weeks")
    func unknownTags() {
        for tag in UInt8.min...UInt8.max where EventType(rawValue: tag) == nil {
            #expect(throws: DecodingError.unknownTag(type: "Event", tag: tag, offset: 0)) {
                try Event(decoding: [tag] + [UInt8](repeating: 0, count: 600))
            }
        }
        #expect(throws: DecodingError.unknownTag(type: "Message", tag: 9, offset: 0)) {
            try Message(decoding: [9])
        }
    }

    @Test("log record wording trusted as fact (\"verified\")")
    func whatWasChecked() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let entry = try #require(scenario.state.entry(of: request))
        let submitted = try #require(scenario.state.openRound(at: entry)?.request)
        // A request names its circuit, whose identity covers every byte of the verifying key.
        let circuit = try #require(scenario.state.circuit(submitted.circuit))
        #expect(circuit.id == Fixture.circuit.id)
        var ids: Set<CircuitID> = [circuit.id]
        for place in stride(from: 0, to: Fixture.circuit.verifyingKey.count, by: 37) {
            var other = Fixture.circuit
            other.verifyingKey[place] ^= 1
            #expect(ids.insert(other.id).inserted)
        }
        var bound = Fixture.circuit
        bound.inputs[0] = .free
        #expect(ids.insert(bound.id).inserted)
        #expect(EventType.names.allSatisfy { !$0.lowercased().contains("verified") })
    }
}
