// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Groth16
import Ledger
import Node
import TestSupport
import Testing

private let ledger = LedgerID(Digest(hashing: [1, 2, 3]))
private let key = SigningKey(seed: Bytes32([UInt8](repeating: 7, count: 32)) ?? .zero)

private func circuit(_ name: String = "native") -> Circuit {
    Circuit(
        name: name, verifyingKey: [1],
        inputs: [
            .root, .negatedAmount, .externalDataHash, .constant(.zero), .nullifier, .nullifier,
            .free, .free,
        ])
}

private func reader(_ names: [String] = ["native"]) -> RequestReader {
    RequestReader(
        ledger: ledger, circuits: names.map { circuit($0) },
        signers: [NamedKey(name: "submitter", key: key)])
}

private func fault(_ line: String) -> RequestProblem? {
    do throws(RequestProblem) {
        _ = try reader().read(line: Array(line.utf8))
        return nil
    } catch {
        return error
    }
}

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct MessageTests {
    @Test func requestIsSignedAndItsNullifiersComeFromThePublicInputs() throws {
        let line = try Paraloom.line("native")
        let read = try reader().read(line: Array(line.utf8))
        #expect(read.message.isSigned(in: ledger))
        #expect(read.message.nullifiers == Array(read.message.publicInputs[4...5]))
        #expect(read.message.amount == Amount(500))
        #expect(read.id == read.message.id(in: ledger))
        let proof = try JSONDecoder().decode(
            SnarkjsProof.self,
            from: Vectors.data("\(Paraloom.folder)/transact_native.proof.json"))
        #expect(read.message.proof == (try Proof(snarkjs: proof)).compressed)
    }

    @Test func proofMayBeBytesInEitherForm() throws {
        let expected = try reader().read(line: Array(try Paraloom.line("native").utf8))
        let proof = try Proof(compressed: expected.message.proof)
        for bytes in [proof.compressed, proof.ethereum] {
            let line = try Paraloom.line("native") { $0["proof"] = bytes.hex }
            #expect(try reader().read(line: Array(line.utf8)).id == expected.id)
        }
    }

    @Test func givenIdentityAndSignatureAreChecked() throws {
        let read = try reader().read(line: Array(try Paraloom.line("native").utf8))
        let whole = try Paraloom.line("native") {
            $0["request_id"] = read.id.hex
            $0["submitter"] = key.publicKey.hex
            $0["signature"] = read.message.signature.hex
            $0["note"] = ["anything": 1]
        }
        #expect(try reader().read(line: Array(whole.utf8)).id == read.id)
        let wrongID = try Paraloom.line("native") {
            $0["request_id"] = String(repeating: "0", count: 64)
        }
        #expect(fault(wrongID)?.reason == "wrongRequestID")
        let wrongSignature = try Paraloom.line("native") {
            $0["submitter"] = key.publicKey.hex
            $0["amount"] = 501
            $0["signature"] = read.message.signature.hex
        }
        #expect(fault(wrongSignature) == .wrongSignature)
        let nobody = try Paraloom.line("native") { $0["submitter"] = "nobody" }
        #expect(fault(nobody)?.reason == "unknownSubmitter")
    }

    @Test func circuitIsFoundByNameOrIdentityOrBecauseThereIsOne() throws {
        let bare = try Paraloom.line("native") { $0["circuit"] = nil }
        let id = try Paraloom.line("native") { $0["circuit"] = circuit().id.hex }
        let named = try reader().read(line: Array(try Paraloom.line("native").utf8)).id
        #expect(try reader().read(line: Array(bare.utf8)).id == named)
        #expect(try reader().read(line: Array(id.utf8)).id == named)
        let wrong = try Paraloom.line("native") { $0["circuit"] = "nativ" }
        #expect("\(try #require(fault(wrong)))".contains("did you mean native?"))
        #expect(throws: RequestProblem.circuitNotNamed(known: ["native", "b"])) {
            try reader(["native", "b"]).read(line: Array(bare.utf8))
        }
    }

    @Test(arguments: [
        ("request_id", 5 as any Sendable, "request_id"),
        ("request_id", "00", "sixty-four|64"),
        ("proof", "00ff", "128 or 256"),
        ("proof", 5, "proof"),
        ("proof", "zz", "128 or 256"),
        ("public_inputs", "1", "an array"),
        ("public_inputs", ["1", "-1"], "public_inputs[1]"),
        ("public_inputs", ["1", "0x1"], "public_inputs[1]"),
        ("public_inputs", ["01"], "public_inputs[0]"),
        ("amount", -1, "amount"),
        ("amount", "5x", "amount"),
        ("amount", "18446744073709551616", "amount"),
        ("amount", 1.5, "1.5 is written with a fraction"),
        ("recipient", "03", "recipient"),
        ("recipient", 3, "recipient"),
        ("timestamp", "now", "timestamp"),
        ("timestamp", -5, "timestamp"),
        ("nullifiers", ["x"], "nullifiers[0]"),
        ("signature", "00", "signature"),
        ("nulifiers", ["1"], "did you mean nullifiers?"),
        ("circuit", ["a"], "circuit"),
    ])
    func wrongFieldIsNamed(field: String, value: any Sendable, says: String) throws {
        let line = try Paraloom.line("native") { $0[field] = value }
        let problem = try #require(fault(line), "\(line.prefix(80)) was accepted")
        let words = says.split(separator: "|")
        #expect(words.contains { "\(problem)".contains($0) }, "\(problem)")
    }

    @Test(arguments: ["proof", "public_inputs", "amount", "recipient", "timestamp"])
    func missingFieldIsNamed(field: String) throws {
        let line = try Paraloom.line("native") { $0[field] = nil }
        #expect(fault(line) == .line(.missing(field: field)))
    }

    @Test func hostileTextIsRefusedAndNeverTraps() throws {
        let deep = String(repeating: "[", count: 30_000)
        #expect(fault(deep) == .line(.tooDeep(max: NodeLimits.nestingMax)))
        let deepField = try Paraloom.line("native").dropLast() + ",\"note\":\(deep)"
        #expect(fault(String(deepField))?.reason == "malformedJSON")
        let long = "\"" + String(repeating: "a", count: NodeLimits.lineBytesMax) + "\""
        #expect(
            fault(long)
                == .line(.tooLong(bytes: long.utf8.count, max: NodeLimits.lineBytesMax)))
        for text in [
            "", "{", "}", "[]", "null", "5", "\"x\"", "{\"a\":}", "{}{}", "{\"proof\":1e999}",
            "{\"timestamp\":1e400}", "{\"amount\":123456789012345678901234567890}", "\u{FEFF}{}",
        ] { #expect(fault(text) != nil, "\(text)") }
        #expect(throws: RequestProblem.line(.notUTF8)) {
            try reader().read(line: [0x7B, 0xFF, 0x7D])
        }
        let huge = try Paraloom.line("native") {
            $0["public_inputs"] = Array(repeating: "1", count: 65)
        }
        #expect(fault(huge)?.reason == "malformedInput")
        let wide = try Paraloom.line("native") {
            $0["public_inputs"] = [String(repeating: "9", count: 5000)]
        }
        #expect(fault(wide)?.reason == "malformedInput")
        var random = SplitMix64(seed: 4)
        let whole = Array(try Paraloom.line("native").utf8)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0...Int(random.next() % 3) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() & 0xFF)
            }
            if random.next() % 4 == 0 { bytes.removeLast(Int(random.next() % 900)) }
            do throws(RequestProblem) { _ = try reader().read(line: bytes) } catch {}
        }
    }

    @Test func pointsThatAreNoneStillReachTheLedgerSoThatItRefuses() throws {
        let line = try Paraloom.line("native") { fields in
            var proof = fields["proof"] as? [String: Any] ?? [:]
            proof["pi_a"] = ["1", "1", "1"]
            fields["proof"] = proof
        }
        let read = try reader().read(line: Array(line.utf8))
        #expect(read.message.proof.count == 256)
        #expect(read.proofProblem != nil)
    }

    @Test func resultsAreWrittenWithTheFieldNamesOfTheProtocol() throws {
        let vote = VoteMessage(
            request: RequestID(.ofNothing), validator: key.publicKey, vote: .approve,
            reason: .proofHolds, timestamp: Time(5), signature: .zero
        ).signed(by: key, in: ledger)
        let written = VerificationVote(vote, isListed: false)
        #expect(try written.message() == vote)
        func names(_ value: some Encodable) throws -> [String] {
            let json = try NodeJSON.encode(value)
            #expect(!json.contains("\n"))
            let object = try JSONSerialization.jsonObject(with: Data(json.utf8))
            return (object as? [String: Any])?.keys.sorted() ?? []
        }
        #expect(
            try names(written)
                == ["reason", "request_id", "signature", "timestamp", "validator_id", "vote"])
        let decided = OutcomeDecided(
            request: EntryIndex(1), outcome: .approved, reason: .quorumApproved, approvals: 7,
            rejections: 0, abstentions: 0, deciding: EntryIndex(9), margin: 0, time: Time(8))
        #expect(
            try names(
                ConsensusResult(request: vote.request, decision: decided, votes: [written]))
                == ["final_timestamp", "outcome", "reason", "request_id", "tally", "votes"])
        #expect(
            try names(
                ComputeVerification(
                    job: JobID(.ofNothing), validators: [key.publicKey], results: []))
                == ["job_id", "required_agreement", "results", "validators"])
        let line = try NodeJSON.decode(
            VerificationRequest.self, line: Array(try Paraloom.line("native").utf8))
        #expect(
            try names(line) == [
                "amount", "circuit", "proof", "public_inputs", "recipient", "timestamp",
            ])
        #expect(
            try NodeJSON.decode(
                VerificationRequest.self, line: Array(try NodeJSON.encode(line).utf8)) == line)
        // Great numbers are written as text, and read again.
        var great = line
        (great.amount, great.timestamp) = (.max, 1 << 60)
        let text = try NodeJSON.encode(great)
        #expect(text.contains("\"timestamp\":\"1152921504606846976\""))
        #expect(try NodeJSON.decode(VerificationRequest.self, line: Array(text.utf8)) == great)
    }

    @Test func everyRefusalHasANameOfItsOwn() {
        #expect(Set(Refusal.allCases.map(\.jsonName)).count == Refusal.allCases.count)
    }
}
