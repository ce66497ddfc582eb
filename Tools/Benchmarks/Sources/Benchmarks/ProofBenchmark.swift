// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16

/// Verification of one proof under a prepared key, beside arkworks through groth16py.
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

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Measurement] {
        let prepared = PreparedVerifyingKey(key)
        let bytes = proof.compressed
        var ours: [Double] = []
        var decoding: [Double] = []
        var theirs: [Double] = []
        let count = 200
        for _ in 0..<runs {
            let (seconds, valid) = try timed {
                try (0..<count).allSatisfy { _ in try prepared.verify(proof, inputs: inputs) }
            }
            guard valid else { fatalError("the benchmark's own proof does not verify") }
            ours.append(seconds / Double(count) * 1000)
            let decode = try timed { for _ in 0..<count { _ = try Proof(compressed: bytes) } }
            decoding.append(decode.seconds / Double(count) * 1000)
            if let other = arkworks(count: count) { theirs.append(other) }
        }
        var result = [
            Measurement(
                "Groth16 verification, \(inputs.count) public inputs", unit: "ms", values: ours),
            Measurement(
                "  reading the compressed proof, subgroup check and all", unit: "ms",
                values: decoding),
        ]
        if theirs.isEmpty {
            note("groth16py did not answer: python3 -m venv .venv && .venv/bin/pip install")
            note("groth16py==0.2.0, then --python .venv/bin/python")
        } else {
            result.append(
                Measurement(
                    "  beside: arkworks through groth16py 0.2.0", unit: "ms", values: theirs,
                    note: "parses and checks the proof each time"))
        }
        return result
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, "-c", script, folder, String(count)]
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
