// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("refusals of requests and votes")
struct RequestRefusalTests {
    typealias Fault = (refusal: Refusal, make: @Sendable (inout RequestMessage) -> Void)

    /// What is wrong with a request itself, in the order of the page Rules.
    private static let faults: [Fault] = [
        (.unknownSubmitter, { $0.submitter = Fixture.key(250).publicKey }),
        (.unknownCircuit, { $0.circuit = CircuitID(.zero) }),
        (.malformedProof, { $0.proof[0] ^= 1 }),
        (.malformedInput, { $0.publicInputs.append(.zero) }),
        (.contradictsRequest, { $0.amount = Amount(6) }),
        (.nullifierTwice, twice),
        (.unknownRoot, { $0.publicInputs[0] = Fixture.element(43) }),
        (.nullifierSpent, spend),
    ]

    @Sendable private static func twice(_ message: inout RequestMessage) {
        message.nullifiers = [message.nullifiers[0], message.nullifiers[0]]
        if message.publicInputs.count > 4 { message.publicInputs[4] = message.nullifiers[0] }
    }

    @Sendable private static func spend(_ message: inout RequestMessage) {
        message.nullifiers[0] = Fixture.element(9)
        message.publicInputs[1] = message.nullifiers[0]
    }

    /// A ledger with a circuit of two nullifiers, of which element 9 is spent.
    private func prepared() throws -> (LedgerScenario, RequestMessage) {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        try scenario.open()
        let circuit = Fixture.circuit(
            "pair", [.root, .nullifier, .amount, .recipient, .nullifier])
        try scenario.send(.governance(scenario.change(.circuitRegistered(circuit))))
        try scenario.send(
            .governance(
                scenario.change(.rootPublished(circuit: CircuitIndex(1), root: Fixture.root))))
        let spent = try scenario.submit(nullifier: 9)
        try scenario.approve(0..<3, spent)
        let other = Fixture.element(8)
        let valid = scenario.request(nullifier: 7) { message in
            message.circuit = circuit.id
            message.nullifiers.append(other)
            message.publicInputs.append(other)
        }
        return (scenario, valid)
    }

    @Test("each fault of a request has its refusal, and of two the earlier is told")
    func faultsInOrder() throws {
        let (scenario, valid) = try prepared()
        #expect(scenario.refusal(.request(valid)) == nil)
        for (place, early) in Self.faults.enumerated() {
            var message = valid
            early.make(&message)
            #expect(scenario.refusal(.request(message)) == early.refusal)
            for late in Self.faults[(place + 1)...] {
                var both = valid
                late.make(&both)
                early.make(&both)
                #expect(
                    scenario.refusal(.request(both)) == early.refusal,
                    "with \(late.refusal)")
            }
        }
    }

    @Test("known answers come first, then the submitter's quota, then the ledger's bound")
    func boundsComeFirst() throws {
        var setup = Setup.of(4, 3)
        setup.quota = 1
        setup.parameters.unclosedMax = 1
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        let first = scenario.request()
        let second = scenario.request { $0.circuit = CircuitID(.zero) }
        try scenario.send(.request(first))
        #expect(scenario.refusal(.request(first)) == .alreadyRecorded)
        #expect(scenario.refusal(.request(second)) == .quotaExceeded)
        #expect(scenario.refusal(.job(scenario.job())) == .quotaExceeded)
        let key = scenario.submitter.publicKey
        try scenario.send(
            .governance(scenario.change(.submitterListed(key: key, name: "submitter", quota: 2))))
        #expect(scenario.refusal(.request(second)) == .tooManyUnclosed)
        #expect(scenario.refusal(.job(scenario.job())) == .tooManyUnclosed)
        try scenario.send(
            .governance(scenario.change(.submitterListed(key: key, name: "submitter", quota: 0))))
        #expect(scenario.refusal(.request(second)) == .unknownSubmitter)
        #expect(scenario.refusal(.request(first)) == .alreadyRecorded)
    }

    @Test("malformed proofs and inputs of every kind")
    func malformed() throws {
        let (scenario, valid) = try prepared()
        func refusal(_ change: (inout RequestMessage) -> Void) -> Refusal? {
            var message = valid
            change(&message)
            return scenario.refusal(.request(message))
        }
        #expect(refusal { $0.proof = [] } == .malformedProof)
        #expect(refusal { $0.proof.removeLast() } == .malformedProof)
        #expect(refusal { $0.proof.append(0) } == .malformedProof)
        #expect(refusal { $0.proof = Array(repeating: 255, count: 128) } == .malformedProof)
        #expect(refusal { $0.publicInputs.removeLast() } == .malformedInput)
        #expect(refusal { $0.nullifiers.removeLast() } == .malformedInput)
        #expect(refusal { $0.nullifiers = [] } == .malformedInput)
        #expect(
            refusal { $0.publicInputs[0] = Fixture.elementPlusOrder(42) } == .malformedInput)
        #expect(refusal { $0.publicInputs[0] = Fixture.elementPlusOrder(0) } == .malformedInput)
        #expect(refusal { $0.nullifiers[0] = Fixture.elementPlusOrder(7) } == .malformedInput)
        #expect(refusal { $0.recipient = Fixture.element(78) } == .contradictsRequest)
        #expect(refusal { $0.nullifiers.swapAt(0, 1) } == .contradictsRequest)
    }

    @Test("bindings: negated amount, constant and the hash that Paraloom uses")
    func bindings() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let asset = Fixture.element(3)
        let circuit = Fixture.circuit(
            "hash", [.externalDataHash, .root, .nullifier, .constant(asset), .negatedAmount])
        try scenario.send(.governance(scenario.change(.circuitRegistered(circuit))))
        try scenario.send(
            .governance(
                scenario.change(.rootPublished(circuit: CircuitIndex(1), root: Fixture.root))))
        func refusal(
            _ amount: UInt64, negated: Bytes32, asset: Bytes32 = asset
        ) -> Refusal? {
            var copy = scenario
            let recipient = Bytes32([UInt8](repeating: 255, count: 32)) ?? .zero
            let hash = Circuit.externalDataHash(recipient, Amount(amount))
            let message = copy.request(nullifier: 4, amount: amount) { message in
                message.circuit = circuit.id
                message.recipient = recipient
                message.publicInputs = [
                    hash.flatMap { Bytes32($0) } ?? .zero, Fixture.root, Fixture.element(4), asset,
                    negated,
                ]
            }
            return scenario.refusal(.request(message))
        }
        #expect(refusal(0, negated: .zero) == nil)
        var minusOne = Fixture.elementPlusOrder(0).bytes
        minusOne[0] -= 1
        #expect(refusal(1, negated: Bytes32(minusOne) ?? .zero) == nil)
        #expect(refusal(1, negated: Fixture.element(1)) == .contradictsRequest)
        #expect(refusal(0, negated: .zero, asset: .zero) == .contradictsRequest)
        #expect(Circuit.externalDataHash(.zero, Amount(UInt64(Int64.max))) != nil)
        #expect(Circuit.externalDataHash(.zero, Amount(UInt64(Int64.max) + 1)) == nil)
        #expect(refusal(1 << 63, negated: .zero) == .contradictsRequest)
    }

    @Test("votes: unknown request, not pinned, the same, changed, closed, timestamp, in that order")
    func votes() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let nowhere = RequestID(.zero)
        let old = Time(0)
        func refusal(
            _ validator: Int, _ vote: Vote, _ id: RequestID, at time: Time? = nil
        ) -> Refusal? {
            scenario.refusal(.vote(scenario.vote(validator, vote, on: id, at: time)))
        }
        #expect(refusal(250, .approve, nowhere, at: old) == .unknownRequest)
        #expect(refusal(250, .approve, request, at: old) == .notPinned)
        try scenario.approve(0..<1, request)
        #expect(refusal(0, .approve, request, at: old) == .alreadyRecorded)
        #expect(refusal(0, .abstain, request, at: old) == .voteChanged)
        #expect(refusal(0, .reject, request, at: old) == .voteContradicts)
        #expect(refusal(1, .approve, request, at: old) == .timestampOutOfRange)
        try scenario.cast(1, .abstain, on: request)
        #expect(refusal(1, .approve, request) == .voteChanged)
        try scenario.next(after: 30_000)
        try scenario.next()
        #expect(refusal(0, .approve, request, at: old) == .alreadyRecorded)
        #expect(refusal(0, .abstain, request, at: old) == .voteChanged)
        #expect(refusal(0, .reject, request, at: old) == .voteContradicts)
        #expect(refusal(2, .approve, request, at: old) == .roundClosed)
        #expect(refusal(250, .approve, request, at: old) == .notPinned)
    }

    @Test("a vote is taken while batch time is within sixty seconds of it, on either side")
    func timestamps() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let now = scenario.state.time.rawValue
        for (time, expected) in [
            (now - 60_000, nil), (now + 60_000, nil), (now - 60_001, .timestampOutOfRange),
            (now + 60_001, .timestampOutOfRange), (0, .timestampOutOfRange),
            (.max, .timestampOutOfRange),
        ] as [(UInt64, Refusal?)] {
            let vote = scenario.vote(0, .approve, on: request, at: Time(time))
            #expect(scenario.refusal(.vote(vote)) == expected)
        }
    }

    @Test("fewer validators than the threshold open no round")
    func tooFewValidators() throws {
        // No change lets the validators sink below T; a fold that was made up does.
        var scenario = try LedgerScenario(.of(3, 3))
        try scenario.open()
        let key = Fixture.key(2).publicKey
        #expect(
            scenario.refusal(.governance(scenario.change(.validatorLeft(key: key))))
                == .unsafeThreshold)
        var small = try LedgerScenario(.of(2, 2))
        try small.open()
        #expect(small.refusal(.job(small.job())) == .tooFewValidators)
        #expect(small.refusal(.job(small.job { $0.fuel = 0 })) == .malformedJob)
    }

    @Test("a message without a batch, and one that is not signed")
    func placeAndSignature() throws {
        var scenario = try LedgerScenario()
        let message = Message.request(scenario.request())
        #expect(scenario.refusal(message) == .noBatch)
        #expect(scenario.refusal(.recordRefusal(Checked(unchecked: message))) == .noBatch)
        #expect(Checked(message, in: scenario.ledger) != nil)
        #expect(Checked(message, in: LedgerID(.zero)) == nil)
        guard case .request(var request) = message else { return }
        request.amount = Amount(6)
        #expect(Checked(Message.request(request), in: scenario.ledger) == nil)
    }
}
