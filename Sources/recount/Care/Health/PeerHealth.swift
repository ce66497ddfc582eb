// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Network
import Node

/// Whether a node meets the others.
struct PeerHealth: Sendable {
    private let health: HomeHealth
    /// How long a node has to answer, in seconds.
    private static let answerSeconds: Int64 = 5

    init(_ health: HomeHealth) { self.health = health }

    /// What a node says of itself at `/status`, as far as it is of use here.
    private struct Status: Decodable {
        let height: UInt64
        let threshold: UInt32
        let reachable: Int
        let isJoining: Bool
    }

    /// Asks the node itself where it runs and answers, and looks who listens.
    func checks() async -> [HealthCheck] {
        let listening = await listening()
        guard health.process != nil, let api = health.api, let url = NodeURL("http://\(api)") else {
            return [listening]
        }
        let health = health
        // It blocks, which is no thread of the pool's to wait for.
        let answer = await withCheckedContinuation {
            (continuation: CheckedContinuation<HealthCheck, Never>) in
            Thread {
                continuation.resume(returning: Self.ask(url, health))
            }.start()
        }
        return [listening, answer]
    }

    private static func ask(_ url: NodeURL, _ health: HomeHealth) -> HealthCheck {
        let status: Status
        do throws(ClientError) {
            status = try RemoteNode(url, seconds: answerSeconds).value(Status.self, ["status"])
        } catch {
            return HealthCheck(
                .peers, .warning, "the node runs and does not answer at \(url): \(error)")
        }
        let reached =
            "the node at \(url) reaches \(status.reachable) validators, itself included, and"
            + " \(status.threshold) decide"
        guard !status.isJoining else {
            return HealthCheck(
                .peers, .warning, reached + "; it waits for a snapshot to start from")
        }
        return HealthCheck(
            .peers, status.reachable < Int(status.threshold) ? .bad : .good,
            "\(reached); it is at batch \(status.height)")
    }

    /// Looks who listens where peers should.
    private func listening() async -> HealthCheck {
        var addresses: [Multiaddr] = []
        for text in health.peers {
            do throws(MultiaddrError) { addresses.append(try Multiaddr(text: text)) } catch {
                return HealthCheck(
                    .peers, .bad, "the address \(text) of a peer cannot be read: \(error)")
            }
        }
        guard !addresses.isEmpty else {
            return HealthCheck(.peers, .good, "none is listed")
        }
        let answering = await PeerProbe.answering(addresses)
        let tried = min(addresses.count, PeerProbe.addressesMax)
        let finding = "\(answering.count) of \(tried) take a connection"
        // The node itself is one of those who decide.
        let needed = max(0, Int(health.threshold ?? 1) - 1)
        guard answering.count < needed else { return HealthCheck(.peers, .good, finding) }
        let silent = addresses.prefix(tried).filter { !answering.contains($0) }
            .prefix(3).map { "\($0.withoutPeer?.text ?? $0.text)" }
        return HealthCheck(
            .peers, .warning,
            "\(finding), and \(needed) beside this one decide; silent are for one"
                + " \(silent.joined(separator: ", "))",
            advice: "start them, or correct where they are ([network] peers)")
    }
}
