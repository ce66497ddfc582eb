// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
package import Cryptography
internal import Groth16
package import Ledger

/// Makes any number of valid Groth16 proofs, for a key whose secrets it knows.
///
/// With alpha, beta, gamma, delta and the scalars behind the input points known, C follows from
/// a b = alpha beta + l gamma + c delta for any A and B: the proofs hold by the pairing equation
/// that every verifier computes, and nobody without the secrets can make one.
/// Source: Groth 2016, "On the size of pairing-based non-interactive arguments", the simulator.
package struct ProofMaker: Sendable {
    /// What the ledger registers: root, one nullifier, recipient and amount are bound.
    package let circuit: Circuit
    /// The roots that are published at the start.
    package let roots: [Bytes32]

    private let alpha: Fr
    private let beta: Fr
    private let gamma: Fr
    private let deltaInverse: Fr
    private let points: [Fr]
    private let prepared: PreparedVerifyingKey
    /// Some scalars with their points of G2, since those are dear to make.
    private let twists: [(scalar: Fr, point: G2Affine)]

    /// Draws the secrets.
    package init(seed: UInt64) {
        var random = SimulationRandom(seed: seed, "proofs")
        func g1(_ scalar: Fr) -> G1Affine {
            G1Affine.generator.multipliedVariableTime(by: scalar)
        }
        func g2(_ scalar: Fr) -> G2Affine {
            G2Affine.generator.multipliedVariableTime(by: scalar)
        }
        alpha = Self.scalar(&random)
        beta = Self.scalar(&random)
        gamma = Self.scalar(&random)
        let delta = Self.scalar(&random)
        deltaInverse = delta.inverse
        points = (0...4).map { _ in Self.scalar(&random) }
        twists = (0..<4).map { _ in
            let scalar = Self.scalar(&random)
            return (scalar, g2(scalar))
        }
        let key: VerifyingKey
        do throws(Groth16Error) {
            key = try VerifyingKey(
                alpha: g1(alpha), beta: g2(beta), gamma: g2(gamma), delta: g2(delta),
                ic: points.map(g1))
        } catch {
            fatalError("a key of random points is refused: \(error)")
        }
        prepared = PreparedVerifyingKey(key)
        circuit = Circuit(
            name: "simulated", verifyingKey: key.bytes,
            inputs: [.root, .nullifier, .recipient, .amount])
        roots = (0..<2).map { _ in Self.element(Self.scalar(&random)) }
    }

    /// A field element as thirty-two little-endian bytes, canonical and below 2^128.
    package static func element(_ random: inout SimulationRandom) -> Bytes32 {
        element(Fr(reducing: UInt256(random.next(), random.next(), 0, 0)))
    }

    private static func element(_ value: Fr) -> Bytes32 {
        Bytes32(value.littleEndianBytes) ?? .zero
    }

    /// An amount as a public input.
    package static func element(_ amount: Amount) -> Bytes32 { element(Fr(amount.rawValue)) }

    private static func scalar(_ random: inout SimulationRandom) -> Fr {
        Fr(reducing: UInt256(random.next(), random.next(), random.next(), random.next()))
    }

    /// Returns a proof for the inputs, compressed: one that holds, or one that does not.
    package func proof(
        _ inputs: [Bytes32], holds: Bool, random: inout SimulationRandom
    ) -> [UInt8] {
        let a = Self.scalar(&random)
        let twist = twists[random.below(twists.count)]
        var sum = points[0]
        for (input, point) in zip(inputs, points.dropFirst()) {
            sum = sum + (Fr(littleEndian: input.bytes) ?? .zero) * point
        }
        var c = (a * twist.scalar - alpha * beta - sum * gamma) * deltaInverse
        if !holds { c = c + .one }
        return Proof(
            a: G1Affine.generator.multipliedVariableTime(by: a), b: twist.point,
            c: G1Affine.generator.multipliedVariableTime(by: c)
        ).compressed
    }

    /// What the mathematics says of a request to the circuit; nil where it cannot be read.
    package func verdict(on request: RequestMessage) -> Bool? {
        guard request.circuit == circuit.id else { return nil }
        do throws(Groth16Error) {
            let proof = try Proof(compressed: request.proof)
            let inputs = try PublicInputs.parse(littleEndian: request.publicInputs.map(\.bytes))
            return try prepared.verify(proof, inputs: inputs)
        } catch {
            return nil
        }
    }

    /// The same of several requests, whose proofs are verified together.
    package func verdicts(on requests: [RequestMessage]) -> [Bool?] {
        var verdicts = [Bool?](repeating: nil, count: requests.count)
        var items: [(place: Int, item: PreparedVerifyingKey.CompressedItem)] = []
        for (place, request) in requests.enumerated() where request.circuit == circuit.id {
            let inputs = request.publicInputs.compactMap { Fr(littleEndian: $0.bytes) }
            guard inputs.count == request.publicInputs.count,
                inputs.count == prepared.publicInputCount
            else { continue }
            items.append((place, .init(request.proof, inputs: inputs)))
        }
        do throws(Groth16Error) {
            // Nobody who makes proofs can predict these factors.
            var factors = SystemRandomNumberGenerator()
            let answers = try prepared.verifyTogether(
                compressed: items.map(\.item), factors: &factors)
            for (item, answer) in zip(items, answers) {
                if case .success(let holds) = answer { verdicts[item.place] = holds }
            }
        } catch { fatalError("inputs that were counted are not as many as the key has: \(error)") }
        return verdicts
    }
}

/// The verdicts on proofs, each computed once for the whole run.
///
/// Every honest node would compute the same, so they share the result; what the verification costs
/// them is virtual time.
struct Verdicts {
    private let maker: ProofMaker
    private var known: [RequestID: Bool?] = [:]

    init(_ maker: ProofMaker) { self.maker = maker }

    /// The honest vote on a request, and its reason.
    mutating func vote(
        on request: RequestMessage, _ id: RequestID
    ) -> (vote: Vote, reason: VoteReason) {
        switch holds(request, id) {
        case true?: (.approve, .proofHolds)
        case false?: (.reject, .proofFails)
        case nil: (.abstain, .keyUnavailable)
        }
    }

    /// What the mathematics says, where it could be asked.
    mutating func holds(_ request: RequestMessage, _ id: RequestID) -> Bool? {
        if let verdict = known[id] { return verdict }
        let verdict = maker.verdict(on: request)
        known[id] = .some(verdict)
        return verdict
    }

    /// What was found before; nil where nobody has asked, or it could not be judged.
    func holds(_ id: RequestID) -> Bool? { known[id] ?? nil }
}
