// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a host tells its owner of.
package enum HostEvent: Sendable {
    /// A peer is there: who of us dialled, and where it is.
    case connected(PeerID, Role, Multiaddr?)
    /// A peer is gone.
    case disconnected(PeerID, CloseReason)
    /// A peer has said, or said anew, what it speaks and who made it.
    case identified(PeerID, IdentifyMessage)
}

/// Why a connection ended.
package enum CloseReason: Error, Equatable {
    /// Because the owner wanted it.
    case byUs
    /// Because the peer wanted it, or the network broke it.
    case byPeer
    /// The socket failed, for this reason of the system's.
    case socket(String)
    /// The handshakes failed.
    case upgrade(UpgradeError)
    /// A frame was not the peer's.
    case noise(NoiseError)
    /// The peer broke the rules of the multiplexer.
    case yamux(YamuxError)
    /// The handshakes took too long.
    case handshakeTimedOut
    /// The peer gave no sign of life.
    case silent
    /// There is another connection to the same peer.
    case duplicate
    /// There are as many connections as there may be.
    case tooManyConnections
}

/// Why a host does not do what it is asked for.
package enum HostError: Error, Equatable {
    /// There is no connection to the peer.
    case notConnected
    /// The connection takes no more streams now.
    case noStreams
    /// The peer speaks none of the protocols, or not their negotiation.
    case negotiation(MultistreamError)
    /// The stream was ended before its protocol was agreed on.
    case streamEnded
    /// The connection ended.
    case closed(CloseReason)
    /// An address that nothing can be dialled or listened at.
    case address(Multiaddr)
    /// The system refused, for this reason of its own.
    case socket(String)
    /// The host has been stopped.
    case stopped
    /// More is under way than may be.
    case busy
    /// The peer did not answer as it must.
    case badAnswer
}
