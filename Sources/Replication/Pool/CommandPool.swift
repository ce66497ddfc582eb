// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What waits for a batch: requests with the votes on them, and every other message.
///
/// Everything in it is signed by a party that the ledger knows, and the rules take it, or may once
/// the ledger has gone on, or would have its refusal recorded. Each sender has a bounded share;
/// what is over it is dropped, and its sender sends it again. What the ledger has open is outside
/// every bound: the ledger bounds it.
///
/// Invariants: `requests[id].readyAt == t` has an item `(t, id)` in `ready`, `spreadAt == t` one in
/// `spread`; `orphansOf[v]` is the number of requests without message and entry on which v voted;
/// `requestsOf[s]` is the number of those with a message of s and without an entry,
/// `waitingCount` that of all with a message and without an entry, `orphanCount` that of those
/// with neither. So `orphansOf[v] <= orphanCount <= requestsMax`,
/// `requestsOf[s] <= requestsPerSubmitterMax`, `waitingCount <= 2 * requestsMax`, and
/// `waitingCount + orphanCount <= min(requests.count, arrivals.count)`.
struct CommandPool: Sendable {
    /// By id; votes on a request may come before it.
    private(set) var requests: [RequestID: PendingRequest] = [:]
    /// Other messages.
    var others = OtherMessages()
    /// First votes on requests, also on those that are closed: what a later one may contradict.
    private var heard: [RequestID: [ValidatorIndex: SignedVote]] = [:]
    private var heardOrder = Line<RequestID>()

    // MARK: Indices

    private var ready = TimeQueue<RequestID>()
    private var spread = TimeQueue<RequestID>()
    /// Requests by arrival, to be forgotten in that order.
    private var arrivals = Line<(id: RequestID, since: UInt64)>()
    /// Requests to be verified: those of the ledger's open rounds, and those that wait.
    private var openUnverified = Line<RequestID>()
    private var unverified = Line<RequestID>()
    /// By submitter, the requests whose refusal may be recorded.
    private var recorded: [PublicKey: [RequestID]] = [:]
    private var byNullifier: [Bytes32: [RequestID]] = [:]
    private var requestsOf: [PublicKey: Int] = [:]
    /// Requests that are known only by a validator's vote.
    private var orphansOf: [ValidatorIndex: Int] = [:]
    private var waitingCount = 0
    /// How many requests are known only by votes on them.
    private(set) var orphanCount = 0
    /// Requests that the rules take once something has happened, by what that is.
    private var parked: [Wait: Line<RequestID>] = [:]

    /// What must happen before the rules take a request that they refuse.
    enum Wait: Hashable, Sendable {
        /// A round or job of the submitter closes.
        case quota(PublicKey)
        /// Something unfinished ends.
        case room
        /// Validators agree on a change.
        case change

        init(_ refusal: Refusal, of submitter: PublicKey) {
            switch refusal {
            case .quotaExceeded: self = .quota(submitter)
            case .tooManyUnclosed: self = .room
            default: self = .change
            }
        }
    }

    /// Whether a message is in the pool as it is, so that its signatures are known to hold.
    func contains(_ message: Message, in ledger: LedgerID) -> Bool {
        switch message {
        case .request(let message): requests[message.id(in: ledger)]?.message == message
        case .vote(let vote):
            heard[vote.request]?.values.contains(SignedVote(vote)) ?? false
        case .votes(let list): isHeard(list)
        default: others.contains(message)
        }
    }

    /// Whether a vote of the very list was heard, whatever else of it is shown now.
    private func isHeard(_ list: VoteListMessage) -> Bool {
        guard list.isWellFormed else { return false }
        let tree = list.tree
        let (count, root) = (tree.count, tree.root)
        return list.votes.contains { vote in
            guard case .shown(let request, _, _) = vote else { return false }
            return heard[request]?.values.contains { other in
                other.vote.signature == list.signature && other.vote.validator == list.validator
                    && other.vote.timestamp == list.timestamp
                    && other.listing?.list.root == root
                    && other.listing?.list.tree.count == count
            } ?? false
        }
    }

    /// How many requests wait for a batch, without those that the ledger holds.
    var requestCount: Int { waitingCount }

    // MARK: Requests

    /// Whether there is room for a request of a submitter.
    ///
    /// Whoever has little waiting has room though others have much.
    func hasRoom(for submitter: PublicKey) -> Bool {
        let own = requestsOf[submitter, default: 0]
        guard own < ReplicationLimits.requestsPerSubmitterMax else { return false }
        let most =
            own < ReplicationLimits.requestsPerSubmitterLeast
            ? 2 * ReplicationLimits.requestsMax : ReplicationLimits.requestsMax
        return waitingCount < most
    }

    /// Takes in a request that is new.
    ///
    /// - Precondition: There is room for it, and the pool has no such message.
    mutating func add(
        _ message: RequestMessage, _ id: RequestID, isOurs: Bool, at uptime: UInt64
    ) {
        invariant(requests[id]?.message == nil, "a request is added twice")
        begin(id, at: uptime)
        orphanCount -= 1
        waitingCount += 1
        update(id) {
            $0.message = message
            $0.isOurs = isOurs
        }
        requestsOf[message.submitter, default: 0] += 1
        let own = requestsOf[message.submitter, default: 0]
        invariant(
            own <= ReplicationLimits.requestsPerSubmitterMax, "\(own) requests of a submitter")
        for voter in requests[id]?.votes.keys ?? [:].keys { dropOrphan(of: voter) }
        for nullifier in message.nullifiers { byNullifier[nullifier, default: []].append(id) }
        checkCounts()
    }

    /// Stops the process where the counts are not those of the requests.
    private func checkCounts() {
        invariant(orphanCount >= 0, "\(orphanCount) requests without a message")
        invariant(waitingCount >= 0, "\(waitingCount) requests with one")
        invariant(
            waitingCount + orphanCount <= requests.count,
            "\(waitingCount) and \(orphanCount) of \(requests.count) requests")
        invariant(
            waitingCount + orphanCount <= arrivals.count,
            "\(waitingCount) and \(orphanCount) to be forgotten by \(arrivals.count) arrivals")
        invariant(
            waitingCount <= 2 * ReplicationLimits.requestsMax, "\(waitingCount) requests wait")
        invariant(
            orphanCount <= ReplicationLimits.requestsMax,
            "\(orphanCount) requests are known by votes alone")
        invariant(
            requestsOf.count <= waitingCount, "\(requestsOf.count) submitters of \(waitingCount)")
    }

    /// One vote fewer of a validator on what is known only by votes.
    private mutating func dropOrphan(of voter: ValidatorIndex) {
        let count = orphansOf[voter, default: 0] - 1
        invariant(count >= 0, "\(count) votes of \(voter.rawValue) on what has no message")
        invariant(
            count <= orphanCount,
            "\(count) votes of \(voter.rawValue) on \(orphanCount) without a message")
        orphansOf[voter] = count
    }

    /// Takes in a request that the ledger holds and whose round is open, whatever the bounds.
    mutating func adopt(
        _ id: RequestID, _ message: RequestMessage?, at entry: EntryIndex, _ uptime: UInt64
    ) {
        begin(id, at: uptime)
        guard let request = requests[id], request.entry == nil else {
            invariant(
                requests[id]?.entry == entry, "a request is at entry \(entry.rawValue) and another")
            return
        }
        if let known = request.message {
            release(known, id)
        } else {
            orphanCount -= 1
            for voter in request.votes.keys { dropOrphan(of: voter) }
        }
        update(id) {
            $0.entry = entry
            $0.refusal = nil
            $0.message = $0.message ?? message
        }
        if case .waiting? = requests[id]?.check { openUnverified.append(id) }
        checkCounts()
    }

    private mutating func begin(_ id: RequestID, at uptime: UInt64) {
        guard requests[id] == nil else { return }
        requests[id] = PendingRequest(since: uptime)
        orphanCount += 1
        arrivals.append((id, uptime))
    }

    /// Changes what is known of a request, in place.
    mutating func update(_ id: RequestID, _ body: (inout PendingRequest) -> Void) {
        guard let place = requests.index(forKey: id) else { return }
        body(&requests.values[place])
    }

    /// Forgets a request that needs no more votes, or will not come into the ledger.
    mutating func remove(_ id: RequestID) {
        guard let request = requests.removeValue(forKey: id) else { return }
        defer { checkCounts() }
        trim()
        guard request.entry == nil else { return }
        if let message = request.message {
            release(message, id)
        } else {
            orphanCount -= 1
            for voter in request.votes.keys { dropOrphan(of: voter) }
        }
    }

    private mutating func release(_ message: RequestMessage, _ id: RequestID) {
        waitingCount -= 1
        requestsOf[message.submitter, default: 0] -= 1
        invariant(
            requestsOf[message.submitter, default: 0] >= 0, "a submitter with fewer than none")
        if requestsOf[message.submitter] == 0 { requestsOf[message.submitter] = nil }
        for nullifier in message.nullifiers {
            byNullifier[nullifier]?.removeAll { $0 == id }
            if byNullifier[nullifier]?.isEmpty == true { byNullifier[nullifier] = nil }
        }
    }

    /// The requests that would spend a nullifier, and that no batch holds.
    func waiting(for nullifier: Bytes32) -> [RequestID] { byNullifier[nullifier] ?? [] }

    /// Forgets requests that came before a time and that no batch holds, as many as there are.
    mutating func forget(before uptime: UInt64) {
        while let first = arrivals.first, first.since < uptime {
            _ = arrivals.popFirst()
            if let request = requests[first.id], request.entry == nil,
                request.since == first.since
            {
                remove(first.id)
            }
        }
    }

    /// Notes that the refusal of a request may be recorded, while its submitter's share lasts.
    mutating func noteRecorded(_ id: RequestID) {
        guard let submitter = requests[id]?.message?.submitter else { return }
        recorded[submitter, default: []].append(id)
    }

    /// Takes out the requests of a submitter whose refusal may be recorded.
    mutating func popRecorded(of submitter: PublicKey) -> [RequestID] {
        recorded.removeValue(forKey: submitter) ?? []
    }

    // MARK: Parking

    /// Puts a request aside until what it waits for has happened.
    mutating func park(_ id: RequestID, _ refusal: Refusal) {
        guard let submitter = requests[id]?.message?.submitter else { return }
        setReady(id, nil)
        parked[Wait(refusal, of: submitter), default: Line()].append(id)
    }

    /// Takes out as many requests that wait for something, in the order in which they came.
    mutating func unpark(_ wait: Wait, atMost count: Int) -> [RequestID] {
        var result: [RequestID] = []
        while result.count < count, let id = parked[wait]?.popFirst() {
            if let request = requests[id], request.entry == nil, request.refusal != nil {
                result.append(id)
            }
        }
        if parked[wait]?.count == 0 { parked[wait] = nil }
        return result
    }

    // MARK: Verification

    /// Notes that a request is to be verified.
    mutating func noteUnverified(_ id: RequestID) { unverified.append(id) }

    /// The next request to be verified: those of open rounds before those that wait.
    mutating func nextUnverified() -> RequestID? {
        while let id = openUnverified.popFirst() ?? unverified.popFirst() {
            guard let request = requests[id], case .waiting = request.check,
                request.message != nil, request.entry != nil || request.refusal == nil
            else { continue }
            return id
        }
        return nil
    }

    // MARK: When a batch should take it

    /// Sets when a request, or the votes on it, should be in a batch.
    mutating func setReady(_ id: RequestID, _ time: UInt64?) {
        guard let request = requests[id], request.readyAt != time else { return }
        update(id) { $0.readyAt = time }
        defer { trim() }
        guard let time else { return }
        ready.push(id, at: time)
        guard ready.count > 64 + 8 * requests.count else { return }
        let requests = self.requests
        // One that was set aside and is due when it was before stands there twice.
        var kept: Set<RequestID> = []
        ready.keep { requests[$0]?.readyAt == $1 && kept.insert($0).inserted }
        invariant(
            ready.count <= requests.count,
            "\(ready.count) of \(requests.count) requests are to be in a batch")
    }

    /// When the first request of all should be in a batch.
    var readyFloor: UInt64 { ready.first?.at ?? .max }

    /// Drops what does not count from the head of the queue.
    private mutating func trim() {
        while let first = ready.first, requests[first.element]?.readyAt != first.at {
            ready.dropFirst()
        }
    }

    /// Takes out the next that should be in a batch by now; `setReady` is to follow.
    mutating func popReady(at uptime: UInt64) -> RequestID? {
        defer { trim() }
        while let item = ready.pop(dueAt: uptime) {
            guard requests[item.element]?.readyAt == item.at else { continue }
            update(item.element) { $0.readyAt = nil }
            return item.element
        }
        return nil
    }

    // MARK: What is spread again

    /// Notes that a request, or the own vote on it, was spread; it is again after a while, and
    /// after twice as long each time.
    mutating func noteSpread(_ id: RequestID, at uptime: UInt64) {
        guard let request = requests[id] else { return }
        let time = uptime + ReplicationLimits.resendMilliseconds << min(request.spreadCount, 4)
        update(id) {
            $0.spreadAt = time
            $0.spreadCount += 1
        }
        spread.push(id, at: time)
    }

    /// Begins anew to count how often the own vote on a request was spread: a round is open, which
    /// has a deadline.
    mutating func spreadSoon(_ id: RequestID, at uptime: UInt64) {
        guard let request = requests[id], request.spreadCount > 1 else { return }
        update(id) { $0.spreadCount = 0 }
        noteSpread(id, at: uptime)
    }

    /// Takes out the next that is to be spread again.
    mutating func popSpread(at uptime: UInt64) -> RequestID? {
        while let item = spread.pop(dueAt: uptime) {
            guard requests[item.element]?.spreadAt == item.at else { continue }
            return item.element
        }
        return nil
    }

    // MARK: Votes on requests

    /// What became of a vote.
    enum VoteEntry {
        /// It is kept.
        case new
        /// It says what an earlier one says, or is over a bound.
        case known
        /// It contradicts an earlier one.
        case contradicts(SignedVote)
    }

    /// Whether a vote says nothing new, so that its signature need not be checked.
    func isKnown(_ vote: VoteMessage, _ validator: ValidatorIndex) -> Bool {
        guard let earlier = heard[vote.request]?[validator], earlier.vote.vote == vote.vote else {
            return false
        }
        return earlier.vote.timestamp >= vote.timestamp
    }

    /// Takes in a vote that its validator signed.
    mutating func add(
        _ signed: SignedVote, _ validator: ValidatorIndex, at uptime: UInt64
    ) -> VoteEntry {
        let vote = signed.vote
        if let earlier = heard[vote.request]?[validator] {
            if earlier.vote.vote != vote.vote {
                // An abstention contradicts nothing: what does is compared with the vote after it.
                if earlier.vote.vote == .abstain { heard[vote.request]?[validator] = signed }
                return earlier.contradicts(signed) ? .contradicts(earlier) : .known
            }
            guard vote.timestamp > earlier.vote.timestamp else { return .known }
        }
        if requests[vote.request] == nil {
            guard orphansOf[validator, default: 0] < ReplicationLimits.orphansPerVoterMax,
                orphanCount < ReplicationLimits.requestsMax
            else { return .known }
            begin(vote.request, at: uptime)
        }
        if let request = requests[vote.request], request.message == nil, request.entry == nil,
            request.votes[validator] == nil
        {
            let count = orphansOf[validator, default: 0] + 1
            invariant(
                count <= orphanCount,
                "\(count) votes of \(validator.rawValue) on \(orphanCount) without a message")
            orphansOf[validator] = count
        }
        checkCounts()
        remember(signed, validator)
        update(vote.request) { $0.votes[validator] = signed }
        return .new
    }

    /// Forgets that a vote waits: the ledger has it, or will not take it.
    mutating func drop(voteOf validator: ValidatorIndex, on id: RequestID) {
        guard let request = requests[id], request.votes[validator] != nil else { return }
        update(id) { $0.votes[validator] = nil }
        if request.message == nil, request.entry == nil { dropOrphan(of: validator) }
    }

    /// The first vote that the node heard of a validator on a request.
    func heardVote(_ request: RequestID, _ validator: ValidatorIndex) -> SignedVote? {
        heard[request]?[validator]
    }

    /// Remembers a vote that a batch has recorded, so that a later one can be compared with it.
    mutating func remember(_ signed: SignedVote, _ validator: ValidatorIndex) {
        let request = signed.vote.request
        if heard[request] == nil { heardOrder.append(request) }
        heard[request, default: [:]][validator] = signed
        if heardOrder.count > ReplicationLimits.heardRequestsMax,
            let oldest = heardOrder.popFirst()
        {
            heard[oldest] = nil
        }
        invariant(
            heardOrder.count <= ReplicationLimits.heardRequestsMax,
            "the votes on \(heardOrder.count) requests are remembered")
        invariant(heard.count <= heardOrder.count, "a vote is heard that is never forgotten")
    }
}
