// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@Suite struct SealedKeyTests {
    private let key = SigningKey()
    private let keyFile = KeyProtection.keyFile(
        SecretBytes(copying: [UInt8](repeating: 9, count: 32)))
    private let passphrase = KeyProtection.passphrase(
        SecretBytes(copying: Array("correct horse".utf8)))

    @Test func aSealedKeyOpensWithWhatSealedIt() throws {
        for protection in [
            keyFile, passphrase, .passphrase(SecretBytes(copying: [])),
            .passphrase(SecretBytes(copying: [0, 255, 128])),
        ] {
            let sealed = try SealedKey.seal(key, with: protection)
            #expect(sealed.count == SealedKey.bytesCount)
            let opened = try SealedKey.open(sealed, with: protection)
            #expect(opened.publicKey == key.publicKey)
            #expect(opened.sign([1, 2, 3]) == key.sign([1, 2, 3]))
        }
    }

    @Test func sealingTwiceGivesOtherBytes() throws {
        #expect(try SealedKey.seal(key, with: keyFile) != SealedKey.seal(key, with: keyFile))
    }

    @Test func anotherPassphraseOrKeyFileIsNotAuthentic() throws {
        let byFile = try SealedKey.seal(key, with: keyFile)
        #expect(throws: SealedKeyError.notAuthentic) {
            try SealedKey.open(byFile, with: .keyFile(SecretBytes(copying: Bytes32.zero.bytes)))
        }
        let byPassphrase = try SealedKey.seal(key, with: passphrase)
        #expect(throws: SealedKeyError.notAuthentic) {
            try SealedKey.open(
                byPassphrase, with: .passphrase(SecretBytes(copying: Array("correct horsf".utf8))))
        }
    }

    @Test func theOtherKindOfProtectionIsSaid() throws {
        let byFile = try SealedKey.seal(key, with: keyFile)
        #expect(throws: SealedKeyError.otherProtection(needsPassphrase: false)) {
            try SealedKey.open(byFile, with: passphrase)
        }
        let byPassphrase = try SealedKey.seal(key, with: passphrase)
        #expect(throws: SealedKeyError.otherProtection(needsPassphrase: true)) {
            try SealedKey.open(byPassphrase, with: keyFile)
        }
    }

    @Test func otherLengthsAreRefusedFirst() throws {
        let sealed = try SealedKey.seal(key, with: keyFile)
        for bytes in [[], Array(sealed.dropLast()), sealed + [0]] {
            #expect(throws: SealedKeyError.wrongLength(bytes: bytes.count, expected: 113)) {
                try SealedKey.open(bytes, with: keyFile)
            }
        }
    }

    @Test func errorsComeInTheStatedOrder() throws {
        var sealed = try SealedKey.seal(key, with: passphrase)
        // Operations of 17, then of zero, are out of range; so is memory above 1 GiB.
        for (offset, value) in [(9, 17), (9, 0), (21, 255)] as [(Int, UInt8)] {
            var costly = sealed
            costly[offset] = value
            #expect {
                try SealedKey.open(costly, with: passphrase)
            } throws: {
                if case SealedKeyError.costOutOfRange = $0 { true } else { false }
            }
        }
        sealed[9] = 17
        sealed[8] = 3
        #expect(throws: SealedKeyError.unknownProtection(3)) {
            try SealedKey.open(sealed, with: passphrase)
        }
        sealed[0] ^= 1
        #expect(throws: SealedKeyError.notAKeyFile) {
            try SealedKey.open(sealed, with: passphrase)
        }
    }

    @Test func anyChangedByteIsRefused() throws {
        let sealed = try SealedKey.seal(key, with: keyFile)
        // The cost and salt fields say nothing in a key file's case, and are not read.
        for position in sealed.indices where !(9..<41).contains(position) {
            var changed = sealed
            changed[position] ^= 0x40
            #expect(throws: SealedKeyError.self, "byte \(position)") {
                try SealedKey.open(changed, with: keyFile)
            }
        }
    }
}
