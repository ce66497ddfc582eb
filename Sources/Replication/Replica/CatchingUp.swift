// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What peers lack, and what they have sent too early: what was answered to whom, and at what cost.
///
/// Invariants, of what is early of each peer: `messages.count <= earlyPerPeerMax` and
/// `0 <= bytes <= earlyBytesPerPeerMax`.
struct CatchingUp: Sendable {
    /// What each peer is answered.
    private(set) var budget = AnswerBudget()
    private var answeredAt: [ValidatorIndex: UInt64] = [:]
    /// The last height of which each peer was sent the batch.
    private var servedHeights: [ValidatorIndex: Height] = [:]
    /// How often this node has said where it stands.
    private var statusCount = 0
    /// Messages for the next height, by peer.
    private var early: [ValidatorIndex: (messages: [PeerMessage], bytes: Int)] = [:]

    // MARK: Questions

    /// Whom to tell where this node stands: the next few of the members after `own`, so that each
    /// of them is asked before one is asked again, and not all answer the same.
    ///
    /// - Precondition: `own` is a member.
    mutating func nextAsked(
        of members: [ValidatorIndex], by own: ValidatorIndex
    ) -> [ValidatorIndex] {
        let after = members.firstIndex { $0 > own } ?? 0
        let peers = (members[after...] + members[..<after]).filter { $0 != own }
        invariant(
            peers.count + 1 == members.count,
            "\(own.rawValue) has \(peers.count) peers among \(members.count) members")
        let count = min(ReplicationLimits.askedPerStatus, peers.count)
        defer { statusCount += 1 }
        return (0..<count).map { peers[(statusCount * count + $0) % peers.count] }
    }

    // MARK: Answers

    /// Whether enough time has passed since a peer was answered last.
    func isDue(_ peer: ValidatorIndex, every milliseconds: UInt64, at uptime: UInt64) -> Bool {
        answeredAt[peer].map { uptime >= $0 + milliseconds } ?? true
    }

    /// Whether a peer that is behind has taken in what it was sent last, and may have more at once.
    func hasTakenIn(_ height: Height, _ peer: ValidatorIndex) -> Bool {
        servedHeights[peer].map { height > $0 } ?? false
    }

    /// Whether a peer may have an answer, which costs it so much work.
    mutating func takes(work: Int, from peer: ValidatorIndex, at uptime: UInt64) -> Bool {
        budget.takes(work: work, from: peer, at: uptime)
    }

    /// Takes the bytes of an answer from whoever asked for it.
    mutating func pay(_ bytes: Int, from peer: ValidatorIndex) {
        budget.pay(bytes, from: peer)
    }

    mutating func noteAnswer(to peer: ValidatorIndex, at uptime: UInt64) {
        invariant(
            answeredAt[peer].map { $0 <= uptime } ?? true,
            "an answer at \(uptime) ms behind one at \(answeredAt[peer] ?? 0)")
        answeredAt[peer] = uptime
    }

    mutating func noteServed(_ height: Height, to peer: ValidatorIndex) {
        servedHeights[peer] = height
    }

    // MARK: What is early

    /// Keeps a message for the next height, where its peer has room.
    mutating func keepEarly(_ message: PeerMessage, bytes: Int, of peer: ValidatorIndex) {
        let held = early[peer] ?? ([], 0)
        guard held.messages.count < ReplicationLimits.earlyPerPeerMax,
            held.bytes + bytes <= ReplicationLimits.earlyBytesPerPeerMax
        else { return }
        early[peer, default: ([], 0)].messages.append(message)
        early[peer]?.bytes += bytes
        let now = early[peer] ?? ([], 0)
        invariant(
            now.messages.count == held.messages.count + 1,
            "\(now.messages.count) early messages of a peer that had \(held.messages.count)")
        invariant(
            now.bytes <= ReplicationLimits.earlyBytesPerPeerMax,
            "\(now.bytes) bytes of early messages of a peer")
    }

    /// Whether a message for the next height is kept of a peer.
    func holdsEarly(_ message: PeerMessage, of peer: ValidatorIndex?) -> Bool {
        guard let peer else { return false }
        return early[peer]?.messages.contains(message) ?? false
    }

    /// Bytes of the messages that are kept for the next height.
    var earlyBytes: Int { early.values.reduce(0) { $0 + $1.bytes } }

    /// Takes out what was early, by peer.
    mutating func popEarly() -> [(peer: ValidatorIndex, message: PeerMessage)] {
        let result = early.sorted { $0.key < $1.key }.flatMap { peer, held in
            held.messages.map { (peer, $0) }
        }
        early = [:]
        return result
    }
}
