// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Where a server listens: an address of a machine and a port.
package struct HostPort: Equatable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, the latter without brackets, or `localhost`.
    package let host: String
    /// The port; zero for any that is free.
    package let port: UInt16

    /// Takes both as they are: a host is looked up by nobody.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:5100`, `[::1]:5100` or `localhost:5100`; nil for anything else.
    package init?(_ text: String) {
        guard text.utf8.count <= 64, let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        let host = text[..<colon]
        guard let port = UInt16(digits), "\(port)" == digits else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = host.dropFirst().dropLast()
            guard inner.contains(":"), inner.allSatisfy({ $0.isHexDigit || ":.".contains($0) })
            else { return nil }
            self.init(host: String(inner), port: port)
        } else {
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            let isIPv4 =
                parts.count == 4
                && parts.allSatisfy { part in UInt8(part).map { "\($0)" == part } ?? false }
            guard isIPv4 || host == "localhost" else { return nil }
            self.init(host: String(host), port: port)
        }
    }

    /// As `init(_:)` reads it.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
