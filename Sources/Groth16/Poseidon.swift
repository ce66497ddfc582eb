// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// The hash function Poseidon over the scalar field, compatible with circomlib.
///
/// S-box x^5, 8 full rounds, capacity 1, the first element of the final state is the digest.
/// Source: Grassi et al. 2021, "Poseidon: a new hash function for zero-knowledge proof systems".
package enum Poseidon {
    /// Returns the digest of 1 to 16 inputs; their number selects the width of the state.
    ///
    /// The first digest of a width computes its constants. Throws `hashInputCountOutOfRange`.
    package static func hash(_ inputs: [Fr]) throws(Groth16Error) -> Fr {
        guard let constants = PoseidonConstants.forWidth(inputs.count + 1) else {
            throw .hashInputCountOutOfRange(actual: inputs.count)
        }
        return permute([.zero] + inputs, constants)[0]
    }

    /// Returns the digest of two inputs, as the nodes of a binary tree need it.
    package static func hash(_ left: Fr, _ right: Fr) -> Fr {
        permute([.zero, left, right], PoseidonConstants.pair)[0]
    }

    /// Returns the state of 2 to 17 elements after the permutation.
    ///
    /// Throws `hashInputCountOutOfRange`, where the first element does not count as an input.
    package static func permute(_ state: [Fr]) throws(Groth16Error) -> [Fr] {
        guard let constants = PoseidonConstants.forWidth(state.count) else {
            throw .hashInputCountOutOfRange(actual: state.count - 1)
        }
        return permute(state, constants)
    }

    /// Returns the permuted state, as wide as the constants are.
    private static func permute(_ input: [Fr], _ constants: PoseidonConstants) -> [Fr] {
        let width = constants.width
        let half = PoseidonConstants.fullRoundCount / 2
        let roundCount = PoseidonConstants.fullRoundCount + constants.partialRoundCount
        var state = input
        var next = input
        for round in 0..<roundCount {
            for index in 0..<width {
                state[index] = state[index] + constants.roundConstants[round * width + index]
            }
            let isFull = round < half || round >= roundCount - half
            for index in 0..<(isFull ? width : 1) { state[index] = fifthPower(state[index]) }
            for row in 0..<width {
                var sum = Fr.zero
                for column in 0..<width {
                    sum = sum + constants.matrix[row * width + column] * state[column]
                }
                next[row] = sum
            }
            swap(&state, &next)
        }
        return state
    }

    private static func fifthPower(_ value: Fr) -> Fr {
        let square = value.squared()
        return square.squared() * value
    }
}
