// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The address of a node's API: `http://127.0.0.1:5100`, `http://node-3.example`.
///
/// Only `http`: what is handed in is signed, and what must be believed comes as a certificate.
/// Where others may listen, a tunnel or a proxy on this machine encrypts.
package struct NodeURL: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    package let host: String
    /// The port.
    package let port: UInt16
    /// What paths begin with: empty, or a path without a slash at its end.
    package let prefix: String

    private static let bytesMax = 512

    /// Reads an address; nil for what is none.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax, text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.last == "/" { path.removeLast() }
        guard path.utf8.allSatisfy({ Self.isPlain($0) || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        var host = authority
        var port: UInt16 = 80
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            let digits = authority[authority.index(after: colon)...]
            guard let value = UInt16(digits), "\(value)" == digits, value > 0 else { return nil }
            port = value
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || ":.".contains($0) })
            else { return nil }
        } else if !host.utf8.allSatisfy(Self.isPlain) {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
        prefix = String(path)
    }

    /// Letters, digits, and `.-_`.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Host and port, as a `Host` header has them.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// As `init(_:)` reads it.
    package var description: String { "http://\(authority)\(prefix)" }
}
