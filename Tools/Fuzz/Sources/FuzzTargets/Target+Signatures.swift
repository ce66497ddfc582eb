// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The keys of the target, and what checks their signatures: in lanes and one after the other.
private enum Signers {
    static let keys = (1...3).map { number in
        SigningKey(seed: Bytes32([UInt8](repeating: UInt8(number), count: 32)) ?? .zero)
    }
    static let lanes = ready(isPortable: false)
    static let portable = ready(isPortable: true)

    private static func ready(isPortable: Bool) -> SignatureChecker {
        let checker = SignatureChecker(signaturesBeforeTable: 1, isPortable: isPortable)
        checker.prepare(keys.map(\.publicKey))
        return checker
    }
}

extension FuzzTarget {
    /// Signatures of three keys with tables: true ones with bits changed, and any bytes.
    static let signatures = FuzzTarget(
        name: "signatures",
        about: "signatures by tables, with lanes and without; the verdict is libsodium's",
        bytesMax: 2048,
        seeds: {
            [1, 8, 9, 20].map { count in
                let bytes = (0..<count).flatMap { number in
                    [UInt8(number % 3)] + Parts.list([UInt8](repeating: 7, count: number * 9))
                        + [0, 0, 0]
                }
                return Seed(name: "true-\(count)", bytes: bytes)
            } + [
                Seed(
                    name: "other",
                    bytes: [4] + Parts.list([1, 2, 3]) + [UInt8](repeating: 1, count: 64))
            ]
        },
        run: { bytes in
            var parts = Parts(bytes)
            var checks: [SignatureCheck] = []
            while !parts.isAtEnd, checks.count < 40 { checks.append(check(&parts)) }
            let encodings = Signers.lanes.encodings(checks)
            law(encodings == Signers.portable.encodings(checks), "lanes give the same sums")
            let verdicts = Signers.lanes.verdicts(checks)
            law(verdicts == checks.map(\.holds), "the verdict is that of libsodium")
            law(verdicts == Signers.portable.verdicts(checks), "portably too")
        })

    /// A key and a kind, a message, and what is done to its signature, or another one.
    private static func check(_ parts: inout Parts) -> SignatureCheck {
        let kind = parts.byte()
        let key = Signers.keys[Int(kind % 3)]
        let message = parts.list()
        var signature = key.sign(message).bytes
        if kind & 4 == 0 {
            let place = Int(parts.byte() & 63)
            signature[place] ^= parts.byte()
            signature[63] ^= parts.byte()
        } else {
            let other = parts.read(64)
            signature = other + [UInt8](repeating: 0, count: 64 - other.count)
        }
        return SignatureCheck(
            key: key.publicKey, message: message, signature: Signature(signature) ?? .zero)
    }
}
