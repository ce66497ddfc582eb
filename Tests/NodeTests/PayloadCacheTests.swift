// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Node
import TestSupport
import Testing

/// The payloads that a node had in its hands last.
@Suite("Payloads in memory")
struct PayloadCacheTests {
    private static func payload(_ number: Int, _ count: Int) -> (Digest, [UInt8]) {
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
        return (Digest(hashing: Array("\(number) \(count)".utf8)), bytes)
    }

    @Test("the oldest go where there are too many, or too many bytes")
    func oldest() {
        var cache = PayloadCache(bytesMax: 10, countMax: 3)
        let all = [(0, 4), (1, 4), (2, 1), (3, 1), (4, 10), (5, 11), (6, 0)].map(Self.payload)
        func held() -> [Int] { all.indices.filter { cache[all[$0].0] != nil } }
        let expected = [[0], [0, 1], [0, 1, 2], [1, 2, 3], [4], [4], [4, 6]]
        for (place, (hash, bytes)) in all.enumerated() {
            cache.insert(hash, bytes)
            #expect(held() == expected[place])
            #expect(cache[hash] == (place == 5 ? nil : bytes))
        }
    }

    @Test("it holds what a list of the newest would", arguments: 0..<20)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var cache = PayloadCache(bytesMax: 64, countMax: 8)
        var model: [(hash: Digest, bytes: [UInt8])] = []
        for step in 0..<400 {
            let number = Int.random(in: 0..<24, using: &random)
            let (hash, bytes) = Self.payload(number, number * 3)
            if Int.random(in: 0..<4, using: &random) == 0 {
                cache.remove(hash)
                model.removeAll { $0.hash == hash }
            } else {
                cache.insert(hash, bytes)
                if bytes.count <= 64, !model.contains(where: { $0.hash == hash }) {
                    model.append((hash, bytes))
                }
                while model.count > 8 || model.map(\.bytes.count).reduce(0, +) > 64 {
                    model.removeFirst()
                }
            }
            for number in 0..<24 {
                let (hash, _) = Self.payload(number, number * 3)
                let held = model.first { $0.hash == hash }?.bytes
                #expect(cache[hash] == held, "seed \(seed), step \(step)")
            }
        }
    }
}
