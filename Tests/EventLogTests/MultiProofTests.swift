// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct MultiProofTests {
    private func log(_ count: Int) throws -> (log: EventLog, hashes: [Digest]) {
        let log = try EventLog.create(directory: "/log", disk: SimulatedDisk())
        var hashes: [Digest] = []
        for number in 0..<count {
            let entry = Array("entry \(number)".utf8)
            hashes.append(Digest(hashing: [0] + entry))
            _ = try log.stage(entry)
        }
        try log.commit()
        return (log, hashes)
    }

    private func leaves(_ places: [Int], _ hashes: [Digest]) -> [IndexedLeaf] {
        places.map { IndexedLeaf(index: UInt64($0), hash: hashes[$0]) }
    }

    /// The proof by its definition: the root of every subtree without a wanted leaf, left first.
    private func naiveProof(_ wanted: Set<Int>, _ tree: Range<Int>, _ hashes: [Digest]) -> [Digest]
    {
        if !tree.contains(where: wanted.contains) { return [naiveRoot(hashes[tree])] }
        guard tree.count > 1 else { return [] }
        var half = 1
        while half * 2 < tree.count { half *= 2 }
        let middle = tree.lowerBound + half
        return naiveProof(wanted, tree.lowerBound..<middle, hashes)
            + naiveProof(wanted, middle..<tree.upperBound, hashes)
    }

    @Test func `every set of leaves of every small tree has the proof of the definition`() throws {
        let (log, hashes) = try log(10)
        for size in 1...10 {
            let root = naiveRoot(hashes[..<size])
            for bits in 1..<(1 << size) {
                let places = (0..<size).filter { bits >> $0 & 1 == 1 }
                let proof = try log.multiProof(
                    indices: places.map(UInt64.init), size: UInt64(size))
                #expect(proof == naiveProof(Set(places), 0..<size, hashes), "\(places) of \(size)")
                #expect(
                    MultiProof.verify(
                        leaves: leaves(places, hashes), size: UInt64(size), proof: proof, root: root
                    ), "\(places) of \(size)")
            }
        }
    }

    @Test func `the proof of one leaf has the hashes of the single proof`() throws {
        let (log, _) = try log(600)
        for (index, size) in [(0, 1), (0, 600), (255, 256), (256, 600), (599, 600), (511, 513)] {
            let single = try log.inclusionProof(index: UInt64(index), size: UInt64(size))
            let several = try log.multiProof(indices: [UInt64(index)], size: UInt64(size))
            #expect(single.sorted() == several.sorted(), "\(index) of \(size)")
        }
    }

    @Test func `random sets and runs of larger trees hold, and no change of them does`() throws {
        let (log, hashes) = try log(3_000)
        for seed in UInt64(0)..<60 {
            var random = SplitMix64(seed: seed)
            let size = Int.random(in: 2...3_000, using: &random)
            var places = Set(
                (0..<Int.random(in: 1...20, using: &random)).map { _ in
                    Int.random(in: 0..<size, using: &random)
                })
            let first = Int.random(in: 0..<size, using: &random)
            places.formUnion(first..<min(size, first + Int.random(in: 0...700, using: &random)))
            let sorted = places.sorted()
            let wanted = leaves(sorted, hashes)
            let root = try log.root(at: UInt64(size))
            let proof = try log.multiProof(indices: sorted.map(UInt64.init), size: UInt64(size))
            #expect(proof == naiveProof(places, 0..<size, hashes), "seed \(seed)")
            func holds(_ leaves: [IndexedLeaf], _ proof: [Digest]) -> Bool {
                MultiProof.verify(leaves: leaves, size: UInt64(size), proof: proof, root: root)
            }
            #expect(holds(wanted, proof), "seed \(seed)")
            #expect(!holds(wanted, proof + [root]), "seed \(seed): a hash too many")
            #expect(!holds(Array(wanted.dropLast()), proof), "seed \(seed): a leaf too few")
            for place in proof.indices {
                var changed = proof
                changed.remove(at: place)
                #expect(!holds(wanted, changed), "seed \(seed): hash \(place) left out")
                changed = proof
                changed[place] = Digest(hashing: [7])
                #expect(!holds(wanted, changed), "seed \(seed): hash \(place) changed")
            }
            let place = Int.random(in: wanted.indices, using: &random)
            var changed = wanted
            changed[place] = IndexedLeaf(index: wanted[place].index, hash: Digest(hashing: [7]))
            #expect(!holds(changed, proof), "seed \(seed): leaf \(place) changed")
            changed[place] = IndexedLeaf(
                index: wanted[place].index + 1, hash: wanted[place].hash)
            #expect(!holds(changed, proof), "seed \(seed): leaf \(place) moved")
        }
    }

    @Test func `what is no ascending set of leaves of the tree is refused`() throws {
        let (log, hashes) = try log(8)
        let root = naiveRoot(hashes[...])
        let two = leaves([2, 5], hashes)
        let proof = try log.multiProof(indices: [2, 5], size: 8)
        #expect(MultiProof.root(leaves: two, size: 8, proof: proof) == root)
        #expect(MultiProof.root(leaves: two.reversed(), size: 8, proof: proof) == nil)
        #expect(MultiProof.root(leaves: [two[0]] + two, size: 8, proof: proof) == nil)
        #expect(MultiProof.root(leaves: two, size: 5, proof: proof) == nil)
        #expect(MultiProof.root(leaves: [], size: 8, proof: [root]) == nil)
        #expect(MultiProof.root(leaves: [], size: 0, proof: []) == nil)
        for indices: [UInt64] in [[], [5, 2], [2, 2], [8]] {
            #expect(throws: LogError.self) { try log.multiProof(indices: indices, size: 8) }
        }
        #expect(throws: LogError.self) { try log.multiProof(indices: [2], size: 9) }
    }

    @Test func `the largest tree there can be is walked and not fallen into`() {
        let leaf = IndexedLeaf(index: .max - 1, hash: .zero)
        let hashes = [Digest](repeating: .zero, count: 63)
        #expect(MultiProof.root(leaves: [leaf], size: .max, proof: hashes) != nil)
        #expect(MultiProof.root(leaves: [leaf], size: .max, proof: hashes + [.zero]) == nil)
        let first = IndexedLeaf(index: 0, hash: .zero)
        #expect(MultiProof.root(leaves: [first], size: .max, proof: hashes + [.zero]) != nil)
        #expect(MultiProof.root(leaves: [first], size: .max, proof: []) == nil)
    }
}
