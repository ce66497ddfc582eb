// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254

/// Why a verifying key proves nothing, or less than the ledger needs: how a forger uses it.
///
/// A proof holds where e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta), with L the point for the
/// constant and each input times its point. Every fault is one with which somebody who has nothing
/// but the key satisfies that equation, or turns a proof of others to inputs of its own.
package enum VerifyingKeyFault: Error, Equatable, Sendable {
    /// gamma is delta or its negative: A = alpha, B = beta, C = L or its negative.
    case gammaIsDelta
    /// gamma is beta or its negative: A = alpha + L, B = beta, C = infinity.
    case gammaIsBeta
    /// delta is beta or its negative: A = L, B = gamma, C = alpha or its negative.
    case deltaIsBeta
    /// delta is the generator or its negative: nobody took part in the second phase, and C follows
    /// from the published powers of the first.
    case deltaIsGenerator
    /// alpha or beta is the generator or its negative: a secret of the first phase is known.
    case secretIsKnown(Groth16Element)
    /// The point for the constant is infinity: inputs of nothing but zeros need no witness.
    case constantIsInfinity
    /// The point for the constant is alpha or its negative: A = alpha, B = beta + gamma for zeros.
    case constantIsAlpha
    /// The point of a bound input is infinity: one proof serves every value of it.
    case inputIsInfinity(input: Int)
    /// The point of an input is that for the constant or its negative: L vanishes for inputs that
    /// are known.
    case inputIsConstant(input: Int)
    /// Two inputs have one point, or opposite ones: only their sum or difference is proven, so that
    /// one may be moved into the other.
    case inputsShareAPoint(first: Int, second: Int)
}

extension VerifyingKeyFault: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .gammaIsDelta:
            "vk_gamma_2 equals vk_delta_2, so anybody can forge proofs: the ceremony has no second"
                + " phase"
        case .gammaIsBeta: "vk_gamma_2 equals vk_beta_2, so anybody can forge proofs"
        case .deltaIsBeta: "vk_delta_2 equals vk_beta_2, so anybody can forge proofs"
        case .deltaIsGenerator:
            "vk_delta_2 is the generator, so anybody can forge proofs: the ceremony has no second"
                + " phase"
        case .secretIsKnown(let element):
            "\(element.text) is the generator, so a secret of the ceremony is known"
        case .constantIsInfinity:
            "IC[0] is infinity, so inputs that are all zero need no proof"
        case .constantIsAlpha: "IC[0] equals vk_alpha_1, so inputs that are all zero can be forged"
        case .inputIsInfinity(let input):
            "IC[\(input + 1)] is infinity, so a proof does not depend on public input \(input)"
        case .inputIsConstant(let input):
            "IC[\(input + 1)] equals IC[0], so proofs can be forged for a value of public input"
                + " \(input)"
        case .inputsShareAPoint(let first, let second):
            "IC[\(first + 1)] equals IC[\(second + 1)], so a proof binds only public inputs"
                + " \(first) and \(second) together, and not each"
        }
    }
}

extension VerifyingKey {
    /// Returns why proofs of this key are worth nothing, or nil where nothing is known against it.
    ///
    /// `isBound` says of each public input whether anything is made of its value; one that it does
    /// not tell of is bound. The point of one that is free may be infinity. Points count as equal
    /// up to their sign. Checked in the order of the cases of `VerifyingKeyFault`. Infinite alpha,
    /// beta, gamma and delta are refused before there is a key. What nobody can check: that one
    /// point is a *known* multiple or combination of others (only 1 and -1 are tried), and that the
    /// secrets of the ceremony were thrown away.
    package func soundnessFault(isBound: [Bool]) -> VerifyingKeyFault? {
        if Self.areAlike(gamma, delta) { return .gammaIsDelta }
        if Self.areAlike(gamma, beta) { return .gammaIsBeta }
        if Self.areAlike(delta, beta) { return .deltaIsBeta }
        if Self.areAlike(delta, .generator) { return .deltaIsGenerator }
        if Self.areAlike(alpha, .generator) { return .secretIsKnown(.alpha) }
        if Self.areAlike(beta, .generator) { return .secretIsKnown(.beta) }
        if ic[0].isInfinity { return .constantIsInfinity }
        if Self.areAlike(ic[0], alpha) { return .constantIsAlpha }
        let points = ic.dropFirst()
        for (input, point) in points.enumerated() where point.isInfinity {
            if isBound.indices.contains(input), !isBound[input] { continue }
            return .inputIsInfinity(input: input)
        }
        for (input, point) in points.enumerated() where Self.areAlike(point, ic[0]) {
            return .inputIsConstant(input: input)
        }
        // Equal up to their sign where x is equal; of many inputs, the first pair by the second.
        var first: [[UInt8]: Int] = [:]
        for (input, point) in points.enumerated() where !point.isInfinity {
            let x = point.x.littleEndianBytes
            if let other = first[x] { return .inputsShareAPoint(first: other, second: input) }
            first[x] = input
        }
        return nil
    }

    /// Whether two points are equal or opposite: whether their x is equal, and both finite.
    private static func areAlike(_ left: G1Affine, _ right: G1Affine) -> Bool {
        left == right || left == right.negated
    }

    private static func areAlike(_ left: G2Affine, _ right: G2Affine) -> Bool {
        left == right || left == right.negated
    }
}
