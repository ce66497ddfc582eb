// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Hashes of keys for tables in memory, under a secret of this process.
///
/// Sums of products of words and secret words: two keys chosen without the secret share a hash with
/// a chance of about 2^-63, so nobody can fill one place of a table. No hash leaves the process,
/// and no order may rest on one. Source: Black et al. 1999, "UMAC", section 4 (NH).
package struct KeyedHash: Sendable {
    /// That of this process.
    package static let ofProcess = KeyedHash(randomBytes(40))

    @usableFromInline let word0: UInt64
    @usableFromInline let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64
    @usableFromInline let factor: UInt64

    /// Takes a secret of forty bytes.
    private init(_ secret: [UInt8]) {
        func word(_ number: Int) -> UInt64 { secret.span.word(at: 8 * number) ?? 0 }
        word0 = word(0)
        word1 = word(1)
        word2 = word(2)
        word3 = word(3)
        factor = word(4) | 1
    }

    /// The hash of a number.
    @inlinable
    package func hash(_ number: UInt64) -> UInt64 {
        let product = (number &+ word0).multipliedFullWidth(by: word1 | 1)
        return (product.high ^ product.low) &* factor
    }

    /// The hash of thirty-two bytes.
    package func hash(_ value: Bytes32) -> UInt64 {
        let words = value.bigEndianWords
        let left = (words.0 &+ word0).multipliedFullWidth(by: words.1 &+ word1)
        let right = (words.2 &+ word2).multipliedFullWidth(by: words.3 &+ word3)
        let (low, carry) = left.low.addingReportingOverflow(right.low)
        let high = left.high &+ right.high &+ (carry ? 1 : 0)
        return (high ^ low) &* factor
    }
}
