// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A point of a curve `y^2 = x^3 + b` in Jacobian coordinates: `(x / z^2, y / z^3)`.
///
/// The point at infinity has `z = 0`. Additions and doublings branch on infinity and on equality,
/// and `multipliedVariableTime` on the scalar: for public data only.
package struct JacobianPoint<Coordinate: FieldElement>: Sendable {
    let x: Coordinate
    let y: Coordinate
    let z: Coordinate

    @inline(__always)
    init(x: Coordinate, y: Coordinate, z: Coordinate) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// Takes affine coordinates, where (0, 0) stands for infinity.
    @inline(__always)
    init(x: Coordinate, y: Coordinate) {
        self.x = x
        self.y = y
        z = x.isZero && y.isZero ? .zero : .one
    }

    static var infinity: JacobianPoint {
        JacobianPoint(x: .one, y: .one, z: .zero)
    }

    /// Whether this is the neutral element.
    @inline(__always)
    package var isInfinity: Bool { z.isZero }

    @inline(__always)
    var negated: JacobianPoint { JacobianPoint(x: x, y: y.negated, z: z) }

    /// Twice the point: 2 multiplications, 5 squarings.
    ///
    /// Source: the formulas "dbl-2009-l" of the Explicit-Formulas Database.
    func doubled() -> JacobianPoint {
        let xSquare = x.squared()
        let ySquare = y.squared()
        let yFourth = ySquare.squared()
        let shift = ((x + ySquare).squared() - xSquare - yFourth).doubled()
        let slope = xSquare.doubled() + xSquare
        let xNew = slope.squared() - shift.doubled()
        let yNew = slope * (shift - xNew) - yFourth.doubled().doubled().doubled()
        return JacobianPoint(x: xNew, y: yNew, z: (y * z).doubled())
    }

    /// The sum with an affine point, (0, 0) being infinity: 7 multiplications, 4 squarings.
    ///
    /// Source: the formulas "madd-2007-bl" of the Explicit-Formulas Database.
    func adding(x otherX: Coordinate, y otherY: Coordinate) -> JacobianPoint {
        if otherX.isZero && otherY.isZero { return self }
        if isInfinity { return JacobianPoint(x: otherX, y: otherY, z: .one) }
        let zSquare = z.squared()
        let scaledX = otherX * zSquare
        let scaledY = otherY * z * zSquare
        let run = scaledX - x
        let rise = (scaledY - y).doubled()
        if run.isZero { return rise.isZero ? doubled() : .infinity }
        let runSquare = run.squared()
        let four = runSquare.doubled().doubled()
        let cube = run * four
        let scaled = x * four
        let xNew = rise.squared() - cube - scaled.doubled()
        let yNew = rise * (scaled - xNew) - (y * cube).doubled()
        let zNew = (z + run).squared() - zSquare - runSquare
        return JacobianPoint(x: xNew, y: yNew, z: zNew)
    }

    /// The sum: 11 multiplications, 5 squarings.
    ///
    /// Source: the formulas "add-2007-bl" of the Explicit-Formulas Database.
    static func + (left: JacobianPoint, right: JacobianPoint) -> JacobianPoint {
        if left.isInfinity { return right }
        if right.isInfinity { return left }
        let leftSquare = left.z.squared()
        let rightSquare = right.z.squared()
        let leftX = left.x * rightSquare
        let rightX = right.x * leftSquare
        let leftY = left.y * right.z * rightSquare
        let rightY = right.y * left.z * leftSquare
        let run = rightX - leftX
        let rise = (rightY - leftY).doubled()
        if run.isZero { return rise.isZero ? left.doubled() : .infinity }
        let four = run.doubled().squared()
        let cube = run * four
        let scaled = leftX * four
        let xNew = rise.squared() - cube - scaled.doubled()
        let yNew = rise * (scaled - xNew) - (leftY * cube).doubled()
        let zNew = ((left.z + right.z).squared() - leftSquare - rightSquare) * run
        return JacobianPoint(x: xNew, y: yNew, z: zNew)
    }

    /// Whether both stand for the same point.
    func isSamePoint(as other: JacobianPoint) -> Bool {
        if isInfinity || other.isInfinity { return isInfinity && other.isInfinity }
        let square = z.squared()
        let otherSquare = other.z.squared()
        return x * otherSquare == other.x * square
            && y * other.z * otherSquare == other.y * z * square
    }

    /// The affine coordinates, (0, 0) for infinity. Costs one inversion.
    var affine: (x: Coordinate, y: Coordinate) {
        let inverted = z.inverse
        let square = inverted.squared()
        return (x * square, y * square * inverted)
    }

    /// The point times a number of 256 bits, by a window of four bits.
    func multipliedVariableTime(by scalar: UInt256) -> JacobianPoint {
        var table: [JacobianPoint] = [.infinity, self]
        for index in 2..<16 {
            table.append(index % 2 == 0 ? table[index / 2].doubled() : table[index - 1] + self)
        }
        var result = JacobianPoint.infinity
        for index in stride(from: (scalar.bitWidth + 3) / 4 - 1, through: 0, by: -1) {
            if !result.isInfinity {
                result = result.doubled().doubled().doubled().doubled()
            }
            let digit = Int(scalar.bits(at: index * 4, width: 4))
            if digit != 0 { result = result + table[digit] }
        }
        return result
    }
}
