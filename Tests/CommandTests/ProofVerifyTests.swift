// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let folder = "groth16/paraloom/"
private let isThere = Vectors.has(folder + "verification_key.json")
private let skip: Comment = "no file at \(Vectors.folder.path)/\(folder)"

/// `recount proof verify` answers scripts by its exit code.
@Suite(.enabled(if: isThere, skip))
struct ProofVerifyTests {
    private func path(_ name: String) -> String {
        Vectors.folder.appendingPathComponent(folder + name).path
    }

    private func verify(
        key: String? = nil, proof: String? = nil, inputs: String? = nil, _ more: String...
    ) throws -> CommandResult {
        try Command.run(
            [
                "proof", "verify", "--key", key ?? path("verification_key.json"), "--proof",
                proof ?? path("transact_native.proof.json"), "--public",
                inputs ?? path("transact_native.public.json"),
            ] + more)
    }

    /// A copy of a JSON file with some fields changed.
    private func edited(
        _ name: String, in folder: TemporaryFolder, _ edit: (inout [String: Any]) -> Void
    ) throws -> String {
        let data = try Vectors.data("groth16/paraloom/" + name)
        var object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        edit(&object)
        return try folder.write(try JSONSerialization.data(withJSONObject: object), name)
    }

    @Test(arguments: ["native", "spl"])
    func `a true proof gives 0`(_ name: String) throws {
        let result = try verify(
            proof: path("transact_\(name).proof.json"),
            inputs: path("transact_\(name).public.json"))
        #expect(result.status == 0)
        #expect(result.output == "valid\n")
        #expect(result.errors.isEmpty)
    }

    @Test func `a false proof gives 1`() throws {
        let result = try verify(inputs: path("transact_spl.public.json"))
        #expect(result.status == 1)
        #expect(result.output.hasPrefix("invalid"))
        let json = try verify(inputs: path("transact_spl.public.json"), "--json")
        #expect(json.status == 1)
        #expect(try json.object()["result"] as? String == "invalid")
    }

    @Test func `public inputs are read as bytes`() throws {
        struct Cases: Decodable {
            struct Case: Decodable {
                let name: String
                let public_inputs_le_hex: [String]
            }
            let cases: [Case]
        }
        let cases: Cases = try Vectors.json("groth16/paraloom/transact_cases.json")
        let native = try #require(cases.cases.first { $0.name == "native" })
        let folder = try TemporaryFolder()
        let raw = native.public_inputs_le_hex.flatMap { bytes(hex: $0) ?? [] }
        let result = try verify(inputs: try folder.write(raw, "inputs.bin"))
        #expect(result.status == 0)
    }

    @Test func `what cannot be judged gives 2 and names file and field`() throws {
        let folder = try TemporaryFolder()
        let offCurve = try edited("transact_native.proof.json", in: folder) {
            $0["pi_c"] = ["1", "1", "1"]
        }
        try expectUnjudged(try verify(proof: offCurve), ["transact_native", "pi_c", "curve"])
        let missing = try edited("transact_spl.proof.json", in: folder) { $0["pi_b"] = nil }
        try expectUnjudged(try verify(proof: missing), ["pi_b", "missing"])
        let word = try edited("verification_key.json", in: folder) {
            $0["vk_alpha_1"] = ["1", "two", "1"]
        }
        try expectUnjudged(try verify(key: word), ["vk_alpha_1", "decimal"])
        let few = try folder.write(Array(#"["1", "2"]"#.utf8), "few.json")
        try expectUnjudged(try verify(inputs: few), ["few.json", "2 public inputs", "8"])
        let large = try folder.write(
            Array(#"["1","2","3","4","5","6","7","\#(String(repeating: "9", count: 77))"]"#.utf8),
            "large.json")
        try expectUnjudged(try verify(inputs: large), ["public input 7", "order"])
        let words = try folder.write(Array("[1,2,3,4,5,6,7,null]".utf8), "numbers.json")
        try expectUnjudged(try verify(inputs: words), ["numbers.json"])
        let garbage = try folder.write(SplitMix64.noise(100), "garbage")
        try expectUnjudged(try verify(key: garbage), ["garbage"])
        try expectUnjudged(try verify(proof: garbage), ["garbage", "100 bytes"])
        try expectUnjudged(try verify(inputs: garbage), ["garbage", "100 bytes"])
        try expectUnjudged(try verify(key: folder.path + "/absent"), ["absent"])
        try expectUnjudged(try verify(key: folder.path), [folder.path])
        let empty = try folder.write([], "empty")
        try expectUnjudged(try verify(proof: empty), ["empty"])
    }

    private func expectUnjudged(
        _ result: CommandResult, _ words: [String], _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(result.status == 2, sourceLocation: location)
        #expect(result.output.isEmpty, sourceLocation: location)
        for word in words {
            #expect(
                result.errors.contains(word), "\(word) is not in: \(result.errors)",
                sourceLocation: location)
        }
    }

    @Test func `JSON says why a proof could not be judged`() throws {
        let result = try verify(proof: path("transact_native.public.json"), "--json")
        #expect(result.status == 2)
        let object = try result.object()
        #expect(object["result"] as? String == "unjudged")
        #expect((object["reason"] as? String)?.isEmpty == false)
    }

    @Test func `noise of the length of a proof gives 2`() throws {
        let folder = try TemporaryFolder()
        for size in [128, 256] {
            let noise = try folder.write(SplitMix64.noise(size), "noise-\(size)")
            #expect(try verify(proof: noise).status == 2)
        }
    }
}

extension SplitMix64 {
    static func noise(_ count: Int) -> [UInt8] {
        var generator = SplitMix64(seed: 3)
        return generator.bytes(count)
    }
}
