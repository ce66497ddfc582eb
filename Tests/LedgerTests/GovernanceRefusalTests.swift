// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import Groth16
import Ledger
import Testing

@Suite("refusals of changes and of the first entry")
struct GovernanceRefusalTests {
    private func refusal(
        _ scenario: LedgerScenario, _ change: Change, signers: [Int]? = nil, number: UInt64? = nil
    ) -> Refusal? {
        scenario.refusal(
            .governance(scenario.change(change, signers: signers, number: number)))
    }

    /// A key that is not a point of the prime-order group.
    private static let badKey = PublicKey(.zero)

    @Test("number, signers, their order and number, then the change, in that order")
    func signatures() throws {
        var scenario = try LedgerScenario(.of(5, 4))
        try scenario.open()
        let bad = Change.validatorLeft(key: Fixture.key(99).publicKey)
        #expect(refusal(scenario, bad, signers: [9, 1, 0], number: 1) == .wrongNumber)
        #expect(refusal(scenario, bad, signers: [0], number: .max) == .wrongNumber)
        #expect(refusal(scenario, bad, signers: [0, 9, 0]) == .signerNotMember)
        #expect(refusal(scenario, bad, signers: [1, 0]) == .signaturesUnordered)
        #expect(refusal(scenario, bad, signers: [0, 0, 1, 2]) == .signaturesUnordered)
        #expect(refusal(scenario, bad, signers: [0, 1, 2]) == .tooFewSignatures)
        #expect(refusal(scenario, bad, signers: []) == .tooFewSignatures)
        #expect(refusal(scenario, bad, signers: [0, 1, 2, 4]) == .notMember)
        #expect(refusal(scenario, bad) == .notMember)
        let left = Change.validatorLeft(key: Fixture.key(4).publicKey)
        try scenario.send(.governance(scenario.change(left, signers: [0, 1, 2, 3, 4])))
        #expect(refusal(scenario, bad, signers: [0, 1, 2, 4]) == .signerNotMember)
        #expect(refusal(scenario, left, number: 0) == .wrongNumber)
        #expect(refusal(scenario, left) == .notMember)
    }

    @Test("members: keys, thresholds and stakes")
    func members() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        let stranger = Fixture.key(99).publicKey
        let member = Fixture.key(0).publicKey
        for (change, expected) in [
            (.validatorJoined(key: Self.badKey, name: "newcomer", stake: Stake(.max)), .invalidKey),
            (.validatorJoined(key: member, name: "newcomer", stake: Stake(.max)), .alreadyMember),
            // 3 * 3 > 2 * 5 does not hold.
            (
                .validatorJoined(key: stranger, name: "newcomer", stake: Stake(.max)),
                .unsafeThreshold
            ),
            (.stakeChanged(key: stranger, stake: Stake(.max)), .notMember),
            (.stakeChanged(key: member, stake: Stake(.max)), .stakeOutOfRange),
            (.stakeChanged(key: member, stake: Stake(.max - 300)), nil),
            (.stakeChanged(key: member, stake: Stake(.max - 299)), .stakeOutOfRange),
            (.stakeChanged(key: member, stake: Stake(0)), nil),
            (.validatorLeft(key: member), nil),
        ] as [(Change, Refusal?)] {
            #expect(refusal(scenario, change) == expected)
        }
        try scenario.send(.governance(scenario.change(.validatorLeft(key: member))))
        let signers = [1, 2, 3]
        let next = Fixture.key(1).publicKey
        #expect(
            refusal(scenario, .validatorLeft(key: next), signers: signers) == .unsafeThreshold)
        for validator in 1..<3 {
            try scenario.send(
                .governance(
                    scenario.change(
                        .stakeChanged(
                            key: Fixture.key(UInt16(validator)).publicKey, stake: Stake(0)))))
        }
        #expect(
            refusal(scenario, .stakeChanged(key: Fixture.key(3).publicKey, stake: Stake(0)))
                == .stakeOutOfRange)
    }

    @Test("safe thresholds of 1 to 40 validators are those with 3T > 2N and T <= N")
    func safeThresholds() {
        for count in 1...40 {
            for threshold in 0...45 {
                // Any two quorums overlap in 2T - N, more than the N - T that may fail.
                let expected = threshold <= count && 2 * threshold - count > count - threshold
                #expect(
                    Parameters.isSafe(threshold: UInt32(threshold), of: count) == expected)
            }
        }
        #expect(!Parameters.isSafe(threshold: 0, of: 0))
        #expect(!Parameters.isSafe(threshold: .max, of: 1000))
    }

    @Test("parameters: each bound on both sides, and of two faults the earlier")
    func parameters() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        typealias Fault = (Refusal, (inout Parameters) -> Void)
        let faults: [Fault] = [
            (.timeoutOutOfRange, { $0.verificationMilliseconds = 0 }),
            (.reputationBoundsOutOfRange, { $0.reputationMin = Reputation(1_000_001) }),
            (.weightsOutOfRange, { $0.stakeWeight = 700_001 }),
            (.boundsOutOfRange, { $0.unclosedMax = 0 }),
            (.jobBoundsOutOfRange, { $0.jobFuelMax = 0 }),
            (.unsafeThreshold, { $0.threshold = 2 }),
        ]
        for (place, early) in faults.enumerated() {
            for late in faults[place...] {
                var parameters = scenario.state.parameters
                late.1(&parameters)
                early.1(&parameters)
                #expect(refusal(scenario, .parametersChanged(parameters)) == early.0)
            }
        }
        let edges: [(Refusal?, (inout Parameters) -> Void)] = [
            (nil, { $0.jobMilliseconds = 86_400_000 }),
            (.timeoutOutOfRange, { $0.jobMilliseconds = 86_400_001 }),
            (nil, { $0.settlementMilliseconds = 1 }),
            (.timeoutOutOfRange, { $0.settlementMilliseconds = .max }),
            (nil, { $0.reputationMin = Reputation(1_000_000) }),
            (nil, { $0.reputationMax = Reputation(1_000_000) }),
            (.reputationBoundsOutOfRange, { $0.reputationMax = Reputation(999_999) }),
            (nil, { $0.reputationMax = Reputation(100_000_000) }),
            (.reputationBoundsOutOfRange, { $0.reputationMax = Reputation(100_000_001) }),
            (nil, { ($0.stakeWeight, $0.reputationWeight) = (0, 1_000_000) }),
            (.weightsOutOfRange, { ($0.stakeWeight, $0.reputationWeight) = (.max, .max) }),
            (nil, { $0.unclosedMax = 100_000 }),
            (.boundsOutOfRange, { $0.unclosedMax = 100_001 }),
            (.boundsOutOfRange, { $0.refusalsPerMinute = 0 }),
            (nil, { $0.threshold = 4 }),
            (.unsafeThreshold, { $0.threshold = 5 }),
        ]
        for (expected, change) in edges {
            var parameters = scenario.state.parameters
            change(&parameters)
            #expect(refusal(scenario, .parametersChanged(parameters)) == expected)
        }
    }

    @Test("a verifying key that proves nothing: refused with its reason, wherever it enters")
    func keysThatProveNothing() throws {
        let good = try VerifyingKey(bytes: Fixture.circuit.verifyingKey)
        let (beta, g1, g2) = (good.beta, G1Affine.generator, G2Affine.generator)
        func key(
            alpha: G1Affine? = nil, beta: G2Affine? = nil, gamma: G2Affine? = nil,
            delta: G2Affine? = nil, _ changes: [Int: G1Affine] = [:]
        ) throws -> [UInt8] {
            var ic = good.ic
            for (place, point) in changes { ic[place] = point }
            return try VerifyingKey(
                alpha: alpha ?? good.alpha, beta: beta ?? good.beta, gamma: gamma ?? good.gamma,
                delta: delta ?? good.delta, ic: ic
            ).bytes
        }
        let cases: [([UInt8], Refusal?)] = [
            (try key(), nil),
            (try key(gamma: good.delta), .gammaIsDelta),
            (try key(gamma: good.delta.negated), .gammaIsDelta),
            (try key(gamma: beta), .gammaIsBeta), (try key(delta: beta), .deltaIsBeta),
            (try key(gamma: Fixture.twist(9), delta: g2), .deltaIsGenerator),
            (try key(alpha: g1), .keySecretKnown),
            (try key(beta: g2, gamma: Fixture.twist(9)), .keySecretKnown),
            (try key([0: .infinity]), .constantIsInfinity),
            (try key([0: good.alpha]), .constantIsAlpha),
            (try key([3: .infinity]), .inputIsInfinity),
            (try key([3: good.ic[0].negated]), .inputIsConstant),
            (try key([3: good.ic[1]]), .inputsShareAPoint),
        ]
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        for (bytes, expected) in cases {
            var circuit = Fixture.circuit
            circuit.name = "other"
            circuit.verifyingKey = bytes
            #expect(refusal(scenario, .circuitRegistered(circuit)) == expected)
            var opened = Fixture.opened(Setup())
            opened.circuits[0].circuit.verifyingKey = bytes
            var found: Refusal?
            do throws(Refusal) {
                _ = try LedgerState().decide(.openLedger(opened))
            } catch {
                found = error
            }
            #expect(found == expected)
        }
    }

    @Test("circuits: malformed, unbound, known; roots: unknown circuit, malformed, known")
    func circuits() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        let good = Fixture.circuit
        func circuit(_ change: (inout Circuit) -> Void) -> Refusal? {
            var copy = good
            copy.name = "another"
            change(&copy)
            return refusal(scenario, .circuitRegistered(copy))
        }
        #expect(circuit { _ in } == nil)
        #expect(circuit { $0.name = "" } == .malformedName)
        #expect(circuit { $0.name = String(repeating: "a", count: 32) } == nil)
        #expect(circuit { $0.name = String(repeating: "a", count: 33) } == .malformedName)
        #expect(circuit { $0.verifyingKey = [] } == .malformedCircuit)
        #expect(circuit { $0.verifyingKey[5] ^= 1 } == .malformedCircuit)
        #expect(circuit { $0.inputs.append(.free) } == .malformedCircuit)
        #expect(
            circuit {
                $0.inputs[0] = .constant(Fixture.elementPlusOrder(0))
            } == .malformedCircuit)
        for place in 0..<4 {
            #expect(circuit { $0.inputs[place] = .free } == .circuitUnbound)
        }
        #expect(circuit { $0.name = good.name } == .circuitKnown)
        let known = CircuitIndex(0)
        for (circuit, root, expected) in [
            (CircuitIndex(1), Fixture.elementPlusOrder(0), .unknownCircuit),
            (known, Fixture.elementPlusOrder(0), .malformedInput),
            (known, Fixture.root, .rootKnown), (known, Fixture.element(1), nil),
        ] as [(CircuitIndex, Bytes32, Refusal?)] {
            #expect(refusal(scenario, .rootPublished(circuit: circuit, root: root)) == expected)
        }
        let stranger = Fixture.key(99).publicKey
        for (key, quota, expected) in [
            (Self.badKey, .max, .invalidKey), (stranger, 100_001, .boundsOutOfRange),
            (stranger, 100_000, nil), (stranger, 0, nil),
        ] as [(PublicKey, UInt32, Refusal?)] {
            #expect(
                refusal(scenario, .submitterListed(key: key, name: "newcomer", quota: quota))
                    == expected)
        }
    }

    private static func refusal(of opened: LedgerOpened) -> Refusal? {
        do throws(Refusal) { _ = try LedgerState().decide(.openLedger(opened)) } catch {
            return error
        }
        return nil
    }

    @Test("the first entry: every fault, and of two the earlier")
    func genesis() {
        typealias Fault = (Refusal, (inout LedgerOpened) -> Void)
        let faults: [Fault] = [
            (.timeoutOutOfRange, { $0.parameters.jobMilliseconds = 0 }),
            (.invalidKey, { $0.validators[1].key = Self.badKey }),
            (.malformedGenesis, { $0.validators[2].key = $0.validators[3].key }),
            (.malformedName, { $0.validators[3].name = "Bad" }),
            (.nameTaken, { $0.validators[0].name = $0.validators[1].name }),
            (.stakeOutOfRange, { $0.validators[0].stake = Stake(.max) }),
            (.unsafeThreshold, { $0.parameters.threshold = 2 }),
            (.malformedGenesis, { $0.submitters.append($0.submitters[0]) }),
            (
                .invalidKey,
                { $0.submitters.insert(.init(key: Self.badKey, name: "bad", quota: 0), at: 0) }
            ),
            (.boundsOutOfRange, { $0.submitters[0].quota = 100_001 }),
            (.malformedName, { $0.submitters[0].name = "" }),
            (.malformedCircuit, { $0.circuits[0].circuit.verifyingKey = [] }),
            (.invalidKey, { $0.bridge = Self.badKey }),
        ]
        func refusal(_ change: (inout LedgerOpened) -> Void) -> Refusal? {
            var opened = Fixture.opened(.of(4, 3))
            change(&opened)
            return Self.refusal(of: opened)
        }
        #expect(refusal { _ in } == nil)
        for (place, early) in faults.enumerated() {
            #expect(refusal(early.1) == early.0)
            for late in faults[(place + 1)...] {
                let told = refusal { opened in
                    late.1(&opened)
                    early.1(&opened)
                }
                #expect(told == early.0, "\(early.0) before \(late.0)")
            }
        }
        #expect(refusal { $0.circuits[0].circuit.inputs[3] = .free } == .circuitUnbound)
        #expect(refusal { $0.circuits.append($0.circuits[0]) } == .circuitKnown)
        #expect(refusal { $0.circuits[0].roots.append(Fixture.root) } == .rootKnown)
        #expect(
            refusal { $0.circuits[0].roots = [Fixture.elementPlusOrder(1)] } == .malformedInput)
        #expect(
            refusal { opened in
                opened.circuits[0].roots = (0..<1024).map { Fixture.element($0) }
            } == nil)
        #expect(
            refusal { opened in
                opened.circuits[0].roots = (0..<1025).map { Fixture.element($0) }
            } == .malformedGenesis)
        #expect(
            refusal { opened in
                opened.submitters = (0..<1900).map { number in
                    GenesisSubmitter(
                        key: Fixture.key(UInt16(1000 + number)).publicKey,
                        name: "s-\(number)", quota: 1)
                }
            } == .malformedGenesis)
        #expect(refusal { $0.name = String(repeating: "n", count: 64) } == nil)
        #expect(refusal { $0.name = String(repeating: "n", count: 65) } == .malformedGenesis)
        #expect(
            refusal { opened in
                opened.parameters.threshold = 800
                opened.validators = (0..<1001).map { number in
                    GenesisValidator(
                        key: Fixture.key(UInt16(1000 + number)).publicKey,
                        name: "v-\(number)", stake: Stake(1))
                }
            } == .tooManyMembers)
    }
}
