// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// The constants of Poseidon for one width, generated and not copied.
///
/// Source: the Grain LFSR in self-shrinking mode, Grassi et al. 2021, appendix F.
package struct PoseidonConstants: Sendable {
    /// The number of elements of the state.
    package let width: Int
    /// The number of rounds with a single S-box.
    package let partialRoundCount: Int
    /// One constant for each round and element, round by round.
    package let roundConstants: [Fr]
    /// The matrix of the linear layer, row by row.
    package let matrix: [Fr]

    /// The number of rounds in which each element passes the S-box.
    package static let fullRoundCount = 8

    /// The smallest and the largest width.
    package static let widths = 2...17

    /// The number of partial rounds for widths 2 to 17.
    private static let partialRoundCounts = [
        56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68,
    ]

    /// Generates the constants of a width within `widths`.
    private init(generating width: Int) {
        let partialRoundCount = Self.partialRoundCounts[width - 2]
        let roundCount = Self.fullRoundCount + partialRoundCount
        var grain = Grain(width: width, partialRoundCount: partialRoundCount)
        roundConstants = (0..<width * roundCount).map { _ in grain.nextBelowOrder() }
        let points = (0..<2 * width).map { _ in grain.nextReduced() }
        var entries: [Fr] = []
        for row in 0..<width {
            for column in 0..<width { entries.append(points[row] + points[width + column]) }
        }
        Fr.invertAll(&entries)
        matrix = entries
        self.width = width
        self.partialRoundCount = partialRoundCount
    }

    /// The constants for two inputs.
    package static let pair = PoseidonConstants(generating: 3)

    // One static constant a width: each is generated once, by the first thread that needs it.
    private static let width2 = PoseidonConstants(generating: 2)
    private static let width4 = PoseidonConstants(generating: 4)
    private static let width5 = PoseidonConstants(generating: 5)
    private static let width6 = PoseidonConstants(generating: 6)
    private static let width7 = PoseidonConstants(generating: 7)
    private static let width8 = PoseidonConstants(generating: 8)
    private static let width9 = PoseidonConstants(generating: 9)
    private static let width10 = PoseidonConstants(generating: 10)
    private static let width11 = PoseidonConstants(generating: 11)
    private static let width12 = PoseidonConstants(generating: 12)
    private static let width13 = PoseidonConstants(generating: 13)
    private static let width14 = PoseidonConstants(generating: 14)
    private static let width15 = PoseidonConstants(generating: 15)
    private static let width16 = PoseidonConstants(generating: 16)
    private static let width17 = PoseidonConstants(generating: 17)

    /// Returns the constants of a width, or nil outside `widths`.
    package static func forWidth(_ width: Int) -> PoseidonConstants? {
        switch width {
        case 2: width2
        case 3: pair
        case 4: width4
        case 5: width5
        case 6: width6
        case 7: width7
        case 8: width8
        case 9: width9
        case 10: width10
        case 11: width11
        case 12: width12
        case 13: width13
        case 14: width14
        case 15: width15
        case 16: width16
        case 17: width17
        default: nil
        }
    }
}

/// The bit generator of the constants: a shift register of 80 bits.
private struct Grain {
    /// The state, where bit i is s_i.
    private var state: UInt128

    init(width: Int, partialRoundCount: Int) {
        var bits: [Bool] = []
        for (value, count) in [
            (1, 2), (0, 4), (254, 12), (width, 12), (PoseidonConstants.fullRoundCount, 10),
            (partialRoundCount, 10), ((1 << 30) - 1, 30),
        ] {
            for position in stride(from: count - 1, through: 0, by: -1) {
                bits.append((value >> position) & 1 == 1)
            }
        }
        state = 0
        for (index, bit) in bits.enumerated() where bit { state |= 1 << UInt128(index) }
        for _ in 0..<160 { _ = shift() }
    }

    private mutating func shift() -> UInt64 {
        let taps = state ^ state >> 13 ^ state >> 23 ^ state >> 38 ^ state >> 51 ^ state >> 62
        let bit = taps & 1
        state = state >> 1 | bit << 79
        return UInt64(bit)
    }

    /// Returns the second bit of the first pair that begins with a one.
    private mutating func nextBit() -> UInt64 {
        while shift() == 0 { _ = shift() }
        return shift()
    }

    /// Returns a number of 254 bits, most significant bit first.
    private mutating func next() -> UInt256 {
        var limbs: [UInt64] = [0, 0, 0, 0]
        for index in stride(from: 253, through: 0, by: -1) {
            limbs[index >> 6] |= nextBit() << UInt64(index & 63)
        }
        return UInt256(limbs[0], limbs[1], limbs[2], limbs[3])
    }

    mutating func nextBelowOrder() -> Fr {
        while true {
            if let value = Fr(canonical: next()) { return value }
        }
    }

    mutating func nextReduced() -> Fr { Fr(reducing: next()) }
}
