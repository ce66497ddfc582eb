// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

@Suite("forms of many proofs") struct ReadableTests {
    /// Whether a proof is read alone.
    private func isReadable(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try Proof(compressed: bytes)
            return true
        } catch { return false }
    }

    @Test("are judged together as one by one, whatever they are")
    func together() throws {
        var random = SplitMix64(seed: 41)
        var proofs: [[UInt8]] = []
        for round in 0..<96 as Range<UInt64> {
            let scalar = Fr(round * 7 + 3)
            let point = G1Affine.generator.multipliedVariableTime(by: scalar)
            var bytes = Proof(a: point, b: .generator, c: .generator).compressed
            switch round % 8 {
            case 0, 1: break
            // Another place on the curve or none, and nearly never in the group.
            case 2: bytes.replaceSubrange(32..<95, with: random.bytes(63))
            case 3: bytes.replaceSubrange(0..<31, with: random.bytes(31))
            case 4: bytes[127] ^= 0x40
            case 5: bytes = Array(bytes.dropLast(Int(round % 5) + 1))
            case 6: bytes.replaceSubrange(96..<128, with: [UInt8](repeating: 0xFF, count: 32))
            default: bytes[95] ^= 0x80
            }
            proofs.append(bytes)
        }
        let expected = proofs.map(isReadable)
        #expect(expected.contains(true) && expected.contains(false))
        #expect(Proof.areReadable(proofs) == expected)
        for count in 0..<5 {
            #expect(
                Proof.areReadable(Array(proofs.prefix(count))) == expected.prefix(count).map(\.self)
            )
        }
    }
}
