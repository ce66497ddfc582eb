// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254

extension Groth16Error: CustomStringConvertible {
    /// What a person is told, with the names that snarkjs has for the elements.
    package var description: String {
        switch self {
        case .wrongLength(let expected, let actual):
            "\(actual) bytes where \(expected) are due"
        case .invalidFlags(let element):
            "\(element.text): the flag bits contradict each other or the coordinate"
        case .wrongCoordinateCount(let element): "\(element.text): wrong number of coordinates"
        case .malformedNumber(let element, let coordinate):
            "\(element.text), \(coordinate.rawValue): not a decimal number"
        case .notCanonical(let element, let coordinate):
            "\(element.text), \(coordinate.rawValue): not below the modulus of the field"
        case .notAffine(let element): "\(element.text): z must be 1"
        case .notOnCurve(let element): "\(element.text) is not on the curve"
        case .notInSubgroup(let element): "\(element.text) is not in the group of order r"
        case .infinity(let element): "\(element.text) is infinity"
        case .unsupportedProtocol(let name): "protocol \(name); only groth16 is verified"
        case .unsupportedCurve(let name): "curve \(name); only bn128 (BN254) is verified"
        case .inputCountContradicted(let stated, let points):
            "nPublic is \(stated), but IC has \(points) points"
        case .inputCountOutOfRange(let points): "a key with \(points) points for inputs"
        case .wrongInputCount(let expected, let actual):
            "\(actual) public inputs where the key has \(expected)"
        case .malformedInput(let index): "public input \(index) is not a decimal number"
        case .inputNotCanonical(let index):
            "public input \(index) is not below the order of the group"
        case .hashInputCountOutOfRange(let actual): "\(actual) inputs of a hash"
        }
    }
}

extension Groth16Element {
    /// The name that snarkjs has for it.
    var text: String {
        switch self {
        case .proofA: "pi_a"
        case .proofB: "pi_b"
        case .proofC: "pi_c"
        case .alpha: "vk_alpha_1"
        case .beta: "vk_beta_2"
        case .gamma: "vk_gamma_2"
        case .delta: "vk_delta_2"
        case .ic(let index): "IC[\(index)]"
        }
    }
}
