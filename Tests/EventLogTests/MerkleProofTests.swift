// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import TestSupport
import Testing

@Suite struct MerkleProofTests {
    private struct Inclusion: Decodable {
        let leafIdx: UInt64
        let treeSize: UInt64
        let root: Data
        let leafHash: Data
        let proof: [Data]?
        let desc: String
        let wantErr: Bool
    }

    private struct Consistency: Decodable {
        let size1: UInt64
        let size2: UInt64
        let root1: Data?
        let root2: Data?
        let proof: [Data]?
        let desc: String
        let wantErr: Bool
    }

    private func digest(_ data: Data?) -> Digest? {
        data.flatMap { Bytes32([UInt8]($0)).map { Digest($0) } }
    }

    /// Some cases have roots of other lengths that need only be equal: a digest stands for each.
    private func root(_ data: Data?) -> Digest? {
        digest(data) ?? data.map { Digest(hashing: [UInt8]($0)) }
    }

    private func digests(_ data: [Data]?) -> [Digest]? {
        let all = (data ?? []).map { digest($0) }
        return all.contains { $0 == nil } ? nil : all.compactMap { $0 }
    }

    @Test(
        .enabled(
            if: Vectors.has("merkle/transparency_dev_inclusion.json"),
            "no merkle/transparency_dev_inclusion.json"))
    func inclusionProofsGetTheVerdictOfTheReference() throws {
        let cases: [Inclusion] = try Vectors.json("merkle/transparency_dev_inclusion.json")
        #expect(cases.count == 98)
        for vector in cases {
            var holds = false
            if let root = digest(vector.root), let leaf = digest(vector.leafHash),
                let proof = digests(vector.proof)
            {
                holds = MerkleProof.verifyInclusion(
                    leafHash: leaf, index: vector.leafIdx, size: vector.treeSize, proof: proof,
                    root: root)
            }
            #expect(holds == !vector.wantErr, "\(vector.desc), \(vector.leafIdx)")
        }
    }

    @Test(
        .enabled(
            if: Vectors.has("merkle/transparency_dev_consistency.json"),
            "no merkle/transparency_dev_consistency.json"))
    func consistencyProofsGetTheVerdictOfTheReference() throws {
        let cases: [Consistency] = try Vectors.json("merkle/transparency_dev_consistency.json")
        #expect(cases.count == 98)
        for vector in cases {
            var holds = false
            if let old = root(vector.root1), let new = root(vector.root2),
                let proof = digests(vector.proof)
            {
                holds = MerkleProof.verifyConsistency(
                    oldSize: vector.size1, oldRoot: old, newSize: vector.size2, newRoot: new,
                    proof: proof)
            }
            #expect(
                holds == !vector.wantErr, "\(vector.desc), \(vector.size1) to \(vector.size2)")
        }
    }

    @Test func everyProofOfASmallTreeHolds() throws {
        let log = try EventLog.create(directory: "/log", disk: SimulatedDisk())
        let entries = (0..<40).map { [UInt8($0)] }
        for entry in entries { _ = try log.stage(entry) }
        try log.commit()
        let leaves = entries.map { Digest(hashing: [0] + $0) }
        for size in 1...40 {
            let root = naiveRoot(leaves[..<size])
            for index in 0..<size {
                let proof = try log.inclusionProof(index: UInt64(index), size: UInt64(size))
                #expect(
                    MerkleProof.verifyInclusion(
                        leafHash: leaves[index], index: UInt64(index), size: UInt64(size),
                        proof: proof, root: root))
                let path = try log.consistencyProof(from: UInt64(index + 1), to: UInt64(size))
                #expect(
                    MerkleProof.verifyConsistency(
                        oldSize: UInt64(index + 1), oldRoot: naiveRoot(leaves[...index]),
                        newSize: UInt64(size), newRoot: root, proof: path))
            }
        }
    }

    @Test("tree leaves keyed little-endian: the root changes after 255 entries")
    func rootsAndProofsHoldAroundTileBoundaries() throws {
        let disk = SimulatedDisk()
        let options = LogOptions(segmentBytesMax: 1 << 20)
        let log = try EventLog.create(directory: "/log", disk: disk, options: options)
        var leaves: [Digest] = []
        let sizes = [1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000]
        var roots: [Digest] = []
        for size in sizes {
            while leaves.count < size {
                let entry = Array("entry \(leaves.count)".utf8)
                leaves.append(Digest(hashing: [0] + entry))
                _ = try log.stage(entry)
            }
            try log.commit()
            roots.append(naiveRoot(leaves[...]))
            #expect(log.root == roots[roots.count - 1], "\(size)")
        }
        try log.close()
        let again = try EventLog.open(directory: "/log", disk: disk, options: options)
        for (number, size) in sizes.enumerated() {
            #expect(try again.root(at: UInt64(size)) == roots[number], "\(size)")
            for index in [0, size / 2, size - 1] {
                let proof = try again.inclusionProof(index: UInt64(index), size: UInt64(size))
                #expect(
                    MerkleProof.verifyInclusion(
                        leafHash: leaves[index], index: UInt64(index), size: UInt64(size),
                        proof: proof, root: roots[number]), "\(index) of \(size)")
            }
            for (other, old) in sizes[...number].enumerated() {
                #expect(
                    MerkleProof.verifyConsistency(
                        oldSize: UInt64(old), oldRoot: roots[other], newSize: UInt64(size),
                        newRoot: roots[number],
                        proof: try again.consistencyProof(from: UInt64(old), to: UInt64(size))),
                    "\(old) to \(size)")
            }
        }
        #expect(try again.root(at: 0) == .ofNothing)
        #expect(try again.consistencyProof(from: 0, to: 5).isEmpty)
    }

    @Test func aConsistencyProofFromNothingIsRefused() {
        #expect(
            !MerkleProof.verifyConsistency(
                oldSize: 0, oldRoot: .ofNothing, newSize: 1, newRoot: .zero, proof: []))
    }
}
