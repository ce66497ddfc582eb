// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Node
import TestSupport
import Testing

/// What nodes and the bridge say beside agreeing, as bytes.
@Suite struct DutyMessageTests {
    private static func messages() -> [DutyMessage] {
        let entry = ProvedEntry(bytes: [1, 2, 3], index: 7, proof: [.zero, Digest(hashing: [1])])
        let root = ProvedRoot(
            precommits: Precommits(
                height: Height(3), round: 1, root: Digest(hashing: [2]),
                signatures: [IndexedSignature(validator: ValidatorIndex(2), signature: .zero)]),
            sealed: entry)
        let request = RequestMessage(
            circuit: CircuitID(.zero), nullifiers: [.zero], amount: Amount(5), recipient: .zero,
            proof: [1, 2], publicInputs: [.zero, .zero], timestamp: Time(9),
            submitter: SigningKey().publicKey, signature: .zero)
        return [
            .wantBlob(Digest(hashing: [3]), offset: 9),
            .blobPart(Digest(hashing: [3]), size: 12, offset: 9, bytes: [4, 5, 6]),
            .checkpoint(Array("a note".utf8)),
            .orders([
                SettlementOrder(request: request, submitted: entry, ordered: entry, root: root)
            ]),
            .changes([ProvedChange(approved: entry, opened: entry, closed: entry, root: root)]),
            .wantChanges(11),
        ]
    }

    @Test func everyKindHasOneEncodingAndNoPeerMessageHasItsTag() throws {
        for message in Self.messages() {
            let bytes = message.encoded
            #expect(bytes[0] >= 128)
            #expect(try DutyMessage(decoding: bytes).encoded == bytes)
            #expect(throws: DecodingError.self) { try DutyMessage(decoding: bytes + [0]) }
            for length in bytes.indices {
                #expect(throws: DecodingError.self) {
                    try DutyMessage(decoding: Array(bytes[..<length]))
                }
            }
        }
    }

    @Test func lengthsAreCheckedBeforeMemoryIsTaken() {
        let most: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        let hash = [UInt8](repeating: 0, count: 48)
        for bytes in [[129] + hash + most, [130] + most, [131] + most, [132] + most] {
            #expect(throws: DecodingError.self) { try DutyMessage(decoding: bytes) }
        }
        for tag in [UInt8(0), 7, 127, 134, 255] {
            #expect(throws: DecodingError.self) { try DutyMessage(decoding: [tag]) }
        }
    }

    @Test func bytesThatAreChangedDecodeToThemselvesOrNotAtAll() throws {
        var random = SplitMix64(seed: 77)
        for message in Self.messages() {
            let bytes = message.encoded
            for _ in 0..<2_000 {
                var changed = bytes
                for _ in 0...(random.next() % 3) {
                    changed[Int(random.next() % UInt64(bytes.count))] =
                        UInt8(truncatingIfNeeded: random.next())
                }
                do throws(DecodingError) {
                    let read = try DutyMessage(decoding: changed)
                    #expect(read.encoded == changed)
                } catch {}
            }
        }
    }
}
