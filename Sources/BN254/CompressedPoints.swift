// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Compressed points of G1 and G2 that are read together, so that their square roots are taken
/// eight at once where the processor can.
package struct CompressedPoints {
    /// The points of G1; nil for infinity and for each that `G1Affine.init(compressed:)` refuses.
    package let first: [G1Affine?]
    /// The points of G2, of whatever order; nil for infinity and for each that
    /// `G2Affine.init(compressed:)` refuses for what it checks before the order.
    package let second: [TwistPoint?]

    /// Reads points of 32 bytes and points of 64 bytes, with two powers for all.
    package init(first: [[UInt8]], second: [[UInt8]]) {
        let ones = first.map(Self.parseFirst)
        let twos = second.map(Self.parseSecond)
        let values = twos.map { TwistPoint.rightSide($0?.x ?? .zero) }
        let roots = Fp.squareRoots(
            of: ones.map { G1Affine.rightSide($0?.x ?? .zero) } + values.map(\.norm))
        self.first = zip(ones, roots).map { one, root in
            guard let (x, flags) = one, let root else { return nil }
            return G1Affine(x: x, root: root, flags)
        }
        let others = Fp2.squareRoots(of: values, norms: roots[ones.count...])
        self.second = zip(twos, others).map { two, root in
            guard let (x, flags) = two, let root else { return nil }
            let y = root.isLarger == flags.hasLargerY ? root : root.negated
            return TwistPoint(uncheckedX: x, y: y)
        }
    }

    private static func parseFirst(_ bytes: [UInt8]) -> (x: Fp, flags: CompressionFlags)? {
        guard bytes.count == G1Affine.compressedSize else { return nil }
        var copy = bytes
        guard let flags = CompressionFlags(finiteFrom: &copy) else { return nil }
        return Fp(littleEndian: copy).map { ($0, flags) }
    }

    private static func parseSecond(_ bytes: [UInt8]) -> (x: Fp2, flags: CompressionFlags)? {
        guard bytes.count == G2Affine.compressedSize else { return nil }
        var copy = bytes
        guard let flags = CompressionFlags(finiteFrom: &copy),
            let x0 = Fp(littleEndian: Array(copy[0..<32])),
            let x1 = Fp(littleEndian: Array(copy[32..<64]))
        else { return nil }
        return (Fp2(c0: x0, c1: x1), flags)
    }
}
