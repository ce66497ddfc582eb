// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Who of two speaks first.
package enum Role: Hashable, Sendable {
    /// Opened the connection or stream.
    case dialer
    /// Was dialled.
    case listener
}

/// The handshake Noise_XX_25519_ChaChaPoly_SHA256: three messages, after which each side knows the
/// other's static key and nobody else can read on.
///
///     -> e
///     <- e, ee, s, es
///     -> s, se
///
/// Source: The Noise Protocol Framework, revision 34, section 7.5; libp2p, noise.
package struct NoiseHandshake: Sendable {
    /// The most bytes of a message.
    package static let messageBytesMax = 65535

    private let role: Role
    private let fixed: AgreementKey
    private let ephemeral: AgreementKey
    private var symmetric: NoiseSymmetric
    private var remoteEphemeral = Bytes32.zero
    /// How many messages have passed, in both directions: 0 to 3.
    private var messageCount = 0

    /// The other side's static key, once its message has come: the second or the third.
    package private(set) var remoteStatic: Bytes32?

    /// A handshake with a static key, and a prologue that both sides must share.
    package init(
        role: Role, staticKey: AgreementKey, ephemeralKey: AgreementKey = AgreementKey(),
        prologue: [UInt8] = []
    ) {
        self.role = role
        fixed = staticKey
        ephemeral = ephemeralKey
        symmetric = NoiseSymmetric(protocolName: "Noise_XX_25519_ChaChaPoly_SHA256")
        symmetric.mixHash(prologue)
    }

    /// Whether the next message is ours.
    package var isOurTurn: Bool {
        messageCount < 3 && (role == .dialer) == messageCount.isMultiple(of: 2)
    }

    /// Whether all three messages have passed.
    package var isFinished: Bool { messageCount == 3 }

    /// What both sides have seen: equal on both, and different in every handshake.
    package var hash: [UInt8] { symmetric.hash }

    /// Our next message, with a payload.
    /// - Throws: `outOfTurn`, `tooLong`, `weakKey`.
    package mutating func write(payload: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard isOurTurn else { throw .outOfTurn }
        // The longest head has a key, and a key and a payload with their tags.
        guard payload.count <= Self.messageBytesMax - 96 else {
            throw .tooLong(bytes: payload.count)
        }
        var message: [UInt8] = []
        if messageCount < 2 {
            message += ephemeral.publicKey.bytes
            symmetric.mixHash(ephemeral.publicKey.bytes)
        }
        if messageCount == 1 { try mix(ephemeral, remoteEphemeral) }
        if messageCount > 0 {
            message += try symmetric.sealAndHash(fixed.publicKey.bytes)
            try mix(fixed, remoteEphemeral)
        }
        message += try symmetric.sealAndHash(payload)
        messageCount += 1
        return message
    }

    /// Reads the other side's next message, and returns its payload.
    ///
    /// A handshake that has thrown is at its end.
    /// - Throws: `outOfTurn`, `tooLong`, `truncated`, `weakKey`, `notAuthentic`.
    package mutating func read(_ message: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
        guard !isFinished, !isOurTurn else { throw .outOfTurn }
        guard message.count <= Self.messageBytesMax else { throw .tooLong(bytes: message.count) }
        var rest = message
        if messageCount < 2 {
            remoteEphemeral = try key(try read(32, from: &rest))
            symmetric.mixHash(remoteEphemeral.bytes)
        }
        if messageCount == 1 { try mix(ephemeral, remoteEphemeral) }
        if messageCount > 0 {
            let remote = try key(try symmetric.openAndHash(try read(48, from: &rest))[...])
            remoteStatic = remote
            try mix(ephemeral, remote)
        }
        let payload = try symmetric.openAndHash(rest)
        messageCount += 1
        return payload
    }

    /// The two directions of the conversation that follows; once.
    /// - Precondition: the handshake is finished.
    package mutating func split() -> (send: NoiseCipher, receive: NoiseCipher) {
        invariant(isFinished, "the handshake has only \(messageCount) messages")
        let (initiator, responder) = symmetric.split()
        return role == .dialer ? (initiator, responder) : (responder, initiator)
    }

    private mutating func mix(_ ours: AgreementKey, _ theirs: Bytes32) throws(NoiseError) {
        guard let secret = ours.agree(with: theirs) else { throw .weakKey }
        symmetric.mixKey(secret)
    }

    private func read(
        _ count: Int, from rest: inout ArraySlice<UInt8>
    ) throws(NoiseError) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw .truncated }
        let bytes = rest.prefix(count)
        rest = rest.dropFirst(count)
        return bytes
    }

    private func key(_ bytes: ArraySlice<UInt8>) throws(NoiseError) -> Bytes32 {
        guard let key = Bytes32(Array(bytes)) else { throw .truncated }
        return key
    }
}
