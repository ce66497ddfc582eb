// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A point of edwards25519 in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z.
///
/// Source: RFC 8032 section 5.1; Hisil, Wong, Carter and Dawson 2008, "Twisted Edwards curves
/// revisited", section 3. With a = -1 a square and d none, the addition has no exceptions: it holds
/// for equal points, opposite ones, and those of small order.
struct EdwardsPoint: Sendable {
    /// The four coordinates, tight.
    var x: FieldElement
    var y: FieldElement
    var z: FieldElement
    var t: FieldElement

    static let neutral = EdwardsPoint(x: .zero, y: .one, z: .one, t: .zero)

    /// The generator of the group of prime order (RFC 8032 section 5.1): y = 4/5, x even.
    static let generator: EdwardsPoint = {
        let fifth = FieldElement(5, 0, 0, 0, 0).inverse
        let y = (fifth * FieldElement(4, 0, 0, 0, 0)).words
        let point = EdwardsPoint(encoding: y)
        invariant(point != nil, "the generator is not on the curve")
        return point ?? .neutral
    }()

    /// d = -121665 / 121666, the coefficient of the curve.
    fileprivate static let d: FieldElement = {
        let numerator = FieldElement.zero - FieldElement(121_665, 0, 0, 0, 0)
        return numerator * FieldElement(121_666, 0, 0, 0, 0).inverse
    }()

    /// 2d.
    static let twiceD = (d + d).tightened

    /// A root of -1: 2 is no square, so that it is 2^((p - 1) / 4).
    private static let rootOfMinusOne: FieldElement = {
        let two = FieldElement(2, 0, 0, 0, 0)
        return two.powerForRoot.square * two
    }()

    /// Takes tight coordinates.
    @inline(__always)
    init(x: FieldElement, y: FieldElement, z: FieldElement, t: FieldElement) {
        self.x = x
        self.y = y
        self.z = z
        self.t = t
    }

    /// Reads an encoding (RFC 8032 section 5.1.3); nil where x has no value.
    ///
    /// Meant for keys that libsodium found valid: y is not compared with p here.
    init?(encoding: Words256) {
        let y = FieldElement(words: encoding)
        let square = y.square
        let numerator = (square - .one).tightened
        let denominator = (square * Self.d + .one).tightened
        let cube = denominator.square * denominator
        let power = (cube.square * denominator * numerator).powerForRoot
        var x = numerator * cube * power
        let product = x.square * denominator
        if !(product - numerator).isZero {
            guard (product + numerator).isZero else { return nil }
            x = x * Self.rootOfMinusOne
        }
        if x.words.word0 & 1 != encoding.word3 >> 63 { x = (.zero - x).tightened }
        self.init(x: x, y: y, z: .one, t: x * y)
    }

    /// The opposite point.
    var opposite: EdwardsPoint {
        EdwardsPoint(
            x: (.zero - x).tightened, y: y, z: z, t: (.zero - t).tightened)
    }

    /// Sum of two points.
    static func + (left: EdwardsPoint, right: EdwardsPoint) -> EdwardsPoint {
        let first = (left.y - left.x) * (right.y - right.x)
        let second = (left.y + left.x) * (right.y + right.x)
        let third = left.t * right.t * twiceD
        let product = left.z * right.z
        let fourth = (product + product).tightened
        return joined(first, second, fourth - third, fourth + third)
    }

    /// Adds a prepared point, or where `mask` is all ones its opposite. Seven multiplications.
    ///
    /// - Precondition: `mask` is zero or all ones.
    @inline(__always)
    mutating func add(_ point: UnsafePointer<PreparedPoint>, negatedWhere mask: UInt64) {
        // The opposite point has sum and difference exchanged, and the product negated.
        let exchange = Int(truncatingIfNeeded: mask & 40)
        let base = unsafe UnsafeRawPointer(point)
        // SAFETY: `sum` is at byte 0 and `difference` at byte 40 of the prepared point, which the
        // caller keeps alive; `exchange` is 0 or 40, and both are aligned for words.
        let sum = unsafe base.load(fromByteOffset: exchange, as: FieldElement.self)
        let difference = unsafe base.load(fromByteOffset: 40 - exchange, as: FieldElement.self)
        let first = (y - x) * difference
        let second = (y + x) * sum
        // SAFETY: the caller keeps the prepared point alive.
        let third = unsafe (t * point.pointee.product).negatedExactly(where: mask)
        // z + 2p is above either sign of a tight value in every limb.
        let fourth = z + FieldElement.twiceModulus
        self = Self.joined(first, second, fourth.exactlyMinus(third), fourth + third)
    }

    /// The end of an addition: `first` and `second` tight, the others with limbs below 2^54.
    @inline(__always)
    private static func joined(
        _ first: FieldElement, _ second: FieldElement, _ difference: FieldElement,
        _ sum: FieldElement
    ) -> EdwardsPoint {
        let low = second - first
        let high = second + first
        return EdwardsPoint(
            x: low * difference, y: sum * high, z: difference * sum, t: low * high)
    }
}

/// A point (x, y) made ready to be added: (y + x) / 2, (y - x) / 2 and dxy; 128 bytes, two lines of
/// a cache.
///
/// Half of what the source of `EdwardsPoint` has: so all coordinates of a sum are a fourth of those
/// there, and no coordinate has to be doubled.
struct PreparedPoint: Sendable {
    var sum: FieldElement
    var difference: FieldElement
    var product: FieldElement
    private var padding: UInt64 = 0

    /// Prepares the point with these affine coordinates, tight.
    init(x: FieldElement, y: FieldElement) {
        sum = (y + x) * .half
        difference = (y - x) * .half
        product = x * y * EdwardsPoint.d
    }

    /// The point itself, or where `mask` is all ones its opposite.
    @inline(__always)
    func point(negatedWhere mask: UInt64) -> EdwardsPoint {
        let x = (sum - difference).negated(where: mask).tightened
        let y = (sum + difference).tightened
        return EdwardsPoint(x: x, y: y, z: .one, t: x * y)
    }
}

extension FieldElement {
    /// The negative where `mask` is all ones, the same where it is zero; limbs below 2^54 for those
    /// below 2^53.
    @inline(__always)
    fileprivate func negated(where mask: UInt64) -> FieldElement {
        let offset = FieldElement.twiceModulus + FieldElement.twiceModulus
        return mask == 0 ? self : offset.exactlyMinus(self)
    }
}
