// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What waits for a batch: requests with the votes on them, and every other message.
///
/// Everything in it is signed by its sender. Each sender has a bounded share, so that none can
/// crowd out the others; what is over it is dropped, and its sender sends it again.
struct CommandPool: Sendable {
    /// A message other than a request or a vote.
    struct Other: Sendable {
        let message: Message
        /// When it came.
        let since: UInt64
        /// Whether it came from a client, so that it is this node's to spread.
        let isOurs: Bool
    }

    /// By id; votes on a request may come before it.
    private(set) var requests: [RequestID: PendingRequest] = [:]
    /// The ids of `requests`, in order of arrival.
    private(set) var order: [RequestID] = []
    /// In order of arrival.
    private(set) var others: [Other] = []
    /// First votes on requests, also on those that are closed: what a later one may contradict.
    private var heard: [RequestID: [ValidatorIndex: VoteMessage]] = [:]
    private var heardOrder: [RequestID] = []
    private var requestsOf: [PublicKey: Int] = [:]
    /// Requests that are known only by a validator's vote.
    private var orphansOf: [ValidatorIndex: Int] = [:]

    /// Whether a message is in the pool as it is, so that its signatures are known to hold.
    func contains(_ message: Message, in ledger: LedgerID) -> Bool {
        switch message {
        case .request(let message): requests[message.id(in: ledger)]?.message == message
        case .vote(let vote):
            heard[vote.request]?.values.contains(vote) ?? false
        default: others.contains { $0.message == message }
        }
    }

    // MARK: Requests

    /// Takes in a request; false where it is known, or its submitter's share is used up.
    mutating func add(
        _ message: RequestMessage, _ id: RequestID, isOurs: Bool, at uptime: UInt64
    ) -> Bool {
        if requests[id]?.message != nil { return false }
        guard requestsOf[message.submitter, default: 0] < ReplicationLimits.requestsPerSubmitterMax,
            requests.count < ReplicationLimits.requestsMax
        else { return false }
        requestsOf[message.submitter, default: 0] += 1
        begin(id, at: uptime)
        requests[id]?.message = message
        requests[id]?.isOurs = isOurs
        for voter in requests[id]?.votes.keys ?? [:].keys { orphansOf[voter, default: 0] -= 1 }
        return true
    }

    /// Takes in a request that the ledger holds and whose round is open.
    mutating func adopt(_ id: RequestID, at entry: EntryIndex, _ uptime: UInt64) {
        begin(id, at: uptime)
        guard let request = requests[id], request.entry == nil else { return }
        if request.message == nil {
            for voter in request.votes.keys { orphansOf[voter, default: 0] -= 1 }
        }
        requests[id]?.entry = entry
    }

    private mutating func begin(_ id: RequestID, at uptime: UInt64) {
        guard requests[id] == nil else { return }
        requests[id] = PendingRequest(since: uptime)
        order.append(id)
    }

    /// Changes what is known of a request.
    mutating func update(_ id: RequestID, _ body: (inout PendingRequest) -> Void) {
        guard var request = requests[id] else { return }
        body(&request)
        requests[id] = request
    }

    /// Forgets requests that need no more votes, or will not come into the ledger.
    mutating func remove(_ ids: Set<RequestID>) {
        guard !ids.isEmpty else { return }
        for id in order where ids.contains(id) {
            guard let request = requests.removeValue(forKey: id) else { continue }
            if let submitter = request.message?.submitter {
                requestsOf[submitter, default: 0] -= 1
                if requestsOf[submitter] == 0 { requestsOf[submitter] = nil }
            } else if request.entry == nil {
                for voter in request.votes.keys { orphansOf[voter, default: 0] -= 1 }
            }
        }
        order.removeAll { ids.contains($0) }
    }

    // MARK: Votes on requests

    /// What became of a vote.
    enum VoteEntry {
        /// It is kept.
        case new
        /// It says what an earlier one says, or is over a bound.
        case known
        /// It contradicts an earlier one.
        case contradicts(VoteMessage)
    }

    /// Whether a vote says nothing new, so that its signature need not be checked.
    func isKnown(_ vote: VoteMessage, _ validator: ValidatorIndex) -> Bool {
        guard let earlier = heard[vote.request]?[validator], earlier.vote == vote.vote else {
            return false
        }
        return earlier.timestamp >= vote.timestamp
    }

    /// Takes in a vote that its validator signed.
    mutating func add(
        _ vote: VoteMessage, _ validator: ValidatorIndex, at uptime: UInt64
    ) -> VoteEntry {
        if let earlier = heard[vote.request]?[validator] {
            if earlier.vote != vote.vote {
                let isEvidence = earlier.vote != .abstain && vote.vote != .abstain
                return isEvidence ? .contradicts(earlier) : .known
            }
            guard vote.timestamp > earlier.timestamp else { return .known }
        }
        if requests[vote.request] == nil {
            guard orphansOf[validator, default: 0] < ReplicationLimits.orphansPerVoterMax,
                requests.count < ReplicationLimits.requestsMax
            else { return .known }
            begin(vote.request, at: uptime)
        }
        if requests[vote.request]?.message == nil, requests[vote.request]?.entry == nil,
            requests[vote.request]?.votes[validator] == nil
        {
            orphansOf[validator, default: 0] += 1
        }
        if heard[vote.request] == nil { heardOrder.append(vote.request) }
        heard[vote.request, default: [:]][validator] = vote
        requests[vote.request]?.votes[validator] = vote
        if heardOrder.count > ReplicationLimits.heardRequestsMax {
            heard[heardOrder.removeFirst()] = nil
        }
        return .new
    }

    /// The first vote that the node heard of a validator on a request.
    func heardVote(_ request: RequestID, _ validator: ValidatorIndex) -> VoteMessage? {
        heard[request]?[validator]
    }

    // MARK: Other messages

    /// Takes in another message; false where it is known, or its sender's share is used up.
    mutating func add(_ message: Message, isOurs: Bool, at uptime: UInt64) -> Bool {
        guard others.count < ReplicationLimits.othersMax,
            others.count(where: { $0.message.sender == message.sender })
                < ReplicationLimits.othersPerSenderMax,
            !others.contains(where: { $0.message == message })
        else { return false }
        others.append(Other(message: message, since: uptime, isOurs: isOurs))
        return true
    }

    /// Takes in evidence; false where a conviction of that validator for that slot waits already.
    mutating func addEvidence(_ message: Message, at uptime: UInt64) -> Bool {
        guard case .evidence(let evidence) = message else { return false }
        let isKnown = others.contains { other in
            guard case .evidence(let known) = other.message else { return false }
            return known.validator == evidence.validator && known.slot == evidence.slot
        }
        return !isKnown && add(message, isOurs: true, at: uptime)
    }

    /// Forgets other messages.
    mutating func removeOthers(where isDone: (Other) -> Bool) { others.removeAll(where: isDone) }
}
