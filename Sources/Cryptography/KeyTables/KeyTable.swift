// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// Multiples of one point, so that any multiple is a sum of a few of them and no doublings.
///
/// A scalar is cut into `windowCount` signed digits of `windowBits` bits; the table holds
/// m * 2^(windowBits * i) * P for each window i and each digit m that is possible there. Never
/// changed once made, so that all cores may read it.
///
/// Source: Brickell, Gordon, McCurley and Wilson 1992, "Fast exponentiation with precomputation".
@safe
final class KeyTable: @unchecked Sendable {
    /// Bits of a digit.
    static let windowBits = Int(RECOUNT_WINDOW_BITS)

    /// Digits of a scalar. The highest takes the bits that are left of 253, and a carry.
    static let windowCount = (252 + windowBits - 1) / windowBits

    /// Multiples of each window but the highest: digits are from -`digitMax` to `digitMax`.
    private static let digitMax = 1 << (windowBits - 1)

    /// Multiples of the highest window. A scalar below 2^252 has at most all ones there and a carry
    /// on top; one from 2^252 to l has bit 252 alone, since bits 125 to 251 of l are zero.
    private static let highestMax = 1 << (252 - windowBits * (windowCount - 1))

    /// Points in a table.
    static let pointCount = digitMax * (windowCount - 1) + highestMax

    /// Bytes of a table in memory.
    static let byteCount = pointCount * MemoryLayout<PreparedPoint>.stride

    /// The table of the generator of the group, made when it is first asked for.
    static let generator = KeyTable(of: .generator)

    private let points: UnsafeMutablePointer<PreparedPoint>

    /// Where the points begin.
    var start: UnsafeRawPointer { unsafe UnsafeRawPointer(points) }

    /// Makes the table of a key's opposite, as -k * A is wanted; nil where it is no point.
    convenience init?(oppositeOf key: PublicKey) {
        guard let point = EdwardsPoint(encoding: Words256(key.value)) else { return nil }
        self.init(of: point.opposite)
    }

    /// Makes the table of a point; takes milliseconds.
    init(of point: EdwardsPoint) {
        invariant(MemoryLayout<PreparedPoint>.stride == 128, "a prepared point is not 128 bytes")
        // SAFETY: room for the points, aligned to two lines of a cache, freed by `deinit`. Every
        // point is initialised below before the table can be read.
        let raw = UnsafeMutableRawPointer.allocate(byteCount: Self.byteCount, alignment: 128)
        unsafe points = raw.bindMemory(to: PreparedPoint.self, capacity: Self.pointCount)
        var first = point
        var place = 0
        for window in 0..<Self.windowCount {
            let count = window == Self.windowCount - 1 ? Self.highestMax : Self.digitMax
            var multiples = [first]
            multiples.reserveCapacity(count)
            while multiples.count < count {
                multiples.append(multiples[multiples.count - 1] + first)
            }
            for prepared in Self.prepared(multiples) {
                // SAFETY: the counts of all windows add up to `pointCount`.
                unsafe (points + place).initialize(to: prepared)
                place += 1
            }
            // The last is 2^(windowBits - 1) times the first.
            let last = multiples[multiples.count - 1]
            first = last + last
        }
        invariant(place == Self.pointCount, "a table has \(place) points")
    }

    deinit {
        // SAFETY: allocated by `init`; the points have nothing to deinitialise.
        unsafe UnsafeMutableRawPointer(points).deallocate()
    }

    /// Makes points affine with one inversion, and prepares them.
    private static func prepared(_ points: [EdwardsPoint]) -> [PreparedPoint] {
        var products: [FieldElement] = []
        products.reserveCapacity(points.count)
        var product = FieldElement.one
        for point in points {
            products.append(product)
            product = product * point.z
        }
        var inverse = product.inverse
        var result: [PreparedPoint] = []
        result.reserveCapacity(points.count)
        for place in points.indices.reversed() {
            let own = inverse * products[place]
            inverse = inverse * points[place].z
            result.append(PreparedPoint(x: points[place].x * own, y: points[place].y * own))
        }
        return result.reversed()
    }

    /// Writes what must be added up for `scalar` times the point, and returns where that ends.
    ///
    /// - Precondition: `steps` has room for `windowCount` more.
    func writeSteps(
        for scalar: GroupScalar, to start: UnsafeMutablePointer<TableStep>
    ) -> UnsafeMutablePointer<TableStep> {
        var steps = unsafe start
        var carry: UInt64 = 0
        var window = unsafe UnsafePointer(points)
        for number in 0..<Self.windowCount {
            let digit =
                scalar.bits(from: number * Self.windowBits, count: Self.windowBits) &+ carry
            let isHighest = number == Self.windowCount - 1
            carry = !isHighest && digit > Self.digitMax ? 1 : 0
            let size = carry == 1 ? (2 * UInt64(Self.digitMax)) &- digit : digit
            if size != 0 {
                // SAFETY: size is from 1 to the number of this window's points; room for the step
                // is the caller's to give.
                unsafe steps.initialize(
                    to: TableStep(point: window + Int(size &- 1), mask: 0 &- carry))
                unsafe steps += 1
            }
            unsafe window += Self.digitMax
        }
        return unsafe steps
    }
}

/// A prepared point to be added, or where `mask` is all ones its opposite.
@unsafe
struct TableStep {
    let point: UnsafePointer<PreparedPoint>
    let mask: UInt64
}

extension EdwardsPoint {
    /// Adds up the steps from `start` to `end`.
    ///
    /// - Precondition: There is a step.
    @inline(never)
    static func sum(
        from start: UnsafeMutablePointer<TableStep>, to end: UnsafeMutablePointer<TableStep>
    ) -> EdwardsPoint {
        // Every point is touched first, so that what no cache holds is fetched at once.
        var touched: UInt64 = 0
        var step = unsafe start
        // SAFETY: all steps from `start` to `end` are initialised, and their tables are alive.
        while unsafe step != end {
            let point = unsafe step.pointee.point
            touched ^= unsafe point.pointee.sum.limb0 ^ point.pointee.product.limb4
            unsafe step += 1
        }
        unsafe step = start
        var result = unsafe step.pointee.point.pointee.point(negatedWhere: step.pointee.mask)
        unsafe step += 1
        while unsafe step != end {
            unsafe result.add(step.pointee.point, negatedWhere: step.pointee.mask)
            unsafe step += 1
        }
        // Never so: limbs are below 2^52. It keeps the loads above from being left out.
        if touched == .max { return .neutral }
        return result
    }
}
