// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension PublicKey {
    /// Whether the key is a valid point: the canonical encoding of a point of the group of prime
    /// order l, other than the neutral one.
    ///
    /// A key must pass this wherever it enters a ledger: the verdict on its signatures is then the
    /// same for every verifier, with a cofactor or without. Checked here, in order: y below the
    /// modulus; a point of the curve; l times it is neutral; not neutral itself. Not asked of
    /// libsodium: `crypto_core_ed25519_is_valid_point` of some versions that are in use passes keys
    /// with a component of order two (CVE-2025-69277), and a verdict that depends on the machine
    /// forks a ledger. Costs some 0.1 ms; not constant-time, since keys are public.
    package var isValid: Bool {
        let words = Words256(value)
        var y = words
        y.word3 &= .max >> 1
        guard y.isBelow(Self.fieldModulus), let point = EdwardsPoint(encoding: words),
            !point.isNeutral
        else { return false }
        return point.timesGroupOrder.isNeutral
    }

    /// 2^255 - 19.
    private static let fieldModulus = Words256(
        0xFFFF_FFFF_FFFF_FFED, .max, .max, .max >> 1)
}

extension EdwardsPoint {
    /// Whether this is the neutral point: x = 0 and y = 1.
    var isNeutral: Bool { x.isZero && (y - z).tightened.isZero }

    /// l times the point, from the highest bit of l down.
    fileprivate var timesGroupOrder: EdwardsPoint {
        let order = GroupScalar.order
        var result = EdwardsPoint.neutral
        for word in [order.word3, order.word2, order.word1, order.word0] {
            for bit in stride(from: UInt64(63), through: 0, by: -1) {
                result = result + result
                if word >> bit & 1 == 1 { result = result + self }
            }
        }
        return result
    }
}
