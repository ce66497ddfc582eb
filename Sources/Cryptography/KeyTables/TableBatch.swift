// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// A signature whose key has a table, and whose S is below l.
struct TabledCheck {
    /// Its place among those that were asked about.
    let place: Int
    /// The table of its key's opposite.
    let table: KeyTable
    /// S.
    let scalar: GroupScalar
}

/// The sums that verdicts on signatures rest on, for any keys with tables; they share an inversion.
///
/// See `SignatureLanes` for the same sums eight at a time. The verdict is that of libsodium's
/// `crypto_sign_verify_detached` for a key that `PublicKey.isValid` accepts: S is below l; R is not
/// of small order; and the encoding of S*B - k*A, with k the SHA-512 of R, A and the message modulo
/// l, is R byte for byte. That encoding is canonical, so an R that is not canonical is refused. No
/// cofactor anywhere.
///
/// Source: RFC 8032 section 5.1.7; libsodium 1.0.18, `crypto_sign/ed25519/ref10/open.c`.
enum TableBatch {
    /// Signatures of one batch, so many that the inversion costs each little.
    static let countMax = 64

    /// Returns the encodings of S*B - k*A, one signature after the other.
    static func encodings(
        _ checks: [SignatureCheck], _ tabled: ArraySlice<TabledCheck>
    ) -> [Words256] {
        let generator = KeyTable.generator
        var points: [EdwardsPoint] = []
        points.reserveCapacity(tabled.count)
        var products: [FieldElement] = []
        products.reserveCapacity(tabled.count)
        var product = FieldElement.one
        for tabled in tabled {
            let point = point(of: tabled, checks[tabled.place], generator)
            points.append(point)
            products.append(product)
            product = product * point.z
        }
        var inverse = product.inverse
        var encodings: [Words256] = []
        encodings.reserveCapacity(points.count)
        for (point, product) in zip(points, products).reversed() {
            let own = inverse * product
            inverse = inverse * point.z
            var encoding = (point.y * own).words
            encoding.word3 |= (point.x * own).words.word0 << 63
            encodings.append(encoding)
        }
        return encodings.reversed()
    }

    /// Returns S*B - k*A.
    private static func point(
        of tabled: TabledCheck, _ check: SignatureCheck, _ generator: KeyTable
    ) -> EdwardsPoint {
        let challenge = challenge(of: check)
        let room = 2 * KeyTable.windowCount
        return unsafe withUnsafeTemporaryAllocation(of: TableStep.self, capacity: room) { steps in
            // SAFETY: there is room for the digits of two scalars; both tables live for the call;
            // only steps that were initialised are added up.
            guard let start = steps.baseAddress else { return .neutral }
            let middle = unsafe tabled.table.writeSteps(for: challenge, to: start)
            let end = unsafe generator.writeSteps(for: tabled.scalar, to: middle)
            return unsafe start == end ? .neutral : EdwardsPoint.sum(from: start, to: end)
        }
    }

    /// SHA-512 of R, A and the message, modulo l.
    private static func challenge(of check: SignatureCheck) -> GroupScalar {
        var state = crypto_hash_sha512_state()
        var digest = [UInt8](repeating: 0, count: 64)
        // SAFETY: two values of thirty-two bytes without padding, an array with its length, and
        // room for sixty-four bytes, each for its call.
        unsafe crypto_hash_sha512_init(&state)
        unsafe withUnsafeBytes(of: (check.signature.r, check.key.value)) { bytes in
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
