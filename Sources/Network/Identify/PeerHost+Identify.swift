// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore

extension PeerHost {
    static let identifyID = "/ipfs/id/1.0.0"
    static let identifyPushID = "/ipfs/id/push/1.0.0"
    private static let identifyTimeout = TimeAmount.seconds(10)

    /// Answers who we are, and takes what peers say anew.
    func registerIdentify() {
        register(Self.identifyID, inboundMax: 4) { stream in
            stream.limit(to: Self.identifyTimeout)
            self.sendIdentity(on: stream)
            return IdentifyHandler(nil)
        }
        register(Self.identifyPushID, inboundMax: 4) { stream in
            stream.limit(to: Self.identifyTimeout)
            return IdentifyHandler { self.identified(stream.peer, $0) }
        }
    }

    /// Asks a peer who it is.
    func identify(_ peer: PeerID) {
        open([Self.identifyID], to: peer) { result in
            guard case .success(let stream) = result else { return }
            stream.limit(to: Self.identifyTimeout)
            stream.handler = IdentifyHandler { self.identified(peer, $0) }
            stream.finish()
        }
    }

    /// Tells every peer that asked us before who we are now.
    func pushIdentify() {
        for peer in connectedPeers
        where identities[peer]?.protocols?.contains(Self.identifyPushID) == true {
            open([Self.identifyPushID], to: peer) { result in
                guard case .success(let stream) = result else { return }
                stream.limit(to: Self.identifyTimeout)
                stream.handler = IdentifyHandler(nil)
                self.sendIdentity(on: stream)
            }
        }
    }

    private func sendIdentity(on stream: PeerStream) {
        var message = IdentifyMessage()
        message.publicKey = settings.identity.publicKey
        message.listenAddresses = listenAddresses
        message.protocols = protocols
        message.observedAddress = connection(to: stream.peer)?.address
        message.protocolVersion = "recount/1"
        message.agent = settings.agent
        message.signedRecord = signedRecord()
        _ = stream.write(PrefixedMessages.frame(message.bytes))
        stream.finish()
    }

    /// Our addresses in an envelope, newer than all that were made before.
    package func signedRecord() -> [UInt8] {
        defer { recordCount += 1 }
        return PeerRecord.seal(
            sequence: settings.recordSequence + recordCount, addresses: listenAddresses,
            with: settings.identity)
    }

    private func identified(_ peer: PeerID, _ message: IdentifyMessage) {
        guard connectionOfPeer[peer] != nil else { return }
        if let key = message.publicKey, key != peer.publicKey { return }
        var whole = identities[peer] ?? IdentifyMessage()
        whole.merge(message)
        identities[peer] = whole
        know(message.listenAddresses ?? [], of: peer)
        tell(.identified(peer, whole))
    }
}

/// Takes in what a peer says of itself, which ends with its side of the stream.
///
/// The message may come in several parts, each with its length, which count as one.
private final class IdentifyHandler: StreamHandler {
    private let done: ((IdentifyMessage) -> Void)?
    private var parts = PrefixedMessages(bytesMax: IdentifyMessage.bytesMax)
    private var bytes: [UInt8] = []

    init(_ done: ((IdentifyMessage) -> Void)?) { self.done = done }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        guard done != nil else { return stream.reset() }
        parts.append(bytes)
        do {
            while let part = try parts.next() { self.bytes += part }
        } catch { return stream.reset() }
        if self.bytes.count > IdentifyMessage.bytesMax { stream.reset() }
    }

    func remoteFinished(_ stream: PeerStream) {
        stream.finish()
        guard let done, !bytes.isEmpty else { return }
        do { done(try IdentifyMessage(bytes[...])) } catch { stream.reset() }
    }
}
