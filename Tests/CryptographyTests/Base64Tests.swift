// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import TestSupport
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func theVectorsOfTheStandardHold(plain: String, coded: String) {
        #expect(Array(plain.utf8).base64 == coded)
        #expect([UInt8](base64: coded) == Array(plain.utf8))
    }

    @Test func itIsWhatFoundationWrites() {
        var random = SplitMix64(seed: 3)
        for count in 0..<200 {
            let bytes = random.bytes(count)
            #expect(bytes.base64 == Data(bytes).base64EncodedString())
            #expect([UInt8](base64: bytes.base64) == bytes)
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zg==\n", " Zg==", "Zg== ", "Z g=", "Zm9v\n", "Zm9v====",
        "=", "==", "====", "Zh==", "Zm9=", "Z===", "Zm8=Zm8=", "Zm-_", "Zm9v\u{0}", "Zm9é",
    ])
    func otherTextIsRefused(text: String) {
        #expect([UInt8](base64: text) == nil)
    }

    /// All four-character texts over a small alphabet: what is read is written again the same.
    @Test func noTwoTextsStandForTheSameBytes() {
        let alphabet = Array("AQgwZ/+9=-\n ".utf8)
        var read = 0
        for a in alphabet {
            for b in alphabet {
                for c in alphabet {
                    for d in alphabet {
                        guard let bytes = [UInt8](base64: [a, b, c, d]) else { continue }
                        read += 1
                        #expect(bytes.base64Bytes == [a, b, c, d])
                    }
                }
            }
        }
        // Eight digits of the alphabet make 8^4 texts of three bytes; A, Q, g, w end two digits
        // before two pads, and A, Q, g, w end three before one.
        #expect(read == 8 * 8 * 8 * 8 + 8 * 8 * 4 + 8 * 4)
    }

    /// Found by fuzzing: libsodium takes 0xC1, as a `char` with a sign, for the letter A.
    @Test func bytesBeyondASCIIAreNoDigits() {
        for place in 0..<4 {
            for byte in 0x80...0xFF as ClosedRange<UInt8> {
                var text = Array("AAEC".utf8)
                text[place] = byte
                #expect([UInt8](base64: text) == nil, "\(byte) at \(place)")
            }
        }
    }
}
