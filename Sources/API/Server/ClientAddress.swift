// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The address of a client as far as limits go: of IPv6 the network of 64 bits, which one host has
/// whole, unless it is one of IPv4.
package struct ClientAddress: Hashable, Sendable {
    private let text: String

    /// The address of a peer; those without one are one.
    package init(_ address: SocketAddress?) {
        let text = address?.ipAddress ?? ""
        if text.contains(".") {
            self.text = text.split(separator: ":").last.map { String($0) } ?? text
        } else {
            self.text = text.contains(":") ? Self.network(text) : text
        }
    }

    /// The first four of the eight groups, of which a gap leaves out those that are zero.
    private static func network(_ text: String) -> String {
        let sides = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.split(separator: ":") }
        let after = sides.count > 1 ? sides[1] : []
        let zeros = [Substring](repeating: "0", count: max(0, 8 - sides[0].count - after.count))
        return (sides[0] + zeros + after).prefix(4).joined(separator: ":")
    }
}
