// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Up to 64 signatures of one key, checked with its table; they share one inversion.
///
/// The verdict is that of `crypto_sign_verify_detached` of libsodium for a key that
/// `crypto_core_ed25519_is_valid_point` accepts: S is below l; R is not of small order; and the
/// encoding of S*B - k*A, with k the SHA-512 of R, A and the message modulo l, is R byte for byte.
/// That encoding is canonical, so an R that is not canonical is refused. No cofactor anywhere.
///
/// Source: RFC 8032 section 5.1.7; libsodium 1.0.18, `crypto_sign/ed25519/ref10/open.c`.
struct TableBatch {
    /// Signatures that share an inversion.
    static let countMax = 64

    private let key: PublicKey
    private let table: KeyTable
    private let generator = KeyTable.generator

    init(key: PublicKey, table: KeyTable) {
        self.key = key
        self.table = table
    }

    /// Returns the verdicts on the signatures at `places`, in their order.
    func verdicts(_ checks: [SignatureCheck], at places: ArraySlice<Int>) -> [Bool] {
        invariant(places.count <= Self.countMax, "\(places.count) signatures in a batch")
        var points: [EdwardsPoint] = []
        points.reserveCapacity(places.count)
        var products: [FieldElement] = []
        products.reserveCapacity(places.count)
        var product = FieldElement.one
        for place in places {
            let point = point(of: checks[place])
            points.append(point)
            products.append(product)
            product = product * point.z
        }
        var inverse = product.inverse
        var verdicts = [Bool](repeating: false, count: places.count)
        for (number, place) in zip(points.indices, places).reversed() {
            let point = points[number]
            let own = inverse * products[number]
            inverse = inverse * point.z
            var encoding = (point.y * own).words
            encoding.word3 |= (point.x * own).words.word0 << 63
            verdicts[number] =
                encoding == Words256(checks[place].signature.r) && !encoding.isOfSmallOrder
        }
        return verdicts
    }

    /// Returns S*B - k*A; the neutral point, which no verdict accepts, where S is not below l.
    private func point(of check: SignatureCheck) -> EdwardsPoint {
        guard let second = GroupScalar(check.signature.s) else { return .neutral }
        let challenge = challenge(of: check)
        let room = 2 * KeyTable.windowCount
        return unsafe withUnsafeTemporaryAllocation(of: TableStep.self, capacity: room) { steps in
            // SAFETY: there is room for the digits of two scalars; both tables live as long as this
            // value; only steps that were initialised are added up.
            guard let start = steps.baseAddress else { return .neutral }
            let middle = unsafe table.writeSteps(for: challenge, to: start)
            let end = unsafe generator.writeSteps(for: second, to: middle)
            return unsafe start == end ? .neutral : EdwardsPoint.sum(from: start, to: end)
        }
    }

    /// SHA-512 of R, A and the message, modulo l.
    private func challenge(of check: SignatureCheck) -> GroupScalar {
        var state = crypto_hash_sha512_state()
        var digest = [UInt8](repeating: 0, count: 64)
        // SAFETY: two values of thirty-two bytes without padding, an array with its length, and
        // room for sixty-four bytes, each for its call.
        unsafe crypto_hash_sha512_init(&state)
        unsafe withUnsafeBytes(of: (check.signature.r, key.value)) { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            if let start = unsafe start { unsafe crypto_hash_sha512_update(&state, start, 64) }
        }
        unsafe crypto_hash_sha512_update(&state, check.message, UInt64(check.message.count))
        unsafe crypto_hash_sha512_final(&state, &digest)
        return unsafe digest.withUnsafeBufferPointer { bytes in
            unsafe GroupScalar(reducing: bytes)
        }
    }
}

extension Words256 {
    /// The one y of points of order eight.
    private static let eighth = Words256(
        0xB027_B2C2_8F95_E826, 0xF098_EFF2_89F4_C345, 0x3933_C6D3_05AC_DFD5, 0x05FC_536D_8802_38B1)

    /// The other, p less the one.
    private static let otherEighth = Words256(
        0x4FD8_4D3D_706A_17C7, 0x0F67_100D_760B_3CBA, 0xC6CC_392C_FA53_202A, 0x7A03_AC92_77FD_C74E)

    /// Whether these are the bytes of a point of order 1, 2, 4 or 8, or its opposite, as long as
    /// they encode a point canonically.
    ///
    /// The five values of y are 1, -1, 0 and the two of order eight (Chalkias, Garillot and
    /// Nikolaenko 2020, "Taming the many EdDSAs", table 1).
    var isOfSmallOrder: Bool {
        var y = self
        y.word3 &= .max >> 1
        switch y.word0 {
        case 0, 1: return y == Words256(y.word0, 0, 0, 0)
        case 0xFFFF_FFFF_FFFF_FFEC: return y == Words256(y.word0, .max, .max, .max >> 1)
        case Self.eighth.word0, Self.otherEighth.word0:
            return y == Self.eighth || y == Self.otherEighth
        default: return false
        }
    }
}
