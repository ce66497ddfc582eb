// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import NIOCore

/// What a host is told when it is made: who it is, where it listens, and its bounds.
package struct HostSettings: Sendable {
    /// The key that the host is named for. It signs handshakes and records of addresses.
    package var identity: SigningKey
    /// Where it listens; port 0 takes one that is free.
    package var listen: [Multiaddr]
    /// What it calls itself to other peers.
    package var agent = "recount"
    /// The number of the first record of addresses that is signed: above those of earlier runs, as
    /// the time in nanoseconds since 1970 is.
    package var recordSequence: UInt64 = 1
    /// The most connections that are open, each way together.
    package var connectionsMax = 50
    /// The most connections that have not finished their handshakes, each way.
    package var handshakesMax = 64
    /// The most connections from one address that have not finished their handshakes.
    package var handshakesPerAddressMax = 16
    /// The most connections from one address.
    package var connectionsPerAddressMax = 32
    /// The time for a connection to be made and its handshakes to finish.
    package var handshakeTimeout = TimeAmount.seconds(10)
    /// The time for both sides of a stream to agree on its protocol.
    package var negotiationTimeout = TimeAmount.seconds(10)
    /// How long a peer may be silent before it is asked for a sign of life ...
    package var keepAliveInterval = TimeAmount.seconds(15)
    /// ... and how long it then has for one.
    package var keepAliveTimeout = TimeAmount.seconds(10)
    /// The wait before a peer is dialled for the second time, which doubles from one to the next.
    package var redialMin = TimeAmount.milliseconds(500)
    /// The longest wait between two dials. All of them are lengthened or shortened by up to half.
    package var redialMax = TimeAmount.seconds(30)
    /// The most peers of which addresses are kept.
    package var knownPeersMax = 1024

    /// The most addresses that are kept of one peer.
    package static let addressesPerPeerMax = 8
    /// The most peers that are dialled at one time.
    package static let dialsMax = 16
    /// The dials without success after which a peer that is wanted is wanted no more.
    package static let wantedDialsMax = 8
    /// How often the times above are looked at.
    package static let tick = TimeAmount.milliseconds(250)

    /// Settings of a host with this key that listens there.
    package init(identity: SigningKey, listen: [Multiaddr]) {
        self.identity = identity
        self.listen = listen
    }
}
