// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network

extension FuzzTarget {
    /// What comes on a connection before it is one of streams.
    static let handshakes = FuzzTarget(
        name: "handshakes",
        about: "negotiation and handshake of a connection, which nobody passes without a key",
        bytesMax: 4096,
        seeds: {
            var dialler = ConnectionUpgrade(role: .dialer, keys: handshakeKeys)
            var listener = ConnectionUpgrade(role: .listener, keys: otherHandshakeKeys)
            // Some rounds, of which the seeds are what each side has said until then.
            var said: (dialler: [UInt8], listener: [UInt8]) = (dialler.start(), listener.start())
            var new = said
            for _ in 0..<3 {
                var answers: (dialler: [UInt8], listener: [UInt8]) = ([], [])
                _ = try dialler.receive(new.listener, output: &answers.dialler)
                _ = try listener.receive(new.dialler, output: &answers.listener)
                said.dialler += answers.dialler
                said.listener += answers.listener
                new = answers
            }
            let payload = NoisePayload.encode(
                identity: NetworkSeeds.key(1), staticKey: staticKey, muxers: ["/yamux/1.0.0"])
            return [
                Seed(name: "to-dialler", bytes: [0, 255] + said.listener),
                Seed(name: "to-listener", bytes: [1, 255] + said.dialler),
                Seed(name: "payload", bytes: [2, 0] + payload),
            ]
        },
        run: { bytes in
            guard bytes.count > 2 else { return }
            let body = Array(bytes.dropFirst(2))
            guard bytes[0] % 3 < 2 else {
                let payload = decoded { () throws(NoiseError) in
                    try NoisePayload(body, staticKey: staticKey)
                }
                let known = [PeerID(NetworkSeeds.key(1).publicKey)]
                law(payload.map { known.contains($0.peer) } ?? true, "a payload is forged")
                return
            }
            let role: Role = bytes[0] % 3 == 0 ? .dialer : .listener
            var upgrade = ConnectionUpgrade(role: role, keys: handshakeKeys)
            var output = upgrade.start()
            let size = max(1, Int(bytes[1]))
            do throws(UpgradeError) {
                for start in stride(from: 0, to: body.count, by: size) {
                    let part = Array(body[start..<min(start + size, body.count)])
                    let upgraded = try upgrade.receive(part, output: &output)
                    law(upgraded == nil, "a handshake is passed without a key")
                }
            } catch {}
            law(output.count < 4096, "much is said to whoever says little")
        })

    private static let handshakeKeys = HandshakeKeys(identity: NetworkSeeds.key(1))
    private static let otherHandshakeKeys = HandshakeKeys(identity: NetworkSeeds.key(2))
    private static let staticKey = Digest(hashing: [77]).value

    /// What comes on a connection of streams.
    static let streams = FuzzTarget(
        name: "streams",
        about: "frames of yamux; what a peer can make a session keep and say is bounded",
        bytesMax: 8192,
        seeds: {
            var bytes: [UInt8] = []
            let opening = YamuxHeader(.data, flags: YamuxHeader.syn, stream: 1, length: 5)
            opening.append(to: &bytes)
            bytes += [1, 2, 3, 4, 5]
            YamuxHeader(.windowUpdate, stream: 1, length: 1000).append(to: &bytes)
            YamuxHeader(.ping, flags: YamuxHeader.syn, stream: 0, length: 7).append(to: &bytes)
            YamuxHeader(.data, flags: YamuxHeader.fin, stream: 1, length: 0).append(to: &bytes)
            YamuxHeader(.windowUpdate, flags: YamuxHeader.syn, stream: 3, length: 0)
                .append(to: &bytes)
            YamuxHeader(.data, flags: YamuxHeader.rst, stream: 3, length: 0).append(to: &bytes)
            YamuxHeader(.goAway, stream: 0, length: 0).append(to: &bytes)
            return [Seed(name: "session", bytes: [255] + bytes)]
        },
        run: { bytes in
            guard let size = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            var session = YamuxSession(role: .listener)
            var came = 0
            do throws(YamuxError) {
                for start in stride(from: 0, to: body.count, by: max(1, Int(size))) {
                    let part = body[start..<min(start + max(1, Int(size)), body.count)]
                    for event in try session.receive(part) {
                        guard case .data(let stream, let data) = event else { continue }
                        came += data.count
                        session.consume(data.count, of: stream)
                        _ = session.write(data, to: stream)
                    }
                    law(session.streamCount <= 2 * YamuxSession.streamsMax, "too many streams")
                }
            } catch {}
            law(came <= body.count, "more data than came")
            var said = 0
            while session.hasFrames, case let (frames, _) = session.takeFrames(limit: 60_000),
                !frames.isEmpty
            {
                said += frames.count
                law(said <= 64 * body.count + 4096, "much is said to whoever says little")
            }
        })

    /// What comes on a stream before its protocol is agreed on.
    static let negotiations = FuzzTarget(
        name: "negotiations",
        about: "negotiation of a protocol; only what was offered or asked for is agreed on",
        bytesMax: 2048,
        seeds: {
            let dialler = MultistreamNegotiation(role: .dialer, protocols: ["/a", "/b"])
            let listener = MultistreamNegotiation(role: .listener, protocols: ["/b"])
            let refusal: [UInt8] = [3, 0x6E, 0x61, 0x0A]
            let agreed: [UInt8] = [3, 0x2F, 0x62, 0x0A]
            return [
                Seed(name: "to-listener", bytes: [1] + dialler.start() + agreed),
                Seed(name: "to-dialler", bytes: [0] + listener.start() + refusal + agreed),
            ]
        },
        run: { bytes in
            guard let flags = bytes.first else { return }
            let role: Role = flags & 1 == 0 ? .dialer : .listener
            let offered = ["/a", "/b"]
            var negotiation = MultistreamNegotiation(role: role, protocols: offered)
            var output: [UInt8] = []
            let agreement = decoded { () throws(MultistreamError) in
                try negotiation.receive(bytes.dropFirst(), output: &output)
            }
            if let agreement = agreement ?? nil {
                law(offered.contains(agreement.name), "a protocol that nobody offered")
                law(bytes.suffix(agreement.rest.count) == agreement.rest[...], "another rest")
            }
            law(output.count <= 64 + 64 * 40, "much is said to whoever says little")
        })
}
