// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The lines of the Miller loop of a point of G2 that is known in advance.
///
/// Each line is divided by its constant, which leaves `1 + factor1 x/y w + factor3 1/y w^3`: a
/// cheaper product, and the factor of `Fp` that it loses is one after the final exponentiation.
package struct PreparedG2: Equatable, Sendable {
    struct Line: Equatable, Sendable {
        let factor1: Fp2
        let factor3: Fp2
    }

    /// In the order in which the loop uses them; empty for infinity.
    let lines: [Line]

    /// Runs the loop for the point; 5,000 multiplications and one inversion.
    package init(_ point: G2Affine) {
        guard !point.isInfinity else {
            lines = []
            return
        }
        var raw: [MillerLine] = []
        var runner = MillerRunner(point)
        for digit in CurveConstants.ateLoopDigits.dropLast().reversed() {
            raw.append(runner.double())
            if digit != 0 { raw.append(runner.add(isNegative: digit < 0)) }
        }
        raw.append(runner.addFrobenius())
        raw.append(runner.subtractFrobeniusSquared())
        // No constant is zero: that would need T = +-Q or 2T = 0 before the loop has ended.
        var inverted = raw.map(\.constant)
        Fp2.invertAll(&inverted)
        lines = zip(raw, inverted).map { line, inverse in
            Line(factor1: line.factor1 * inverse, factor3: line.factor3 * inverse)
        }
    }
}

/// A line `constant * y + factor1 * x * w + factor3 * w^3`, to be evaluated at a point of G1.
struct MillerLine {
    let constant: Fp2
    let factor1: Fp2
    let factor3: Fp2
}

/// The running point of a Miller loop, in homogeneous coordinates: `(x / z, y / z)`.
///
/// Source: Costello, Lange and Naehrig 2010, "Faster pairing computations on curves with
/// high-degree twists", in the form of Aranha et al. 2013, "The realm of the pairings", section 4.
struct MillerRunner {
    private let base: G2Affine
    private var x: Fp2
    private var y: Fp2
    private var z: Fp2

    /// Starts at a point that is not infinity.
    init(_ base: G2Affine) {
        self.base = base
        x = base.x
        y = base.y
        z = .one
    }

    /// Doubles the running point and returns the tangent at it.
    mutating func double() -> MillerLine {
        let half = (x * y).halved()
        let ySquare = y.squared()
        let zSquare = z.squared()
        let constant = CurveConstants.twistCoefficient * (zSquare.doubled() + zSquare)
        let triple = constant.doubled() + constant
        let mean = (ySquare + triple).halved()
        let cross = (y + z).squared() - (ySquare + zSquare)
        let xSquare = x.squared()
        x = half * (ySquare - triple)
        let square = constant.squared()
        y = mean.squared() - (square.doubled() + square)
        z = ySquare * cross
        return MillerLine(
            constant: cross.negated, factor1: xSquare.doubled() + xSquare,
            factor3: constant - ySquare)
    }

    /// Adds the base point or its negation and returns the line through both.
    mutating func add(isNegative: Bool) -> MillerLine {
        add(x: base.x, y: isNegative ? base.y.negated : base.y)
    }

    /// Adds psi of the base point and returns the line through both.
    mutating func addFrobenius() -> MillerLine {
        add(
            x: base.x.conjugate * CurveConstants.frobeniusOnce2,
            y: base.y.conjugate * CurveConstants.frobeniusOnce3)
    }

    /// Subtracts psi^2 of the base point and returns the line through both.
    mutating func subtractFrobeniusSquared() -> MillerLine {
        // psi^2 negates y, so that the negation of psi^2 of the point keeps it.
        add(x: base.x * CurveConstants.frobeniusTwice2, y: base.y)
    }

    private mutating func add(x otherX: Fp2, y otherY: Fp2) -> MillerLine {
        let rise = y - otherY * z
        let run = x - otherX * z
        let riseSquare = rise.squared()
        let runSquare = run.squared()
        let cube = run * runSquare
        let scaled = x * runSquare
        let next = cube + z * riseSquare - scaled.doubled()
        x = run * next
        y = rise * (scaled - next) - cube * y
        z = z * cube
        return MillerLine(
            constant: run, factor1: rise.negated, factor3: rise * otherX - run * otherY)
    }
}
