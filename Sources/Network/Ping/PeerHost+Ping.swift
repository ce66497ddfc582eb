// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import NIOCore

extension PeerHost {
    static let pingID = "/ipfs/ping/1.0.0"
    private static let pingTimeout = TimeAmount.seconds(10)

    /// Sends back what peers send, two streams of a peer at most.
    func registerPing() {
        register(Self.pingID, inboundMax: 2) { stream in
            stream.limit(to: .seconds(60))
            return PingEcho()
        }
    }

    /// Measures the time for thirty-two bytes to go to a peer and back.
    package func ping(
        _ peer: PeerID, completion: @escaping (Result<TimeAmount, HostError>) -> Void
    ) {
        open([Self.pingID], to: peer) { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let stream):
                stream.limit(to: Self.pingTimeout)
                let asker = PingAsker(completion)
                stream.handler = asker
                _ = stream.write(asker.sent)
            }
        }
    }
}

/// Sends thirty-two bytes back whenever they are together.
private final class PingEcho: StreamHandler {
    private var held: [UInt8] = []

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        held += bytes
        let whole = held.count - held.count % 32
        guard whole > 0 else { return }
        stream.limit(to: .seconds(60))
        guard stream.write(Array(held.prefix(whole))) else { return stream.reset() }
        held.removeFirst(whole)
    }
}

/// Waits for thirty-two bytes of its own to come back.
private final class PingAsker: StreamHandler {
    let sent = randomBytes(32)
    private let start = NIODeadline.now()
    private var held: [UInt8] = []
    private var completion: ((Result<TimeAmount, HostError>) -> Void)?

    init(_ completion: @escaping (Result<TimeAmount, HostError>) -> Void) {
        self.completion = completion
    }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        held += bytes
        guard held.count >= sent.count else { return }
        let isRight = held == sent
        stream.finish()
        finish(isRight ? .success(NIODeadline.now() - start) : .failure(.badAnswer))
        if !isRight { stream.reset() }
    }

    func closed(_ stream: PeerStream, wasReset: Bool) { finish(.failure(.streamEnded)) }

    private func finish(_ result: Result<TimeAmount, HostError>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
