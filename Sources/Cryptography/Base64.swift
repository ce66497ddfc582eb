// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

extension [UInt8] {
    /// The bytes that canonical base64 stands for; nil for any other text.
    ///
    /// Canonical: the standard alphabet, padded to a multiple of four, no other characters, and
    /// zero in the bits that the padding leaves over, so that a text is the only one of its bytes.
    /// Source: RFC 4648 sections 4 and 3.5.
    package init?(base64 text: [UInt8]) {
        invariant(Sodium.isReady, "libsodium is not ready")
        guard text.count.isMultiple(of: 4) else { return nil }
        self = []
        if text.isEmpty { return }
        let room = text.count / 4 * 3
        var decoded = [UInt8](repeating: 0, count: room)
        var count = 0
        let digits = text.map { CChar(bitPattern: $0) }
        // SAFETY: `decoded` has room for what the digits can stand for and `digits` the length
        // given, for the call; without a place for the end, the whole text must be base64.
        let status = unsafe sodium_base642bin(
            &decoded, room, digits, digits.count, nil, &count, nil, sodium_base64_VARIANT_ORIGINAL)
        guard status == 0, count <= room else { return nil }
        decoded.removeLast(room - count)
        // libsodium 1.0.18 takes some bytes above 127 for letters, where `char` has a sign.
        guard decoded.base64Bytes == text else { return nil }
        self = decoded
    }

    /// The bytes that canonical base64 stands for; nil for any other text.
    package init?(base64 text: some StringProtocol) {
        self.init(base64: Swift.Array(text.utf8))
    }

    /// The bytes in base64, padded (RFC 4648 section 4), as ASCII.
    package var base64Bytes: [UInt8] {
        invariant(Sodium.isReady, "libsodium is not ready")
        let room = sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL)
        var text = [CChar](repeating: 0, count: room)
        // SAFETY: `text` has the room that the library asks for, and this array its length, for the
        // call.
        unsafe sodium_bin2base64(&text, room, self, count, sodium_base64_VARIANT_ORIGINAL)
        return text.dropLast().map { UInt8(bitPattern: $0) }
    }

    /// The bytes in base64, padded (RFC 4648 section 4).
    package var base64: String { String(decoding: base64Bytes, as: UTF8.self) }
}
