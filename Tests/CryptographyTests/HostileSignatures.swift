// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CSodium
import Cryptography
import TestSupport

/// Signatures made to tell two ways of checking apart, from a seed.
struct HostileSignatures {
    /// What is done to a signature.
    enum Kind: Int, CaseIterable {
        case genuine, scalarPlusOrder, scalarPlusMultipleOfOrder, zeroScalar, zeroSignature
        case smallOrderPoint, pointBeyondModulus, torsionInPoint
        case flippedBitInPoint, flippedBitInScalar, flippedBitInMessage, otherKey, otherMessage
        case otherSignOfPoint, scalarOfOrder, negatedScalar, randomPoint, topBitsOfScalar
        case nonceZero, smallKey
    }

    /// What a key is.
    struct Signer {
        let scalar: [UInt8]
        let key: PublicKey
    }

    private var random: SplitMix64
    /// Keys that sign, with scalars that are known; some are as small as 1.
    let signers: [Signer]

    init(seed: UInt64, keys: Int = 10) {
        var random = SplitMix64(seed: seed)
        let small: [UInt8] = [1, 2, 3, 4, 8]
        signers = (0..<keys).map { number in
            var scalar = Self.reduced(random.bytes(64))
            if number < small.count {
                scalar = [UInt8](repeating: 0, count: 32)
                scalar[0] = small[number]
            }
            return Signer(scalar: scalar, key: PublicKey(Self.value(Self.base(scalar))))
        }
        self.random = random
    }

    /// The next signature of a random kind.
    mutating func next() -> (kind: Kind, check: SignatureCheck) {
        let kinds = Kind.allCases
        return next(kinds[Int(random.next() % UInt64(kinds.count))])
    }

    /// The next signature of one kind.
    mutating func next(_ kind: Kind) -> (kind: Kind, check: SignatureCheck) {
        let place = kind == .smallKey ? random.next() % 5 : random.next() % UInt64(signers.count)
        let signer = signers[Int(place)]
        var message = random.bytes(Int(random.next() % 160))
        var key = signer.key
        let nonce =
            kind == .nonceZero ? [UInt8](repeating: 0, count: 32) : Self.reduced(random.bytes(64))
        let genuine = Self.base(nonce)
        var r = point(kind, genuine)
        var s = Self.scalar(signer, nonce, r, message)
        change(kind, &s)
        switch kind {
        case .zeroSignature: (r, s) = (Self.zero, Self.zero)
        case .flippedBitInPoint: flip(&r)
        case .otherSignOfPoint: r[31] ^= 0x80
        case .flippedBitInMessage:
            if message.isEmpty { message = [0] } else { flip(&message) }
        case .otherMessage: message = random.bytes(Int(random.next() % 160))
        case .otherKey: key = signers[Int(random.next() % UInt64(signers.count))].key
        default: break
        }
        return (
            kind,
            SignatureCheck(key: key, message: message, signature: Signature(r + s) ?? .zero)
        )
    }

    /// R, before S is made for it.
    private mutating func point(_ kind: Kind, _ genuine: [UInt8]) -> [UInt8] {
        switch kind {
        case .smallOrderPoint: return smallOrderPoint(from: 0)
        case .pointBeyondModulus:
            // y from p to 2^255 - 1: 0 to 18 again, with either sign.
            var bytes = [UInt8](repeating: 0xFF, count: 32)
            bytes[0] = UInt8(0xED + random.next() % 19)
            bytes[31] = random.next() % 2 == 0 ? 0x7F : 0xFF
            return bytes
        case .torsionInPoint: return Self.sum(genuine, smallOrderPoint(from: 1))
        case .randomPoint: return random.bytes(32)
        default: return genuine
        }
    }

    /// A point of order 1, 2, 4 or 8; from 1 on, none that is neutral.
    private mutating func smallOrderPoint(from first: Int) -> [UInt8] {
        let count = UInt64(Self.smallOrder.count - first)
        var bytes = Self.smallOrder[first + Int(random.next() % count)]
        if random.next() % 2 == 0 { bytes[31] ^= 0x80 }
        return bytes
    }

    private mutating func change(_ kind: Kind, _ s: inout [UInt8]) {
        switch kind {
        case .scalarPlusOrder: s = Self.plus(s, Self.order)
        case .scalarPlusMultipleOfOrder:
            var multiple = Self.order
            for _ in 0..<(random.next() % 4) { multiple = Self.plus(multiple, multiple) }
            s = Self.plus(s, multiple)
        case .zeroScalar: s = Self.zero
        case .scalarOfOrder: s = Self.order
        case .flippedBitInScalar: flip(&s)
        case .topBitsOfScalar: s[31] |= UInt8(random.next() & 0xF0)
        case .negatedScalar: s = Self.negated(s)
        default: break
        }
    }

    private mutating func flip(_ bytes: inout [UInt8]) {
        let bit = Int(random.next() % UInt64(bytes.count * 8))
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
}

/// Arithmetic by libsodium, and additions of integers.
extension HostileSignatures {
    static let zero = [UInt8](repeating: 0, count: 32)

    /// l, little-endian.
    static let order =
        [UInt8](
            hex: "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010") ?? []

    /// The points of order 1, 2, 4 and 8, up to their sign.
    static let smallOrder = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ].map { [UInt8](hex: $0) ?? [] }

    static func value(_ bytes: [UInt8]) -> Bytes32 { Bytes32(bytes) ?? .zero }

    /// A wide integer modulo l.
    static func reduced(_ wide: [UInt8]) -> [UInt8] {
        var result = zero
        // SAFETY: 32 and 64 bytes, for the call.
        unsafe crypto_core_ed25519_scalar_reduce(&result, wide)
        return result
    }

    /// The negative modulo l.
    static func negated(_ scalar: [UInt8]) -> [UInt8] {
        var result = zero
        // SAFETY: 32 bytes each, for the call.
        unsafe crypto_core_ed25519_scalar_negate(&result, scalar)
        return result
    }

    /// A multiple of the generator; the neutral point for zero.
    static func base(_ scalar: [UInt8]) -> [UInt8] {
        var result = zero
        // SAFETY: 32 bytes each, for the call.
        let status = unsafe crypto_scalarmult_ed25519_base_noclamp(&result, scalar)
        return status == 0 ? result : smallOrder[0]
    }

    /// The sum of two points.
    static func sum(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var result = zero
        // SAFETY: 32 bytes each, for the call.
        let status = unsafe crypto_core_ed25519_add(&result, left, right)
        return status == 0 ? result : left
    }

    /// S = nonce + SHA-512(R, A, message) * a, for any R.
    static func scalar(
        _ signer: Signer, _ nonce: [UInt8], _ r: [UInt8], _ message: [UInt8]
    ) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 64)
        let hashed = r + signer.key.bytes + message
        var product = zero
        var result = zero
        // SAFETY: 64 bytes for the digest, the length given, and 32 bytes each, for the calls.
        unsafe crypto_hash_sha512(&digest, hashed, UInt64(hashed.count))
        unsafe crypto_core_ed25519_scalar_mul(&product, reduced(digest), signer.scalar)
        unsafe crypto_core_ed25519_scalar_add(&result, product, nonce)
        return result
    }

    /// The sum of two integers modulo 2^256.
    static func plus(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var carry = 0
        return zip(left, right).map { first, second in
            let sum = Int(first) + Int(second) + carry
            carry = sum >> 8
            return UInt8(sum & 255)
        }
    }
}
