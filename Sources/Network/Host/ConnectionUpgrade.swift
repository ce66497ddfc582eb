// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why a connection did not become one of streams.
package enum UpgradeError: Error, Equatable {
    /// Security or multiplexer could not be agreed on.
    case multistream(MultistreamError)
    /// The handshake failed.
    case noise(NoiseError)
    /// The peer speaks other multiplexers only.
    case noMuxer
    /// The peer is ourselves.
    case ourselves
}

/// The key and the payload of all handshakes of one host.
package struct HandshakeKeys: Sendable {
    /// Who the host is.
    package let peer: PeerID
    let staticKey: AgreementKey
    let payload: [UInt8]
    let offersMuxer: Bool

    /// New handshake keys for an identity.
    /// - Parameter muxers: what is offered inside of the handshake; empty for a peer that is to
    ///   choose afterwards.
    package init(identity: SigningKey, muxers: [String] = [ConnectionUpgrade.muxer]) {
        peer = PeerID(identity.publicKey)
        staticKey = AgreementKey()
        payload = NoisePayload.encode(
            identity: identity, staticKey: staticKey.publicKey, muxers: muxers)
        offersMuxer = !muxers.isEmpty
    }

    /// Keys with a payload of any kind, for peers that lie.
    package init(peer: PeerID, staticKey: AgreementKey, payload: [UInt8]) {
        self.peer = peer
        self.staticKey = staticKey
        self.payload = payload
        offersMuxer = false
    }
}

/// The way from a connection of bytes to one of streams: security is agreed on, the handshake is
/// made, and a multiplexer is agreed on, within the handshake or behind it.
///
/// Source: libp2p, connections; inlined muxer negotiation.
package struct ConnectionUpgrade: Sendable {
    /// What came of it.
    package struct Upgraded: Sendable {
        /// Who is there.
        package let peer: PeerID
        /// The encrypted channel.
        package let channel: NoiseChannel
        /// What has already come for the multiplexer.
        package let rest: [UInt8]
    }

    /// The security that is spoken.
    package static let security = "/noise"
    /// The multiplexer that is spoken.
    package static let muxer = "/yamux/1.0.0"

    private enum Stage {
        case security(MultistreamNegotiation)
        case handshake(NoiseHandshake, NoiseFrames)
        case muxer(PeerID, NoiseChannel, MultistreamNegotiation)
        case finished
    }

    private let role: Role
    private let keys: HandshakeKeys
    private let expected: PeerID?
    private var stage: Stage

    /// The way of one side; a dialer may expect somebody.
    package init(role: Role, keys: HandshakeKeys, expected: PeerID? = nil) {
        self.role = role
        self.keys = keys
        self.expected = expected
        stage = .security(MultistreamNegotiation(role: role, protocols: [Self.security]))
    }

    /// What is sent before anything has come.
    package func start() -> [UInt8] {
        guard case .security(let negotiation) = stage else { return [] }
        return negotiation.start()
    }

    /// Takes bytes in; appends what is to be sent to `output`, also where it throws.
    package mutating func receive(
        _ bytes: [UInt8], output: inout [UInt8]
    ) throws(UpgradeError) -> Upgraded? {
        let current = stage
        stage = .finished
        switch current {
        case .security(var negotiation):
            let agreement: MultistreamNegotiation.Agreement?
            do { agreement = try negotiation.receive(bytes, output: &output) } catch {
                throw .multistream(error)
            }
            guard let agreement else {
                stage = .security(negotiation)
                return nil
            }
            let handshake = NoiseHandshake(role: role, staticKey: keys.staticKey)
            return try shake(handshake, NoiseFrames(), agreement.rest, output: &output)
        case .handshake(let handshake, let frames):
            return try shake(handshake, frames, bytes, output: &output)
        case .muxer(let peer, let channel, let negotiation):
            return try choose(peer, channel, negotiation, bytes, output: &output)
        case .finished:
            invariant(false, "bytes for an upgrade that is finished")
            return nil
        }
    }

    private mutating func shake(
        _ handshake: NoiseHandshake, _ frames: NoiseFrames, _ bytes: [UInt8],
        output: inout [UInt8]
    ) throws(UpgradeError) -> Upgraded? {
        var (handshake, frames) = (handshake, frames)
        var payload: NoisePayload?
        do throws(NoiseError) {
            frames.append(bytes)
            try speak(&handshake, output: &output)
            while !handshake.isFinished, let frame = frames.next() {
                let bytes = try handshake.read(frame)
                if let staticKey = handshake.remoteStatic {
                    payload = try NoisePayload(bytes, staticKey: staticKey)
                    try check(payload)
                }
                try speak(&handshake, output: &output)
            }
        } catch { throw .noise(error) }
        guard handshake.isFinished, let payload else {
            stage = .handshake(handshake, frames)
            return nil
        }
        guard payload.peer != keys.peer else { throw .ourselves }
        let (send, receive) = handshake.split()
        let channel = NoiseChannel(send: send, receive: receive, frames: frames)
        guard payload.muxers.isEmpty || !keys.offersMuxer else {
            guard payload.muxers.contains(Self.muxer) else { throw .noMuxer }
            return try finish(payload.peer, channel)
        }
        let negotiation = MultistreamNegotiation(role: role, protocols: [Self.muxer])
        return try begin(payload.peer, channel, negotiation, output: &output)
    }

    /// Writes our next message if it is our turn.
    private func speak(
        _ handshake: inout NoiseHandshake, output: inout [UInt8]
    ) throws(NoiseError) {
        guard handshake.isOurTurn else { return }
        // The first message is readable by anybody, and empty.
        let isFirst = role == .dialer && handshake.remoteStatic == nil
        output += try NoiseFrames.frame(
            try handshake.write(payload: isFirst ? [] : keys.payload))
    }

    private func check(_ payload: NoisePayload?) throws(NoiseError) {
        if let expected, let peer = payload?.peer, peer != expected { throw .otherPeer(peer) }
    }

    private mutating func begin(
        _ peer: PeerID, _ channel: NoiseChannel, _ negotiation: MultistreamNegotiation,
        output: inout [UInt8]
    ) throws(UpgradeError) -> Upgraded? {
        var channel = channel
        do { output += try channel.seal(negotiation.start()) } catch { throw .noise(error) }
        return try choose(peer, channel, negotiation, [], output: &output)
    }

    private mutating func choose(
        _ peer: PeerID, _ channel: NoiseChannel, _ negotiation: MultistreamNegotiation,
        _ bytes: [UInt8], output: inout [UInt8]
    ) throws(UpgradeError) -> Upgraded? {
        var (channel, negotiation) = (channel, negotiation)
        let text: [UInt8]
        do { text = try channel.open(bytes) } catch { throw .noise(error) }
        var answer: [UInt8] = []
        let agreement: MultistreamNegotiation.Agreement?
        do { agreement = try negotiation.receive(text, output: &answer) } catch {
            throw .multistream(error)
        }
        do { output += try channel.seal(answer) } catch { throw .noise(error) }
        guard let agreement else {
            stage = .muxer(peer, channel, negotiation)
            return nil
        }
        return Upgraded(peer: peer, channel: channel, rest: agreement.rest)
    }

    private func finish(
        _ peer: PeerID, _ channel: NoiseChannel
    ) throws(UpgradeError) -> Upgraded {
        var channel = channel
        do {
            let rest = try channel.open([])
            return Upgraded(peer: peer, channel: channel, rest: rest)
        } catch { throw .noise(error) }
    }
}
