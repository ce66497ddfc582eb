// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// A point of a proof or of a verifying key, as errors name it.
package enum Groth16Element: Equatable, Sendable {
    /// A of a proof, in G1.
    case proofA
    /// B of a proof, in G2.
    case proofB
    /// C of a proof, in G1.
    case proofC
    /// alpha of a key, in G1.
    case alpha
    /// beta of a key, in G2.
    case beta
    /// gamma of a key, in G2.
    case gamma
    /// delta of a key, in G2.
    case delta
    /// A point for the public inputs, in G1; 0 is the constant, index i belongs to input i - 1.
    case ic(index: Int)
}

/// Why a proof, a verifying key, public inputs or a hash input are refused.
package enum Groth16Error: Error, Equatable, Sendable {
    /// A byte form is of another length than it has to be.
    case wrongLength(expectedBytes: Int, actualBytes: Int)
    /// The flag bits of a compressed point contradict each other or the coordinate.
    case invalidFlags(Groth16Element)
    /// A list of coordinates is of another length than the form has.
    case wrongCoordinateCount(Groth16Element)
    /// A text is no decimal number: empty, a sign, a leading zero, or any other character.
    case malformedNumber(Groth16Element, Coordinate)
    /// A coordinate is not below the modulus of the base field.
    case notCanonical(Groth16Element, Coordinate)
    /// A point is not given in affine form: z is neither 1 nor that of (0, 1, 0).
    case notAffine(Groth16Element)
    /// The coordinates do not satisfy the equation of the curve.
    case notOnCurve(Groth16Element)
    /// The point is on the curve but outside the group of order r.
    case notInSubgroup(Groth16Element)
    /// The point of a key is infinity where that would accept anything or nothing.
    case infinity(Groth16Element)
    /// The protocol that the text names is not Groth16.
    case unsupportedProtocol(String)
    /// The curve that the text names is not BN254.
    case unsupportedCurve(String)
    /// A key states another number of inputs than it has points for.
    case inputCountContradicted(stated: Int, pointCount: Int)
    /// A key has no point for the constant, or more inputs than `VerifyingKey.inputCountMax`.
    case inputCountOutOfRange(pointCount: Int)
    /// The number of public inputs is not that of the key.
    case wrongInputCount(expected: Int, actual: Int)
    /// A public input is no decimal number, or not 32 bytes.
    case malformedInput(index: Int)
    /// A public input is not below the order of the group.
    case inputNotCanonical(index: Int)
    /// Poseidon takes 1 to 16 inputs.
    case hashInputCountOutOfRange(actual: Int)

    /// Says of which element a point error is.
    init(_ error: PointError, _ element: Groth16Element) {
        self =
            switch error {
            case .wrongLength(let expected, let actual):
                .wrongLength(expectedBytes: expected, actualBytes: actual)
            case .invalidFlags: .invalidFlags(element)
            case .notCanonical(let coordinate): .notCanonical(element, coordinate)
            case .notOnCurve: .notOnCurve(element)
            case .notInSubgroup: .notInSubgroup(element)
            }
    }
}

/// Runs a decoder of points and names the element in its error.
func naming<Point>(
    _ element: Groth16Element, _ body: () throws(PointError) -> Point
) throws(Groth16Error) -> Point {
    do throws(PointError) {
        return try body()
    } catch {
        throw Groth16Error(error, element)
    }
}
