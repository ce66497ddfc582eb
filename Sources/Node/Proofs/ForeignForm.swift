// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
internal import Cryptography
internal import Groth16

/// What other programs than today's snarkjs write, recognised by its shape.
///
/// What says the same in other words is put into the form of snarkjs, to be judged like any other;
/// the rest is named, with what would convert it. Each reader returns nil for a shape that is not
/// known. Sources: snarkjs 0.1 (`vk_alfa_1`) and 0.7 (`zkey_export_soliditycalldata.js`); gnark's
/// `backend/groth16/bn254`, as Go writes its structures; Semaphore 4 (`packGroth16Proof`);
/// ZoKrates 0.8 (`proof.json`).
enum ForeignForm {
    /// Reads a proof.
    static func proof(_ tree: JSONTree) throws(ProofFileProblem) -> SnarkjsProof? {
        if let whole = try fullProof(tree) { return whole }
        if tree.has("Ar", "Krs") { return try gnarkProof(tree) }
        if let points = tree["points"] ?? flatPoints(tree) { return packedProof(points) }
        if let parts = callData(tree) { return packedProof(.array(flat(parts.prefix(3)))) }
        try refuse(tree, wanted: .proof)
        return nil
    }

    /// Reads a verifying key.
    static func key(_ tree: JSONTree) throws(ProofFileProblem) -> SnarkjsVerifyingKey? {
        if tree.has("G1", "G2") { return try gnarkKey(tree) }
        if tree.has("vk_alfa_1") { return oldKey(tree) }
        try refuse(tree, wanted: .key)
        return nil
    }

    /// Reads public inputs, in decimal.
    static func inputs(_ tree: JSONTree) throws(ProofFileProblem) -> [String]? {
        for name in ["publicSignals", "pubSignals"] {
            if let inner = tree[name] { return numbers(inner) }
        }
        if tree.has("inputs", "proof") { return tree["inputs"].flatMap(numbers) }
        if let parts = callData(tree) { return parts.last.flatMap(numbers) }
        if let numbers = numbers(tree) { return numbers }
        if case .array(let elements) = tree, elements.contains(where: isBigNumber) {
            throw .foreign(
                what: "a list with numbers above 2^53",
                help: "write them as texts: many readers lose the last digits of such numbers")
        }
        try refuse(tree, wanted: .inputs)
        return nil
    }

    // MARK: Forms that are read

    /// `{"proof": …, "publicSignals": …}`, as `snarkjs.groth16.fullProve` gives it.
    private static func fullProof(_ tree: JSONTree) throws(ProofFileProblem) -> SnarkjsProof? {
        guard let inner = tree["proof"], tree["scheme"] == nil else { return nil }
        if let form = snarkjsProof(inner) { return form }
        return try proof(inner)
    }

    private static func snarkjsProof(_ tree: JSONTree) -> SnarkjsProof? {
        guard let a = tree["pi_a"].flatMap(texts), let c = tree["pi_c"].flatMap(texts),
            let b = tree["pi_b"].flatMap(pairs)
        else { return nil }
        return SnarkjsProof(
            a: a, b: b, c: c, protocolName: tree["protocol"]?.text, curve: tree["curve"]?.text)
    }

    private static func gnarkProof(_ tree: JSONTree) throws(ProofFileProblem) -> SnarkjsProof? {
        guard isEmpty(tree["Commitments"]) else { throw commitments }
        guard let a = gnarkG1(tree["Ar"]), let b = gnarkG2(tree["Bs"]), let c = gnarkG1(tree["Krs"])
        else {
            throw .foreign(
                what: "a proof of gnark whose points Ar, Bs and Krs are not whole",
                help: "write it again with Go's json.Marshal of the proof")
        }
        return SnarkjsProof(a: a, b: b, c: c)
    }

    private static func gnarkKey(
        _ tree: JSONTree
    ) throws(ProofFileProblem) -> SnarkjsVerifyingKey? {
        guard isEmpty(tree["CommitmentKeys"]) else { throw commitments }
        guard let alpha = gnarkG1(tree["G1"]?["Alpha"]), let beta = gnarkG2(tree["G2"]?["Beta"]),
            let gamma = gnarkG2(tree["G2"]?["Gamma"]), let delta = gnarkG2(tree["G2"]?["Delta"]),
            let points = tree["G1"]?["K"]?.elements?.map({ gnarkG1($0) }),
            !points.contains(where: { $0 == nil })
        else {
            throw .foreign(
                what: "a verifying key of gnark whose points are not whole",
                help: "write it again with Go's json.Marshal of the key")
        }
        let ic = points.compactMap(\.self)
        return SnarkjsVerifyingKey(
            publicInputCount: ic.count - 1, alpha: alpha, beta: beta, gamma: gamma, delta: delta,
            ic: ic)
    }

    private static let commitments = ProofFileProblem.foreign(
        what: "a form of gnark with Pedersen commitments, which plain Groth16 has not",
        help: "make the circuit without api.Commit, and without what uses it (range checks)")

    private static func oldKey(_ tree: JSONTree) -> SnarkjsVerifyingKey? {
        guard let alpha = tree["vk_alfa_1"].flatMap(texts),
            let beta = tree["vk_beta_2"].flatMap(pairs),
            let gamma = tree["vk_gamma_2"].flatMap(pairs),
            let delta = tree["vk_delta_2"].flatMap(pairs), let ic = tree["IC"].flatMap(pairs),
            case .number(let count)? = tree["nPublic"]
        else { return nil }
        return SnarkjsVerifyingKey(
            protocolName: tree["protocol"]?.text, curve: tree["curve"]?.text,
            publicInputCount: Int(clamping: count), alpha: alpha, beta: beta, gamma: gamma,
            delta: delta, ic: ic)
    }

    /// Eight numbers in the order of Ethereum, where G2 has c1 before c0.
    private static func packedProof(_ points: JSONTree) -> SnarkjsProof? {
        guard let n = numbers(points), n.count == 8 else { return nil }
        return SnarkjsProof(
            a: [n[0], n[1], "1"], b: [[n[3], n[2]], [n[5], n[4]], ["1", "0"]],
            c: [n[6], n[7], "1"])
    }

    /// A list of eight texts, as Semaphore 4 gives a proof by itself.
    private static func flatPoints(_ tree: JSONTree) -> JSONTree? {
        guard let elements = tree.elements, elements.count == 8,
            elements.allSatisfy({ $0.text != nil })
        else { return nil }
        return tree
    }

    /// The four arguments of a Solidity verifier: A, B, C, and the public inputs.
    private static func callData(_ tree: JSONTree) -> [JSONTree]? {
        guard let parts = tree.elements, parts.count == 4, parts[0].elements?.count == 2,
            parts[1].elements?.count == 2, parts[2].elements?.count == 2,
            let rows = parts[1].elements, rows.allSatisfy({ $0.elements?.count == 2 })
        else { return nil }
        return parts
    }

    private static func flat(_ parts: ArraySlice<JSONTree>) -> [JSONTree] {
        parts.flatMap { part in
            (part.elements ?? []).flatMap { $0.elements ?? [$0] }
        }
    }

    // MARK: Forms that are named

    enum Wanted: String {
        case proof = "a proof"
        case key = "a verifying key"
        case inputs = "public inputs"
    }

    /// Throws for what is known and not read here, or stands in the wrong place.
    private static func refuse(
        _ tree: JSONTree, wanted: Wanted
    ) throws(ProofFileProblem) {
        let name = tree["protocol"]?.text
        if name == "plonk" || name == "fflonk" {
            throw .foreign(
                what: "a file of \(name == "plonk" ? "PLONK" : "FFLONK")",
                help: "only Groth16 is verified; prove the circuit with `snarkjs groth16 setup`,"
                    + " `snarkjs zkey export verificationkey` and `snarkjs groth16 prove`")
        }
        if tree["scheme"] != nil || tree.has("alpha", "gamma_abc") {
            throw .foreign(
                what: "a file of ZoKrates",
                help: "write its points in the form of snarkjs: decimal texts, pi_a, pi_b and pi_c"
                    + " for a, b and c, and IC for gamma_abc, each point with a third coordinate 1")
        }
        if tree["protocol"]?.text == "original" || tree.has("pi_ap") || tree.has("vk_a") {
            throw .foreign(
                what: "a file of Pinocchio (the protocol \"original\" of snarkjs 0.1)",
                help: "only Groth16 is verified; set the circuit up with `snarkjs groth16 setup`")
        }
        let found = kind(of: tree)
        if let found, found != wanted {
            throw .foreign(what: found.rawValue, help: "\(wanted.rawValue) must stand here")
        }
        if wanted == .inputs, case .object = tree {
            throw .foreign(
                what: "an object of named values",
                help: "write the values as a list, in the order of the circuit: [\"1\", \"2\"]")
        }
    }

    private static func kind(of tree: JSONTree) -> Wanted? {
        if tree.has("pi_a") || tree.has("proof") || tree.has("Ar") || tree.has("points")
            || callData(tree) != nil
        {
            return .proof
        }
        if tree.has("vk_alpha_1") || tree.has("vk_alfa_1") || tree.has("G1", "G2") { return .key }
        if let elements = tree.elements, elements.allSatisfy({ number($0) != nil }) {
            return .inputs
        }
        return nil
    }

    // MARK: Values

    private static func gnarkG1(_ tree: JSONTree?) -> [String]? {
        guard let x = tree?["X"].flatMap(number), let y = tree?["Y"].flatMap(number) else {
            return nil
        }
        return x == "0" && y == "0" ? ["0", "1", "0"] : [x, y, "1"]
    }

    private static func gnarkG2(_ tree: JSONTree?) -> [[String]]? {
        func pair(_ name: String) -> [String]? {
            guard let a0 = tree?[name]?["A0"].flatMap(number),
                let a1 = tree?[name]?["A1"].flatMap(number)
            else { return nil }
            return [a0, a1]
        }
        guard let x = pair("X"), let y = pair("Y") else { return nil }
        return [x, y, ["1", "0"]]
    }

    private static func isEmpty(_ tree: JSONTree?) -> Bool {
        switch tree {
        case nil, .other: true
        case .array(let elements): elements.isEmpty
        default: false
        }
    }

    private static func texts(_ tree: JSONTree) -> [String]? {
        guard let texts = tree.elements?.map(\.text), !texts.contains(nil) else { return nil }
        return texts.compactMap(\.self)
    }

    private static func pairs(_ tree: JSONTree) -> [[String]]? {
        guard let rows = tree.elements?.map(texts), !rows.contains(where: { $0 == nil }) else {
            return nil
        }
        return rows.compactMap(\.self)
    }

    private static func numbers(_ tree: JSONTree) -> [String]? {
        guard let numbers = tree.elements?.map(number), !numbers.contains(nil) else { return nil }
        return numbers.compactMap(\.self)
    }

    /// The greatest whole number below which every reader of JSON has all of them.
    private static let exactMax: UInt64 = 1 << 53

    private static func isBigNumber(_ tree: JSONTree) -> Bool {
        if case .number(let value) = tree { value > exactMax } else { false }
    }

    /// A number in decimal: a decimal text as it stands, a hexadecimal one (`0x`), or a small
    /// number of JSON. Whether it is in range is judged by whoever takes it.
    static func number(_ tree: JSONTree) -> String? {
        switch tree {
        case .number(let value): value <= exactMax ? "\(value)" : nil
        case .text(let text) where text.hasPrefix("0x"): decimal(hexadecimal: text.dropFirst(2))
        case .text(let text): text
        default: nil
        }
    }

    private static func decimal(hexadecimal digits: Substring) -> String? {
        guard !digits.isEmpty, digits.utf8.count <= 64 else { return nil }
        let even = digits.utf8.count.isMultiple(of: 2) ? String(digits) : "0\(digits)"
        guard let bytes = [UInt8](hex: even) else { return nil }
        return UInt256(bigEndian: [UInt8](repeating: 0, count: 32 - bytes.count) + bytes)?.decimal
    }
}
