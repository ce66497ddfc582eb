// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The two spellings of a peer id: base58btc, and base32 of RFC 4648 in lower case and unpadded.
enum BaseText {
    private static let alphabet58 = Array(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let alphabet32 = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// Spells bytes in base58btc. The cost grows with the square of their number.
    static func base58(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []  // lowest first
        for byte in bytes {
            var carry = Int(byte)
            for place in digits.indices {
                carry += Int(digits[place]) << 8
                digits[place] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = bytes.prefix { $0 == 0 }.count
        digits += Array(repeating: 0, count: zeros)
        return String(decoding: digits.reversed().map { alphabet58[Int($0)] }, as: UTF8.self)
    }

    /// Reads base58btc of at most `limit` letters; nil for any other text.
    static func bytes(base58 text: some StringProtocol, limit: Int) -> [UInt8]? {
        guard text.utf8.count <= limit else { return nil }
        var bytes: [UInt8] = []  // lowest first
        for letter in text.utf8 {
            guard let digit = alphabet58.firstIndex(of: letter) else { return nil }
            var carry = digit
            for place in bytes.indices {
                carry += Int(bytes[place]) * 58
                bytes[place] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            while carry > 0 {
                bytes.append(UInt8(carry & 0xFF))
                carry >>= 8
            }
        }
        let zeros = text.utf8.prefix { $0 == alphabet58[0] }.count
        return Array(repeating: 0, count: zeros) + bytes.reversed()
    }

    /// Spells bytes in base32.
    static func base32(_ bytes: [UInt8]) -> String {
        var letters: [UInt8] = []
        var held = 0
        var bits = 0
        for byte in bytes {
            held = (held << 8 | Int(byte)) & 0xFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                letters.append(alphabet32[held >> bits & 31])
            }
        }
        if bits > 0 { letters.append(alphabet32[held << (5 - bits) & 31]) }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Reads base32 of at most `limit` letters; nil for any other text, and where the bits that
    /// fill the last letter are not zero.
    static func bytes(base32 text: some StringProtocol, limit: Int) -> [UInt8]? {
        guard text.utf8.count <= limit else { return nil }
        var bytes: [UInt8] = []
        var held = 0
        var bits = 0
        for letter in text.utf8 {
            guard let digit = alphabet32.firstIndex(of: letter) else { return nil }
            held = (held << 5 | digit) & 0xFFF
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(held >> bits & 0xFF))
            }
        }
        return bits < 5 && held & ((1 << bits) - 1) == 0 ? bytes : nil
    }
}
