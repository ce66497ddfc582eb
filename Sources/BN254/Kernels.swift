// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#if canImport(CKernels)
    internal import CKernels
#endif

/// Eight elements or points at once, where the processor has AVX-512 IFMA.
///
/// Every function has a twin in Swift that says the same, which its callers take where it returns
/// nothing: where the kernels are not there, or the environment variable `RECOUNT_PORTABLE` is set.
/// Not constant-time.
package enum Kernels {
    /// The Miller loops of pairs.
    package struct Loops {
        /// Elements of which the product is that of the loops, up to a factor that the final
        /// exponentiation takes to one, if all second points are in the group.
        package fileprivate(set) var products: [Fp12] = []
        /// Whether each second point is in the group.
        package fileprivate(set) var areMembers: [Bool] = []
    }
}

#if canImport(CKernels)
    extension Kernels {
        /// Whether the kernels can be called.
        package static let areThere = recount_bn254_is_there() != 0

        /// Up to this many pairs of points, or points of a sum, go into one call.
        private static let countMax = Int(RECOUNT_BN254_PAIRS_MAX)

        /// Replaces each element by its `progenitor`; returns false where it did not.
        package static func raiseToProgenitors(_ elements: inout [Fp]) -> Bool {
            guard areThere else { return false }
            let count = elements.count
            // SAFETY: an element is four limbs without padding; the kernel reads and writes
            // `count` of them, for the call.
            unsafe elements.withUnsafeMutableBytes { bytes in
                let limbs = unsafe bytes.bindMemory(to: UInt64.self)
                if let first = limbs.baseAddress {
                    unsafe recount_bn254_progenitors(first, count)
                }
            }
            return true
        }

        /// Returns what `Pairing.hardPart` returns.
        package static func hardPart(_ base: Fp12) -> Fp12? {
            guard areThere else { return nil }
            var result = Fp12.one
            // SAFETY: an element is 48 limbs without padding; the kernel reads one and writes one,
            // for the call.
            unsafe withUnsafeBytes(of: base) { base in
                unsafe withUnsafeMutableBytes(of: &result) { result in
                    if let base = unsafe base.bindMemory(to: UInt64.self).baseAddress,
                        let result = unsafe result.bindMemory(to: UInt64.self).baseAddress
                    {
                        unsafe recount_bn254_hard_part(base, result)
                    }
                }
            }
            return result
        }

        /// Runs the Miller loops of pairs and of pairs with known lines, no point of which is
        /// infinity, to one product; nothing also for more than four of either.
        static func millerLoop(
            _ first: [G1Affine], _ second: [TwistPoint], fixed: [Pairing.FixedPair]
        ) -> Loops? {
            guard areThere, first.count == second.count,
                first.count <= RECOUNT_BN254_MOVING_MAX, fixed.count <= RECOUNT_BN254_FIXED_MAX
            else { return nil }
            let (count, fixedCount) = (first.count, fixed.count)
            let scales = fixed.flatMap { [$0.ratio, $0.inverse] }
            let lines = fixed.flatMap(\.lines)
            guard lines.count == fixedCount * Int(RECOUNT_BN254_LINES) else {
                fatalError("\(lines.count) lines for \(fixedCount) points")
            }
            var product = Fp12.one
            var members: [UInt8] = [0, 0, 0, 0]
            // SAFETY: points, elements and lines are limbs without padding, 8, 16, 4 and 16 of
            // them, 48 for the product. The kernel reads as many as the counts say and writes the
            // product and up to four bytes, for the call.
            unsafe withUnsafeMutableBytes(of: &product) { product in
                unsafe members.withUnsafeMutableBufferPointer { members in
                    unsafe first.withUnsafeBytes { first in
                        unsafe second.withUnsafeBytes { second in
                            unsafe scales.withUnsafeBytes { scales in
                                unsafe lines.withUnsafeBytes { lines in
                                    guard
                                        let product = unsafe product.bindMemory(to: UInt64.self)
                                            .baseAddress, let members = members.baseAddress
                                    else { return }
                                    unsafe recount_bn254_miller_loop(
                                        first.bindMemory(to: UInt64.self).baseAddress,
                                        second.bindMemory(to: UInt64.self).baseAddress,
                                        count,
                                        scales.bindMemory(to: UInt64.self).baseAddress,
                                        lines.bindMemory(to: UInt64.self).baseAddress,
                                        fixedCount, product, members)
                                }
                            }
                        }
                    }
                }
            }
            return Loops(products: [product], areMembers: members.prefix(count).map { $0 != 0 })
        }

        /// Returns what `TwistPoint.isMember` says.
        package static func isMember(_ point: TwistPoint) -> Bool? {
            guard areThere else { return nil }
            // SAFETY: a point is 16 limbs without padding, which the kernel reads, for the call.
            return unsafe withUnsafeBytes(of: point) { point in
                unsafe point.bindMemory(to: UInt64.self).baseAddress.map {
                    unsafe recount_bn254_is_member($0) != 0
                }
            }
        }

        /// Runs the Miller loops of pairs, no point of which is infinity.
        package static func millerLoops(_ first: [G1Affine], _ second: [TwistPoint]) -> Loops? {
            guard areThere else { return nil }
            guard first.count == second.count else {
                fatalError("\(first.count) points of G1 for \(second.count) of G2")
            }
            var loops = Loops()
            for start in stride(from: 0, to: first.count, by: countMax) {
                let end = min(start + countMax, first.count)
                run(Array(first[start..<end]), Array(second[start..<end]), into: &loops)
            }
            return loops
        }

        private static func run(
            _ first: [G1Affine], _ second: [TwistPoint], into loops: inout Loops
        ) {
            let count = first.count
            var products = [Fp12](repeating: .one, count: 8)
            var members = [UInt8](repeating: 0, count: count)
            // SAFETY: points and elements are limbs without padding, 8, 16 and 48 of them. The
            // kernel reads `count` points of each group, and writes eight elements and a byte for
            // each pair, for the call; the count is 1 to what one call takes.
            unsafe first.withUnsafeBytes { first in
                unsafe second.withUnsafeBytes { second in
                    unsafe products.withUnsafeMutableBytes { products in
                        unsafe members.withUnsafeMutableBufferPointer { members in
                            if let first = unsafe first.bindMemory(to: UInt64.self).baseAddress,
                                let second = unsafe second.bindMemory(to: UInt64.self).baseAddress,
                                let products = unsafe products.bindMemory(to: UInt64.self)
                                    .baseAddress,
                                let members = members.baseAddress
                            {
                                unsafe recount_bn254_miller_loops(
                                    first, second, count, products, members)
                            }
                        }
                    }
                }
            }
            loops.products += products.prefix(count)
            loops.areMembers += members.map { $0 != 0 }
        }

        /// Returns each point, none infinity, times the `signedElement` of its scalar.
        package static func multiples(
            _ points: [G1Affine], _ scalars: [SplitScalar]
        ) -> [G1Point]? {
            guard areThere else { return nil }
            var results = [G1Point](repeating: .infinity, count: points.count)
            unsafe call(points, scalars, &results) { points, weights, count, results in
                unsafe recount_bn254_multiples_of(points, weights, count, results)
            }
            return results
        }

        /// Returns the sum of the same; nothing also where it came upon a point twice.
        package static func sum(_ points: [G1Affine], _ scalars: [SplitScalar]) -> G1Point? {
            guard areThere else { return nil }
            var parts: [G1Point] = []
            for start in stride(from: 0, to: points.count, by: countMax) {
                let end = min(start + countMax, points.count)
                var some = [G1Point](repeating: .infinity, count: min(8, end - start))
                unsafe call(Array(points[start..<end]), Array(scalars[start..<end]), &some) {
                    points, weights, count, results in
                    unsafe recount_bn254_sums(points, weights, count, results)
                }
                parts += some
            }
            return added(parts)
        }

        /// Returns the sum of points, none infinity; nothing also where it came upon one twice.
        package static func sum(_ points: [G1Affine]) -> G1Point? {
            guard areThere else { return nil }
            let count = points.count
            var parts = [G1Point](repeating: .infinity, count: min(8, count))
            // SAFETY: points and results are limbs without padding, 8 and 12 of them. The kernel
            // reads `count` points and writes as many results, up to eight, for the call.
            unsafe points.withUnsafeBytes { points in
                unsafe parts.withUnsafeMutableBytes { parts in
                    if let points = unsafe points.bindMemory(to: UInt64.self).baseAddress,
                        let parts = unsafe parts.bindMemory(to: UInt64.self).baseAddress
                    {
                        unsafe recount_bn254_add(points, count, parts)
                    }
                }
            }
            return added(parts)
        }

        /// Infinity is what a sum is that came upon a point twice.
        private static func added(_ parts: [G1Point]) -> G1Point? {
            parts.contains(where: \.isInfinity) ? nil : parts.reduce(.infinity, +)
        }

        private typealias Kernel = (
            UnsafePointer<UInt64>, UnsafePointer<UInt64>, Int, UnsafeMutablePointer<UInt64>
        ) -> Void

        private static func call(
            _ points: [G1Affine], _ scalars: [SplitScalar], _ results: inout [G1Point],
            _ kernel: Kernel
        ) {
            let count = points.count
            guard count == scalars.count else {
                fatalError("\(scalars.count) scalars for \(count) points")
            }
            // SAFETY: points, scalars and results are limbs without padding, 8, 2 and 12 of them.
            // The kernel reads `count` points and scalars, and writes as many results as the
            // caller has made room for, for the call.
            unsafe points.withUnsafeBytes { points in
                unsafe scalars.withUnsafeBytes { scalars in
                    unsafe results.withUnsafeMutableBytes { results in
                        if let points = unsafe points.bindMemory(to: UInt64.self).baseAddress,
                            let scalars = unsafe scalars.bindMemory(to: UInt64.self).baseAddress,
                            let results = unsafe results.bindMemory(to: UInt64.self).baseAddress
                        {
                            unsafe kernel(points, scalars, count, results)
                        }
                    }
                }
            }
        }
    }
#else
    extension Kernels {
        /// Whether the kernels can be called.
        package static let areThere = false

        /// Does nothing.
        package static func raiseToProgenitors(_ elements: inout [Fp]) -> Bool { false }

        /// Returns nothing.
        package static func isMember(_ point: TwistPoint) -> Bool? { nil }

        /// Returns nothing.
        package static func hardPart(_ base: Fp12) -> Fp12? { nil }

        /// Returns nothing.
        static func millerLoop(
            _ first: [G1Affine], _ second: [TwistPoint], fixed: [Pairing.FixedPair]
        ) -> Loops? { nil }

        /// Returns nothing.
        package static func millerLoops(
            _ first: [G1Affine], _ second: [TwistPoint]
        ) -> Loops? { nil }

        /// Returns nothing.
        package static func multiples(
            _ points: [G1Affine], _ scalars: [SplitScalar]
        ) -> [G1Point]? { nil }

        /// Returns nothing.
        package static func sum(
            _ points: [G1Affine], _ scalars: [SplitScalar]
        ) -> G1Point? { nil }

        /// Returns nothing.
        package static func sum(_ points: [G1Affine]) -> G1Point? { nil }
    }
#endif
