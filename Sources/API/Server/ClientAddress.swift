// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// The address of a client as far as limits go: of IPv6 the network, which one host has whole.
struct ClientAddress: Hashable, Sendable {
    private let text: String

    /// The address of a peer; those without one are one.
    init(_ address: SocketAddress?) {
        let text = address?.ipAddress ?? ""
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        // The text has no leading zeros and one gap at most; four groups before it are the network.
        self.text =
            groups.count > 2 && !text.hasPrefix("::")
            ? groups.prefix(4).joined(separator: ":") : text
    }
}
