// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// A Groth16 proof whose points were checked: canonical, on the curve, in the group.
///
/// Infinity is a member of each group and is taken; no key of an honest setup accepts it.
package struct Proof: Equatable, Sendable {
    /// A, in G1, not negated.
    package let a: G1Affine
    /// B, in G2.
    package let b: G2Affine
    /// C, in G1.
    package let c: G1Affine

    /// The size of the compressed form, in bytes.
    package static let compressedSize = 128

    /// The size of the Ethereum form, in bytes.
    package static let ethereumSize = 256

    /// Makes a proof of checked points.
    package init(a: G1Affine, b: G2Affine, c: G1Affine) {
        self.a = a
        self.b = b
        self.c = c
    }

    /// Reads 128 bytes: A (32), B (64), C (32), each in the compressed form of its group.
    ///
    /// Checks the length, then A, B and C: flags, coordinates, curve, group. One encoding a proof.
    package init(compressed bytes: [UInt8]) throws(Groth16Error) {
        guard bytes.count == Self.compressedSize else {
            throw .wrongLength(expectedBytes: Self.compressedSize, actualBytes: bytes.count)
        }
        if let whole = Self.readTogether(bytes) {
            self = whole
            return
        }
        a = try naming(.proofA) { () throws(PointError) in
            try G1Affine(compressed: Array(bytes[0..<32]))
        }
        b = try naming(.proofB) { () throws(PointError) in
            try G2Affine(compressed: Array(bytes[32..<96]))
        }
        c = try naming(.proofC) { () throws(PointError) in
            try G1Affine(compressed: Array(bytes[96..<128]))
        }
    }

    /// Reads a proof with the roots of its points taken together, where the kernels are there; nil
    /// for one that is refused, and for infinity.
    private static func readTogether(_ bytes: [UInt8]) -> Proof? {
        guard Kernels.areThere else { return nil }
        let points = CompressedPoints(
            first: [Array(bytes[0..<32]), Array(bytes[96..<128])],
            second: [Array(bytes[32..<96])])
        guard let a = points.first[0], let b = points.second[0], let c = points.first[1],
            Kernels.isMember(b) == true
        else { return nil }
        return Proof(a: a, b: G2Affine(member: b), c: c)
    }

    /// Returns for each byte string whether `init(compressed:)` takes it.
    ///
    /// With the kernels, square roots are taken together, and so are the Miller loops that tell
    /// whether points B are in the group. Whatever is not plain is read one by one.
    package static func areReadable(_ proofs: [[UInt8]]) -> [Bool] {
        var verdicts = [Bool](repeating: false, count: proofs.count)
        var plain: [(index: Int, a: G1Affine, b: TwistPoint)] = []
        let whole = proofs.indices.filter { proofs[$0].count == compressedSize }
        if Kernels.areThere, whole.count >= togetherMin {
            let points = CompressedPoints(
                first: whole.map { Array(proofs[$0][0..<32]) }
                    + whole.map { Array(proofs[$0][96..<128]) },
                second: whole.map { Array(proofs[$0][32..<96]) })
            for (place, index) in whole.enumerated() {
                if let a = points.first[place], points.first[whole.count + place] != nil,
                    let b = points.second[place]
                {
                    plain.append((index, a, b))
                }
            }
        }
        let loops = plain.isEmpty ? nil : Kernels.millerLoops(plain.map(\.a), plain.map(\.b))
        for (proof, isMember) in zip(plain, loops?.areMembers ?? []) {
            verdicts[proof.index] = isMember
        }
        let areDone = Set(plain.map(\.index))
        for index in whole where !areDone.contains(index) {
            verdicts[index] = isReadable(proofs[index])
        }
        return verdicts
    }

    /// From as many on, points that are read together are read faster.
    private static let togetherMin = 3

    private static func isReadable(_ bytes: [UInt8]) -> Bool {
        do throws(Groth16Error) {
            _ = try Proof(compressed: bytes)
            return true
        } catch { return false }
    }

    /// The 128 bytes of the compressed form.
    package var compressed: [UInt8] { a.compressed + b.compressed + c.compressed }

    /// Reads 256 bytes: A (64), B (128), C (64), each as EIP-197 has it, A not negated.
    ///
    /// Checks the length, then A, B and C: coordinates, curve, group. One encoding a proof.
    package init(ethereum bytes: [UInt8]) throws(Groth16Error) {
        guard bytes.count == Self.ethereumSize else {
            throw .wrongLength(expectedBytes: Self.ethereumSize, actualBytes: bytes.count)
        }
        a = try naming(.proofA) { () throws(PointError) in
            try G1Affine(ethereum: Array(bytes[0..<64]))
        }
        b = try naming(.proofB) { () throws(PointError) in
            try G2Affine(ethereum: Array(bytes[64..<192]))
        }
        c = try naming(.proofC) { () throws(PointError) in
            try G1Affine(ethereum: Array(bytes[192..<256]))
        }
    }

    /// The 256 bytes of the Ethereum form.
    package var ethereum: [UInt8] { a.ethereum + b.ethereum + c.ethereum }
}
