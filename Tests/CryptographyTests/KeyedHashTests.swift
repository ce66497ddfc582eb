// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import TestSupport
import Testing

@Suite struct KeyedHashTests {
    @Test func keysThatDifferInAnyBitOrHalfHaveOtherHashes() {
        let hash = KeyedHash.ofProcess
        var seen: Set<UInt64> = []
        var count = 0
        for place in 0..<32 {
            for bit in 0..<8 {
                var bytes = [UInt8](repeating: 0, count: 32)
                bytes[place] = 1 << UInt8(bit)
                seen.insert(hash.hash(Bytes32(bytes) ?? .zero))
                count += 1
            }
        }
        for number in 0..<10_000 as Range<UInt64> {
            seen.insert(hash.hash(number << 40))
            count += 1
        }
        #expect(seen.count == count)
    }

    @Test func theLowAndTheHighBitsOfHashesAreSpreadEvenly() {
        var random = SplitMix64(seed: 4)
        var low = [Int](repeating: 0, count: 64)
        var high = low
        for _ in 0..<64_000 {
            let hash = KeyedHash.ofProcess.hash(Bytes32(random.bytes(32)) ?? .zero)
            low[Int(hash >> 20 & 63)] += 1
            high[Int(hash >> 58)] += 1
        }
        // A thousand each; 250 is eight standard deviations.
        #expect(low.allSatisfy { abs($0 - 1000) < 250 })
        #expect(high.allSatisfy { abs($0 - 1000) < 250 })
    }
}
