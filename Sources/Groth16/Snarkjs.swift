// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254

/// A proof as snarkjs writes it in JSON: decimal texts, points in projective coordinates.
package struct SnarkjsProof: Codable, Equatable, Sendable {
    /// A: x, y, z.
    package var a: [String]
    /// B: x, y, z, each as [c0, c1].
    package var b: [[String]]
    /// C: x, y, z.
    package var c: [String]
    /// "groth16", or "groth" of old, where it is stated.
    package var protocolName: String?
    /// "bn128" or "bn254", where it is stated.
    package var curve: String?

    /// Joins the points, of which nothing is checked.
    package init(
        a: [String], b: [[String]], c: [String], protocolName: String? = nil, curve: String? = nil
    ) {
        self.a = a
        self.b = b
        self.c = c
        self.protocolName = protocolName
        self.curve = curve
    }

    private enum CodingKeys: String, CodingKey {
        case a = "pi_a"
        case b = "pi_b"
        case c = "pi_c"
        case protocolName = "protocol"
        case curve
    }
}

/// A verifying key as snarkjs writes it in JSON; the cached pairing of alpha and beta is ignored.
package struct SnarkjsVerifyingKey: Codable, Equatable, Sendable {
    /// "groth16", where it is stated.
    package var protocolName: String?
    /// "bn128" or "bn254", where it is stated.
    package var curve: String?
    /// The number of public inputs.
    package var publicInputCount: Int
    /// alpha: x, y, z.
    package var alpha: [String]
    /// beta: x, y, z, each as [c0, c1].
    package var beta: [[String]]
    /// gamma: x, y, z, each as [c0, c1].
    package var gamma: [[String]]
    /// delta: x, y, z, each as [c0, c1].
    package var delta: [[String]]
    /// The points for the constant and the public inputs: x, y, z.
    package var ic: [[String]]

    /// Joins the points, of which nothing is checked.
    package init(
        protocolName: String? = nil, curve: String? = nil, publicInputCount: Int, alpha: [String],
        beta: [[String]], gamma: [[String]], delta: [[String]], ic: [[String]]
    ) {
        self.protocolName = protocolName
        self.curve = curve
        self.publicInputCount = publicInputCount
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.delta = delta
        self.ic = ic
    }

    private enum CodingKeys: String, CodingKey {
        case protocolName = "protocol"
        case curve
        case publicInputCount = "nPublic"
        case alpha = "vk_alpha_1"
        case beta = "vk_beta_2"
        case gamma = "vk_gamma_2"
        case delta = "vk_delta_2"
        case ic = "IC"
    }
}

// MARK: - Conversion

extension Proof {
    /// Takes a proof from its snarkjs form.
    ///
    /// Checks the names of protocol and curve, then A, B and C: number of coordinates, decimal
    /// form and range of each, z, curve, group.
    package init(snarkjs form: SnarkjsProof) throws(Groth16Error) {
        try checkNames(form.protocolName, form.curve)
        self.init(
            a: try g1Point(form.a, .proofA), b: try g2Point(form.b, .proofB),
            c: try g1Point(form.c, .proofC))
    }
}

extension SnarkjsProof {
    /// Writes a proof as snarkjs does.
    package init(_ proof: Proof) {
        a = projective(proof.a)
        b = projective(proof.b)
        c = projective(proof.c)
        protocolName = "groth16"
        curve = "bn128"
    }
}

extension VerifyingKey {
    /// Takes a key from its snarkjs form.
    ///
    /// Checks the names of protocol and curve, the number of inputs, then each point as for a
    /// proof, then infinity.
    package init(snarkjs form: SnarkjsVerifyingKey) throws(Groth16Error) {
        try checkNames(form.protocolName, form.curve)
        try Self.checkPointCount(form.ic.count)
        guard form.publicInputCount == form.ic.count - 1 else {
            throw .inputCountContradicted(
                stated: form.publicInputCount, pointCount: form.ic.count)
        }
        let alpha = try g1Point(form.alpha, .alpha)
        let beta = try g2Point(form.beta, .beta)
        let gamma = try g2Point(form.gamma, .gamma)
        let delta = try g2Point(form.delta, .delta)
        var ic: [G1Affine] = []
        ic.reserveCapacity(form.ic.count)
        for (index, texts) in form.ic.enumerated() {
            ic.append(try g1Point(texts, .ic(index: index)))
        }
        try self.init(alpha: alpha, beta: beta, gamma: gamma, delta: delta, ic: ic)
    }
}

extension SnarkjsVerifyingKey {
    /// Writes a key as snarkjs does, without the cached pairing.
    package init(_ key: VerifyingKey) {
        protocolName = "groth16"
        curve = "bn128"
        publicInputCount = key.publicInputCount
        alpha = projective(key.alpha)
        beta = projective(key.beta)
        gamma = projective(key.gamma)
        delta = projective(key.delta)
        ic = key.ic.map(projective)
    }
}

// MARK: - Points

private func checkNames(_ protocolName: String?, _ curve: String?) throws(Groth16Error) {
    // "groth" is what snarkjs 0.1 called Groth16.
    if let protocolName, protocolName != "groth16", protocolName != "groth" {
        throw .unsupportedProtocol(protocolName)
    }
    if let curve, curve != "bn128", curve != "bn254" { throw .unsupportedCurve(curve) }
}

private func coordinate(
    _ text: String, _ element: Groth16Element, _ coordinate: Coordinate
) throws(Groth16Error) -> Fp {
    switch CanonicalDecimal(text) {
    case .malformed: throw .malformedNumber(element, coordinate)
    case .tooLarge: throw .notCanonical(element, coordinate)
    case .number(let value):
        guard let result = Fp(canonical: value) else {
            throw .notCanonical(element, coordinate)
        }
        return result
    }
}

/// Reads x, y, z: z is 1, or the point is (0, 1, 0), which is infinity.
private func g1Point(
    _ texts: [String], _ element: Groth16Element
) throws(Groth16Error) -> G1Affine {
    guard texts.count == 3 else { throw .wrongCoordinateCount(element) }
    let x = try coordinate(texts[0], element, .x)
    let y = try coordinate(texts[1], element, .y)
    let z = try coordinate(texts[2], element, .z)
    if z.isZero && x.isZero && y == .one { return .infinity }
    guard z == .one else { throw .notAffine(element) }
    // (0, 0, 1) is no point; the affine type would take its coordinates for infinity.
    if x.isZero && y.isZero { throw .notOnCurve(element) }
    return try naming(element) { () throws(PointError) in try G1Affine(x: x, y: y) }
}

/// Reads x, y, z of two parts each: z is 1, or the point is (0, 1, 0), which is infinity.
private func g2Point(
    _ texts: [[String]], _ element: Groth16Element
) throws(Groth16Error) -> G2Affine {
    guard texts.count == 3, texts.allSatisfy({ $0.count == 2 }) else {
        throw .wrongCoordinateCount(element)
    }
    let x = Fp2(
        c0: try coordinate(texts[0][0], element, .x0),
        c1: try coordinate(texts[0][1], element, .x1))
    let y = Fp2(
        c0: try coordinate(texts[1][0], element, .y0),
        c1: try coordinate(texts[1][1], element, .y1))
    let z = Fp2(
        c0: try coordinate(texts[2][0], element, .z),
        c1: try coordinate(texts[2][1], element, .z))
    if z.isZero && x.isZero && y == .one { return .infinity }
    guard z == .one else { throw .notAffine(element) }
    // (0, 0, 1) is no point; the affine type would take its coordinates for infinity.
    if x.isZero && y.isZero { throw .notOnCurve(element) }
    return try naming(element) { () throws(PointError) in try G2Affine(x: x, y: y) }
}

private func projective(_ point: G1Affine) -> [String] {
    point.isInfinity ? ["0", "1", "0"] : [point.x.decimal, point.y.decimal, "1"]
}

private func projective(_ point: G2Affine) -> [[String]] {
    if point.isInfinity { return [["0", "0"], ["1", "0"], ["0", "0"]] }
    return [
        [point.x.c0.decimal, point.x.c1.decimal], [point.y.c0.decimal, point.y.c1.decimal],
        ["1", "0"],
    ]
}
