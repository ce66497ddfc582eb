// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import Groth16
import Ledger

/// Proofs that hold under the key of the fixture, whose secrets are known: alpha 4, beta 3, gamma
/// 1, delta 5, and 7, 8, ... behind the inputs.
enum TrueProof {
    /// Of the public inputs root 42, this nullifier, this amount, recipient 77.
    ///
    /// With B and C the generators, A is alpha beta + l gamma + delta.
    static func of(nullifier: UInt64, amount: UInt64) -> [UInt8] {
        let inputs = [42, nullifier, amount, 77]
        let sum = zip(inputs, 8...).reduce(UInt64(7)) { $0 + $1.0 * $1.1 }
        let a = G1Affine.generator.multipliedVariableTime(by: Fr(4 * 3 + sum + 5))
        return Proof(a: a, b: .generator, c: .generator).compressed
    }
}
