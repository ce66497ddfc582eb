// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Hosting
internal import Ledger
internal import Replication

/// Whether honest nodes keep what they have committed, and never say two things on one matter.
///
/// The second is seen on the wire: every message that leaves an honest node is read, over all its
/// lives, whatever became of its disk between them.
struct DurabilityChecker {
    private enum Matter: Hashable {
        case consensus(node: Int, Slot)
        case vote(node: Int, RequestID)
    }

    private enum Word: Hashable {
        case consensus(value: Digest?, validRound: Int64)
        case vote(Vote)
    }

    /// The last height that each node said it had committed.
    private var committed: [UInt64]
    private var words: [Matter: Word] = [:]

    init(nodes: Int) { committed = Array(repeating: 0, count: nodes) }

    /// What a node acknowledged.
    func committedHeight(of node: Int) -> UInt64 { committed[node] }

    /// Notes that a node has committed a height.
    mutating func note(node: Int, committed height: UInt64) {
        committed[node] = max(committed[node], height)
    }

    /// Notes that the disk of a node is lost, and what it had committed with it.
    mutating func noteLostDisk(of node: Int) { committed[node] = 0 }

    /// Looks at a node that has started again.
    func check(node: Int, startedAt height: UInt64) -> Violation? {
        guard height < committed[node] else { return nil }
        return Violation(
            .durability, node: node, height: height,
            "starts again at height \(height) and had committed \(committed[node])")
    }

    /// Looks at a message that leaves an honest node.
    mutating func check(
        _ message: PeerMessage?, from node: Int, key: PublicKey, index: ValidatorIndex?
    ) -> Violation? {
        guard let message else {
            return Violation(.durability, node: node, "sends what cannot be read")
        }
        switch message {
        case .proposal(let proposal) where proposal.proposer == index:
            return note(
                .consensus(node: node, proposal.slot),
                .consensus(value: proposal.value, validRound: proposal.validRound), node,
                height: proposal.height.rawValue)
        case .vote(let vote) where vote.validator == index:
            // A prevote is the same whatever valid round it names, but an honest node has one.
            return note(
                .consensus(node: node, vote.slot),
                .consensus(value: vote.value, validRound: vote.ground), node,
                height: vote.height.rawValue)
        case .command(let message) where message.sender == key:
            for signed in message.signedVotes {
                let vote = signed.vote
                if let violation = note(
                    .vote(node: node, vote.request), .vote(vote.vote), node, height: nil)
                {
                    return violation
                }
            }
            return nil
        default: return nil
        }
    }

    private mutating func note(
        _ matter: Matter, _ word: Word, _ node: Int, height: UInt64?
    ) -> Violation? {
        guard let earlier = words[matter] else {
            words[matter] = word
            return nil
        }
        guard earlier != word else { return nil }
        return Violation(
            .durability, node: node, height: height,
            "says two things on \(matter): \(earlier), then \(word)")
    }
}
