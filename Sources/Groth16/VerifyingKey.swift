// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// A Groth16 verifying key whose points were checked: canonical, on the curve, in the group.
package struct VerifyingKey: Equatable, Sendable {
    /// alpha, in G1; not infinity.
    package let alpha: G1Affine
    /// beta, in G2; not infinity.
    package let beta: G2Affine
    /// gamma, in G2; not infinity.
    package let gamma: G2Affine
    /// delta, in G2; not infinity.
    package let delta: G2Affine
    /// One point for the constant and one for each public input.
    package let ic: [G1Affine]

    /// The largest number of public inputs that a key may have.
    package static let inputCountMax = 1024

    /// The bytes before the points for the inputs: four points and the count.
    private static let headSize = 64 + 3 * 128 + 4

    /// The number of public inputs.
    package var publicInputCount: Int { ic.count - 1 }

    /// Makes a key of checked points.
    ///
    /// Checks the number of points, then that alpha, beta, gamma and delta are not infinity.
    package init(
        alpha: G1Affine, beta: G2Affine, gamma: G2Affine, delta: G2Affine, ic: [G1Affine]
    ) throws(Groth16Error) {
        try Self.checkPointCount(ic.count)
        if alpha.isInfinity { throw .infinity(.alpha) }
        if beta.isInfinity { throw .infinity(.beta) }
        if gamma.isInfinity { throw .infinity(.gamma) }
        if delta.isInfinity { throw .infinity(.delta) }
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.delta = delta
        self.ic = ic
    }

    /// Reads alpha (64), beta, gamma, delta (128 each), the number of points as `u32`, least
    /// significant byte first, and that many points (64 each), all points as EIP-197 has them.
    ///
    /// Checks the length before the count, the count and the length, then each point in order,
    /// then infinity.
    package init(bytes: [UInt8]) throws(Groth16Error) {
        guard bytes.count >= Self.headSize else {
            throw .wrongLength(expectedBytes: Self.headSize, actualBytes: bytes.count)
        }
        let count = bytes[Self.headSize - 4..<Self.headSize].reversed().reduce(0) {
            $0 << 8 | Int($1)
        }
        try Self.checkPointCount(count)
        let size = Self.headSize + count * G1Affine.uncompressedSize
        guard bytes.count == size else {
            throw .wrongLength(expectedBytes: size, actualBytes: bytes.count)
        }
        let alpha = try Self.g1(bytes, at: 0, .alpha)
        let beta = try Self.g2(bytes, at: 64, .beta)
        let gamma = try Self.g2(bytes, at: 192, .gamma)
        let delta = try Self.g2(bytes, at: 320, .delta)
        var ic: [G1Affine] = []
        ic.reserveCapacity(count)
        for index in 0..<count {
            ic.append(try Self.g1(bytes, at: Self.headSize + index * 64, .ic(index: index)))
        }
        try self.init(alpha: alpha, beta: beta, gamma: gamma, delta: delta, ic: ic)
    }

    /// The bytes that `init(bytes:)` reads; one encoding a key.
    package var bytes: [UInt8] {
        var result = alpha.ethereum + beta.ethereum + gamma.ethereum + delta.ethereum
        for shift in stride(from: 0, to: 32, by: 8) {
            result.append(UInt8(truncatingIfNeeded: ic.count >> shift))
        }
        for point in ic { result += point.ethereum }
        return result
    }

    /// Refuses a number of points that leaves the constant out or exceeds the bound.
    static func checkPointCount(_ count: Int) throws(Groth16Error) {
        guard count >= 1, count <= inputCountMax + 1 else {
            throw .inputCountOutOfRange(pointCount: count)
        }
    }

    private static func g1(
        _ bytes: [UInt8], at offset: Int, _ element: Groth16Element
    ) throws(Groth16Error) -> G1Affine {
        try naming(element) { () throws(PointError) in
            try G1Affine(ethereum: Array(bytes[offset..<offset + 64]))
        }
    }

    private static func g2(
        _ bytes: [UInt8], at offset: Int, _ element: Groth16Element
    ) throws(Groth16Error) -> G2Affine {
        try naming(element) { () throws(PointError) in
            try G2Affine(ethereum: Array(bytes[offset..<offset + 128]))
        }
    }
}
