// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Figures
import Foundation
import Groth16

/// Verification of one proof and of 64 together under a prepared key, beside arkworks through
/// groth16py; and a pairing, beside mcl through mclbn256.
struct ProofBenchmark {
    private let key: VerifyingKey
    private let proof: Proof
    private let inputs: [Fr]
    private let folder: String
    private let python: String

    init(vectors: String, python: String) throws {
        folder = "\(vectors)/groth16/paraloom"
        self.python = python
        func json<T: Decodable>(_ name: String, _ type: T.Type) throws -> T {
            let url = URL(fileURLWithPath: "\(vectors)/groth16/paraloom/\(name)")
            return try JSONDecoder().decode(type, from: Data(contentsOf: url))
        }
        key = try VerifyingKey(snarkjs: json("verification_key.json", SnarkjsVerifyingKey.self))
        proof = try Proof(snarkjs: json("transact_native.proof.json", SnarkjsProof.self))
        inputs = try json("transact_native.public.json", [String].self).map { text in
            guard let value = Fr(decimal: text) else { throw CocoaError(.coderReadCorrupt) }
            return value
        }
    }

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        let prepared = PreparedVerifyingKey(key)
        let bytes = proof.compressed
        var parsed: [Double] = []
        var compressed: [Double] = []
        var theirs: [Double] = []
        var generator = SystemRandomNumberGenerator()
        let count = 200
        for _ in 0..<runs {
            parsed.append(
                try milliseconds(count) { _ in try prepared.verify(proof, inputs: inputs) })
            compressed.append(
                try milliseconds(count) { _ in
                    let item = PreparedVerifyingKey.CompressedItem(bytes, inputs: inputs)
                    return try prepared.verifyTogether(compressed: [item], factors: &generator)
                        == [.success(true)]
                })
            if let other = arkworks(count: count) { theirs.append(other) }
        }
        let size = inputs.count
        var result = [
            Figure(
                "Groth16 verification, \(size) public inputs", unit: "ms", values: parsed,
                note: "of points that were read before"),
            Figure(
                "  from the compressed proof, group checks and all", unit: "ms",
                values: compressed),
        ]
        if theirs.isEmpty {
            note("groth16py did not answer: python3 -m venv .venv && .venv/bin/pip install")
            note("groth16py==0.2.0 mclbn256, then --python .venv/bin/python")
        } else {
            result.append(
                Figure(
                    "  beside: arkworks through groth16py 0.2.0", unit: "ms", values: theirs,
                    note: "parses and checks the proof each time"))
        }
        note(
            Kernels.areThere
                ? "BN254 in eight lanes (AVX-512 IFMA); RECOUNT_PORTABLE=1 measures it in Swift"
                : "BN254 in Swift: no AVX-512 IFMA, or RECOUNT_PORTABLE is set")
        let products = BareProducts(runs: runs)
        return try [products.measurement] + result
            + [products.limit("one proof", count: 27_000)]
            + measureTogether(runs: runs) + [products.limit("one of 64", count: 10_200)]
            + measurePairing(runs: runs, note) + [products.limit("a pairing", count: 16_800)]
    }

    /// 64 proofs under one key, together and one by one.
    private func measureTogether(runs: Int) throws -> [Figure] {
        let count = 64
        let forged = try ForgedProofs(count: count, inputCount: 8, seed: 64)
        let items = forged.items
        let bytes = items.map(\.proof.compressed)
        let prepared = PreparedVerifyingKey(forged.key)
        var generator = SystemRandomNumberGenerator()
        var together: [Double] = []
        var compressed: [Double] = []
        var oneByOne: [Double] = []
        var oneBad: [Double] = []
        var spoiled = items
        let bad = items[40].proof
        spoiled[40] = PreparedVerifyingKey.Item(
            Proof(a: bad.a, b: bad.b, c: bad.c.negated), inputs: items[40].inputs)
        for _ in 0..<runs {
            together.append(
                try milliseconds(1) { _ in
                    try prepared.verifyTogether(items, factors: &generator).allSatisfy { $0 }
                } / Double(count))
            compressed.append(
                try milliseconds(1) { _ in
                    let read = zip(bytes, items).map { bytes, item in
                        PreparedVerifyingKey.CompressedItem(bytes, inputs: item.inputs)
                    }
                    return try prepared.verifyTogether(compressed: read, factors: &generator)
                        .allSatisfy { $0 == .success(true) }
                } / Double(count))
            oneByOne.append(
                try milliseconds(count) { index in
                    try prepared.verify(items[index].proof, inputs: items[index].inputs)
                })
            oneBad.append(
                try milliseconds(1) { _ in
                    try prepared.verifyTogether(spoiled, factors: &generator).count { $0 } == 63
                } / Double(count))
        }
        return [
            Figure(
                "Groth16, 64 proofs under one key together, each", unit: "ms", values: together,
                note: "8 inputs; distinct, made with the key's secrets and no circuit"),
            Figure("  from the compressed proofs", unit: "ms", values: compressed),
            Figure("  with one bad proof among them", unit: "ms", values: oneBad),
            Figure("  beside: one by one", unit: "ms", values: oneByOne),
        ]
    }

    /// A pairing of two points, final exponentiation and all.
    private func measurePairing(
        runs: Int, _ note: (String) -> Void
    ) throws -> [Figure] {
        var ours: [Double] = []
        var inSwift: [Double] = []
        var theirs: [Double] = []
        let count = 200
        for _ in 0..<runs {
            ours.append(
                try milliseconds(count) { _ in Pairing.product([(proof.a, proof.b)]) != .one })
            inSwift.append(
                try milliseconds(count) { _ in
                    Pairing.portableProduct([(proof.a, proof.b)]) != .one
                })
            if let other = mcl(count: count) { theirs.append(other) }
        }
        var result = [
            Figure("BN254, a pairing", unit: "ms", values: ours),
            Figure("  beside: in Swift", unit: "ms", values: inSwift),
        ]
        if theirs.isEmpty {
            note("mclbn256 did not answer: .venv/bin/pip install mclbn256")
        } else {
            result.append(
                Figure("  beside: mcl through mclbn256", unit: "ms", values: theirs))
        }
        return result
    }

    /// Milliseconds that a check takes, on average over `count`; it has to hold each time.
    private func milliseconds(_ count: Int, _ check: (Int) throws -> Bool) throws -> Double {
        let (seconds, valid) = try timed { try (0..<count).allSatisfy(check) }
        guard valid else { fatalError("the benchmark's own proofs have the wrong verdicts") }
        return seconds / Double(count) * 1000
    }

    /// Milliseconds a verification by groth16py in a process of its own, or nil where it is absent.
    private func arkworks(count: Int) -> Double? {
        let script = """
            import pathlib, sys, time, groth16py
            folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
            key = groth16py.VerifyingKey.from_snarkjs_file(str(folder / "verification_key.json"))
            verifier = groth16py.Verifier(key)
            proof = (folder / "transact_native.proof.json").read_text()
            inputs = (folder / "transact_native.public.json").read_text()
            assert verifier.verify_snarkjs(proof, inputs)
            start = time.perf_counter()
            for _ in range(count): verifier.verify_snarkjs(proof, inputs)
            print((time.perf_counter() - start) / count * 1000)
            """
        return run(script, [folder, String(count)])
    }

    /// Milliseconds a pairing by mclbn256 in a process of its own, or nil where it is absent.
    private func mcl(count: Int) -> Double? {
        let script = """
            import sys, time, mclbn256
            count = int(sys.argv[1])
            first, second = mclbn256.G1().randomize(), mclbn256.G2().randomize()
            first @ second
            start = time.perf_counter()
            for _ in range(count): first @ second
            print((time.perf_counter() - start) / count * 1000)
            """
        return run(script, [String(count)])
    }

    /// The number that a script prints, or nil where it fails.
    private func run(_ script: String, _ arguments: [String]) -> Double? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, "-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        return Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
