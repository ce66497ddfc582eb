// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The generator of a run: SplitMix64, whose stream follows from its seed alone.
///
/// Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
package struct SimulationRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts a stream.
    package init(seed: UInt64) { state = seed }

    /// Starts a stream of its own for a purpose and a number, so that draws for one thing never
    /// move those for another.
    package init(seed: UInt64, _ purpose: StaticString, _ number: Int = 0) {
        var mixed = SimulationRandom(seed: seed)
        var state = mixed.next()
        for byte in purpose.description.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        state ^= UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        mixed = SimulationRandom(seed: state)
        self.state = mixed.next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..<bound`; 0 where the bound is 0.
    ///
    /// By remainder: the bias is far below what any of its uses could show.
    package mutating func below(_ bound: UInt64) -> UInt64 { bound == 0 ? 0 : next() % bound }

    /// Returns a number in `0..<bound`; 0 where the bound is 0 or less.
    package mutating func below(_ bound: Int) -> Int {
        bound <= 0 ? 0 : Int(below(UInt64(bound)))
    }

    /// Returns a number of the range.
    package mutating func number(in range: ClosedRange<UInt64>) -> UInt64 {
        let span = range.upperBound - range.lowerBound
        return range.lowerBound + (span == .max ? next() : below(span + 1))
    }

    /// Returns true in `parts` of 1,000 cases.
    package mutating func happens(perMille parts: Int) -> Bool { below(1000) < parts }

    /// Returns an element; nil where there is none.
    package mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// Returns the elements in another order (Fisher and Yates).
    package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        var place = result.count - 1
        while place > 0 {
            result.swapAt(place, below(place + 1))
            place -= 1
        }
        return result
    }

    /// Returns so many bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<max(0, count)).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }

    /// Returns thirty-two bytes.
    package mutating func bytes32() -> Bytes32 { Bytes32(bytes(32)) ?? .zero }
}
