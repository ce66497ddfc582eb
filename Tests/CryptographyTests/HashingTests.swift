// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import TestSupport
import Testing

/// SHA-256 by the processor's own instructions and without them: the same digests.
struct HashingTests {
    /// Source: FIPS 180-4, the examples of the standard, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `the examples of the standard`(_ text: String, _ digest: String) {
        let bytes = Array(text.utf8)
        #expect(Digest(hashing: bytes).hex == digest)
        #expect(Digest(portablyHashing: bytes.span).hex == digest)
    }

    @Test func `a million letters`() {
        let bytes = [UInt8](repeating: 0x61, count: 1_000_000)
        let digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(Digest(hashing: bytes).hex == digest)
        #expect(Digest(portablyHashing: bytes.span).hex == digest)
    }

    /// Every length around the ends of blocks, with and without a prefix, alone and in pairs.
    @Test func `every length up to five blocks`() {
        var random = SplitMix64(seed: 256)
        for count in 0...320 {
            let bytes = random.bytes(count)
            #expect(Digest(hashing: bytes) == Digest(portablyHashing: bytes.span))
            for prefix: UInt8 in [0, 1, 0xFF] {
                #expect(
                    Digest(prefix: prefix, hashing: bytes.span)
                        == Digest(portablyHashing: bytes.span, prefix: prefix),
                    "\(count) bytes after \(prefix)")
            }
            let other = random.bytes(Int(random.next() % 320))
            let pair = MerkleFrontier.leafHashes(bytes.span, other.span)
            #expect(pair.0 == Digest(portablyHashing: bytes.span, prefix: 0))
            #expect(pair.1 == Digest(portablyHashing: other.span, prefix: 0))
        }
    }

    @Test func `two hundred thousand random messages and nodes`() {
        var random = SplitMix64(seed: 65)
        var different = 0
        var (left, right) = (Digest.zero, Digest.zero)
        for _ in 0..<200_000 {
            let bytes = random.bytes(Int(random.next() % 200))
            let leaf = Digest(prefix: 0, hashing: bytes.span)
            if leaf != Digest(portablyHashing: bytes.span, prefix: 0) { different += 1 }
            (left, right) = (right, leaf)
            let both = left.bytes + right.bytes
            let node = MerkleFrontier.nodeHash(left, right)
            if node != Digest(portablyHashing: both.span, prefix: 1) { different += 1 }
        }
        #expect(different == 0)
    }
}
