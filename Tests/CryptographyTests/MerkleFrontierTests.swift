// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import TestSupport
import Testing

@Suite struct MerkleFrontierTests {
    /// The root as RFC 6962 section 2.1 defines it.
    private func root(_ leaves: ArraySlice<Digest>) -> Digest {
        if leaves.isEmpty { return Digest(hashing: []) }
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return Digest(
            hashing: [1] + root(leaves[..<middle]).bytes + root(leaves[middle...]).bytes)
    }

    @Test func rootsEqualTheDefinitionForEverySizeUpTo600() {
        var frontier = MerkleFrontier()
        var leaves: [Digest] = []
        for size in 0...600 {
            #expect(frontier.count == UInt64(size))
            #expect(frontier.root == root(leaves[...]), "\(size) leaves")
            #expect(frontier.subtrees.count == size.nonzeroBitCount)
            let again = MerkleFrontier(count: frontier.count, subtrees: frontier.subtrees)
            #expect(again == frontier)
            let leaf = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size % 130)
            leaves.append(Digest(hashing: [0] + leaf))
            frontier.append(leaf: leaf)
        }
    }

    @Test func leavesThatWereHashedByThemselvesJoinToTheSameTree() {
        var random = SplitMix64(seed: 12)
        let leaves = (0..<700).map { Digest(hashing: [UInt8](repeating: 1, count: $0)) }
        for count in 0..<leaves.count {
            var frontier = MerkleFrontier()
            var alone = MerkleFrontier()
            var place = 0
            while place < count {
                let end = min(count, place + 1 + Int(random.next() % 300))
                frontier.append(
                    MerkleRun(first: UInt64(place), leafHashes: Array(leaves[place..<end])))
                for leaf in leaves[place..<end] { alone.append(leafHash: leaf) }
                #expect(frontier == alone, "\(place)..<\(end)")
                place = end
            }
        }
        for count in [1, 2, 4, 64, 256] {
            #expect(
                MerkleFrontier.root(ofComplete: leaves[7..<7 + count])
                    == root(leaves[7..<7 + count]))
        }
    }

    @Test func runsAreNotJoinedWhereTheyDoNotFollow() async {
        await #expect(processExitsWith: .failure) {
            var frontier = MerkleFrontier()
            frontier.append(MerkleRun(first: 1, leafHashes: [.zero]))
        }
    }

    @Test func knownRootsOfTheCertificateTransparencyTests() {
        // The leaves and roots of the reference implementation's test tree.
        let leaves = ["", "00", "10", "2021", "3031", "40414243"].compactMap { [UInt8](hex: $0) }
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ]
        var frontier = MerkleFrontier()
        for (leaf, root) in zip(leaves, roots) {
            frontier.append(leaf: leaf)
            #expect(frontier.root.hex == root)
        }
    }

    @Test func aFrontierOfAnotherShapeIsRefused() {
        #expect(MerkleFrontier(count: 3, subtrees: [.zero]) == nil)
        #expect(MerkleFrontier(count: 0, subtrees: [.zero]) == nil)
        #expect(MerkleFrontier(count: 4, subtrees: [.zero]) != nil)
        #expect(MerkleFrontier().root == .ofNothing)
    }
}
