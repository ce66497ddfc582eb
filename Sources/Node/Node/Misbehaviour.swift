// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Hosting
package import Ledger
package import Replication

/// What a node that misbehaves is shown.
package struct NodeView {
    /// Its host, to be looked at.
    package let host: ReplicaHost
    /// Its key.
    package let key: SigningKey
    /// What its clocks say.
    package let now: Instant
}

/// What stands between a node's host and the world: it drops, changes and adds to what would leave.
///
/// Used on the node's own thread. `.verify` and `.committed` are passed on as they are.
package protocol Misbehaviour {
    /// Returns what leaves in the place of what the host would do.
    mutating func outgoing(_ outputs: [HostOutput], _ view: NodeView) -> [HostOutput]
    /// Returns what else leaves because of a message that arrived; nil stands for a client.
    mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, _ view: NodeView
    ) -> [HostOutput]
    /// Returns what leaves without a cause; asked a few times a second.
    mutating func idle(_ view: NodeView) -> [HostOutput]
    /// Returns the vote that the host is told instead of the honest one.
    mutating func verdict(_ honest: Vote, _ view: NodeView) -> Vote
    /// By how many milliseconds the node's wall clock is wrong.
    mutating func clockOffset(_ view: NodeView) -> Int64
}

extension Misbehaviour {
    package mutating func outgoing(_ outputs: [HostOutput], _ view: NodeView) -> [HostOutput] {
        outputs
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, _ view: NodeView
    ) -> [HostOutput] { [] }

    package mutating func idle(_ view: NodeView) -> [HostOutput] { [] }

    package mutating func verdict(_ honest: Vote, _ view: NodeView) -> Vote { honest }

    package mutating func clockOffset(_ view: NodeView) -> Int64 { 0 }
}

/// Approves what is false and rejects what is true.
struct ReversedVerdicts: Misbehaviour {
    mutating func verdict(_ honest: Vote, _ view: NodeView) -> Vote {
        switch honest {
        case .approve: .reject
        case .reject: .approve
        default: honest
        }
    }
}

/// Signs both verdicts on every request and two results of every job: one for some peers, the other
/// for the rest, and a moment later both for all.
struct TwoFaces: Misbehaviour {
    private static let laterMilliseconds: UInt64 = 300

    private var later: [(at: UInt64, bytes: [UInt8])] = []
    private var told: Set<RequestID> = []
    private var toldJobs: Set<JobID> = []

    mutating func outgoing(_ outputs: [HostOutput], _ view: NodeView) -> [HostOutput] {
        outputs.flatMap { output -> [HostOutput] in
            guard case .broadcast(let bytes) = output, let message = Self.command(bytes),
                let contrary = contrary(of: message, view)
            else { return [output] }
            let other = PeerMessage.command(contrary).encoded
            let at = view.now.uptime + Self.laterMilliseconds
            later += [(at, bytes), (at, other)]
            let own = view.host.state.validatorIndex(of: view.key.publicKey)
            let others = view.host.state.members.filter { $0 != own }
            return others.enumerated().map { place, peer in
                .send(place % 2 == 0 ? bytes : other, to: peer)
            }
        }
    }

    mutating func idle(_ view: NodeView) -> [HostOutput] {
        let due = later.filter { $0.at <= view.now.uptime }
        later.removeAll { $0.at <= view.now.uptime }
        return due.map { .broadcast($0.bytes) }
    }

    private static func command(_ bytes: [UInt8]) -> Message? {
        do throws(Ledger.DecodingError) {
            guard case .command(let message) = try PeerMessage(decoding: bytes) else { return nil }
            return message
        } catch { return nil }
    }

    /// The contrary of a message of its own, once for each request and job.
    private mutating func contrary(of message: Message, _ view: NodeView) -> Message? {
        let ledger = view.host.state.ledger
        switch message {
        case .vote(var vote):
            guard vote.validator == view.key.publicKey, vote.vote != .abstain,
                told.insert(vote.request).inserted
            else { return nil }
            vote.vote = vote.vote == .approve ? .reject : .approve
            vote.reason = vote.vote == .approve ? .proofHolds : .proofFails
            return .vote(vote.signed(by: view.key, in: ledger))
        case .votes(var list):
            guard list.validator == view.key.publicKey else { return nil }
            list.votes = list.votes.compactMap { vote in
                guard case .shown(let request, let said, _) = vote, said != .abstain,
                    told.insert(request).inserted
                else { return nil }
                return said == .approve
                    ? .shown(request: request, vote: .reject, reason: .proofFails)
                    : .shown(request: request, vote: .approve, reason: .proofHolds)
            }
            return list.votes.isEmpty ? nil : .votes(list.signed(by: view.key, in: ledger))
        case .result(var result):
            guard result.validator == view.key.publicKey, result.status.kind != .abstained,
                toldJobs.insert(result.job).inserted
            else { return nil }
            result.status = JobStatus(.success)
            result.output = Digest(hashing: Array("recount lie".utf8) + result.output.bytes)
            return .result(result.signed(by: view.key, in: ledger))
        default: return nil
        }
    }
}
