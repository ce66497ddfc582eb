// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Where pages come from, as browsers say it: a scheme, a host, and a port where it is not the
/// usual one (RFC 6454, section 6.2).
package enum WebOrigin {
    private static let bytesMax = 300

    /// Whether a text is an origin as a browser writes it, and holds nothing that would end a list
    /// of them in a header.
    package static func isOne(_ text: String) -> Bool {
        guard text.utf8.count <= bytesMax,
            let (scheme, usual) = [("http://", "80"), ("https://", "443")]
                .first(where: { text.hasPrefix($0.0) })
        else { return false }
        let authority = text.dropFirst(scheme.utf8.count)
        var host = authority
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            let digits = authority[authority.index(after: colon)...]
            guard let port = UInt16(digits), "\(port)" == digits, port > 0, digits != usual else {
                return false
            }
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = host.dropFirst().dropLast()
            return inner.contains(":") && inner.utf8.allSatisfy { isHexDigit($0) || $0 == 0x3A }
        }
        return !host.isEmpty && host.utf8.allSatisfy(isOfName)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }

    /// Lower-case letters, digits, dots and hyphens.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
