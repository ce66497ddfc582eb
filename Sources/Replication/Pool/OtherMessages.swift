// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// The messages other than requests and votes that wait for a batch.
///
/// Each kind has room of its own, and in it each sender, or each accused, a share: junk of one kind
/// takes nothing from the others.
///
/// Invariants: `0 <= counts[k] <= k.countMax`, and their sum is `items.count`;
/// `0 <= patientCount <= readyCount <= items.count`; `byTopic` has no empty list, and none longer
/// than its share; each item has its arrival, so that `items.count <= arrivals.count`.
struct OtherMessages: Sendable {
    /// A message that waits.
    struct Other: Sendable {
        let message: Message
        let topic: Topic
        let kind: Kind
        /// When it came.
        let since: UInt64
        /// Its place in the order of arrival.
        let number: UInt64
        /// Whether it came from a client, so that it is this node's to spread.
        let isOurs: Bool
        /// Why the rules do not take it yet; nil where a batch may take it.
        var refusal: Refusal?
        /// Whether it is in the queue of its kind.
        var isQueued = false
        /// Whether it may wait for the next batch that there is a reason for.
        var isPatient: Bool
        var spreadCount: UInt64 = 0
    }

    /// The kinds in the order in which a batch takes them.
    enum Kind: Int, CaseIterable, Sendable {
        case governance, evidence, settlement, job, result, announcement

        /// How many of a kind wait.
        var countMax: Int {
            switch self {
            case .governance: ReplicationLimits.governanceMax
            case .evidence, .settlement, .job, .result, .announcement: ReplicationLimits.othersMax
            }
        }

        /// Whether one of the kind may wait for the next batch that there is a reason for: nobody
        /// waits for it. A result is waited for once it decides its job (`hurry`).
        var isPatient: Bool {
            self == .settlement || self == .result || self == .announcement
        }

        /// How many of one topic wait.
        var shareMax: Int {
            switch self {
            case .governance: ReplicationLimits.governanceMax
            case .evidence: ReplicationLimits.evidencePerValidatorMax
            case .settlement: ReplicationLimits.settlementsPerRequestMax
            case .job: ReplicationLimits.othersPerSenderMax
            // The validators that a job asks for, with a word to change for each.
            case .result: 2 * Limits.jobValidators
            // The ledger takes one in a minute.
            case .announcement: 2
            }
        }
    }

    /// What a message is about: what of the ledger decides if it is taken.
    enum Topic: Hashable, Sendable {
        case governance
        case evidence(PublicKey)
        case settlement(RequestID)
        case jobs(PublicKey)
        case results(JobID)
        case announcements(PublicKey)
    }

    private var items: [Digest: Other] = [:]
    private var byTopic: [Topic: [Digest]] = [:]
    private var counts = Array(repeating: 0, count: Kind.allCases.count)
    private var queues = Array(
        repeating: TimeQueue<Digest>(), count: Kind.allCases.count)
    private var spread = TimeQueue<Digest>()
    private var arrivals = Line<(digest: Digest, since: UInt64)>()
    private var number: UInt64 = 0
    /// How many messages a batch may take now, and of them those that are patient.
    private var readyCount = 0
    private var patientCount = 0
    /// When the first of those that are patient came.
    private var patientSince: UInt64 = 0

    /// When what waits should be in a batch; nil where a batch may take nothing of it.
    var readyAt: UInt64? {
        guard readyCount > 0 else { return nil }
        return readyCount > patientCount ? 0 : patientSince + ReplicationLimits.reportMilliseconds
    }

    private mutating func countReady(_ other: Other, by change: Int) {
        readyCount += change
        guard other.isPatient else { return }
        if patientCount == 0 { patientSince = other.since }
        patientCount += change
    }

    /// How many wait.
    var count: Int { items.count }

    /// Whether a message waits.
    func contains(_ message: Message) -> Bool { items[Self.digest(of: message)] != nil }

    /// A message that waits.
    func other(_ digest: Digest) -> Other? { items[digest] }

    static func digest(of message: Message) -> Digest { Digest(hashing: message.encoded) }

    /// The kind and topic of a message; nil for a request or vote.
    static func place(of message: Message) -> (Kind, Topic)? {
        switch message {
        case .request, .vote, .votes: nil
        case .governance: (.governance, .governance)
        case .evidence(let message): (.evidence, .evidence(message.validator))
        case .settlement(let message): (.settlement, .settlement(message.request))
        case .job(let message): (.job, .jobs(message.submitter))
        case .result(let message): (.result, .results(message.job))
        case .announcement(let message):
            (.announcement, .announcements(message.validator))
        }
    }

    /// Whether there is room for a message, and none that does for it.
    func hasRoom(for message: Message) -> Bool {
        guard let (kind, topic) = Self.place(of: message), counts[kind.rawValue] < kind.countMax
        else { return false }
        let same = byTopic[topic] ?? []
        guard same.count < kind.shareMax, items[Self.digest(of: message)] == nil else {
            return false
        }
        guard kind == .governance || kind == .evidence else { return true }
        return !same.contains { digest in
            items[digest].map { Self.says(message, what: $0.message) } ?? false
        }
    }

    /// Whether a message says what another does, so that one of them is enough.
    private static func says(_ message: Message, what other: Message) -> Bool {
        switch (message, other) {
        case (.governance(let one), .governance(let two)):
            one.number == two.number && one.change == two.change
        case (.evidence(let one), .evidence(let two)):
            one.validator == two.validator && one.slot == two.slot
        default: false
        }
    }

    /// Takes in a message that there is room for.
    mutating func add(_ message: Message, _ refusal: Refusal?, isOurs: Bool, at uptime: UInt64) {
        guard let (kind, topic) = Self.place(of: message) else { return }
        let digest = Self.digest(of: message)
        guard items[digest] == nil else { return }
        let other = Other(
            message: message, topic: topic, kind: kind, since: uptime, number: number,
            isOurs: isOurs, refusal: refusal, isPatient: kind.isPatient)
        items[digest] = other
        number += 1
        byTopic[topic, default: []].append(digest)
        counts[kind.rawValue] += 1
        arrivals.append((digest, uptime))
        if refusal == nil { countReady(other, by: 1) }
        queue(digest)
        if isOurs { noteSpread(digest, at: uptime) }
        let (count, same) = (counts[kind.rawValue], byTopic[topic]?.count ?? 0)
        invariant(count <= kind.countMax, "\(count) of a kind with room for \(kind.countMax)")
        invariant(same <= kind.shareMax, "\(same) of one topic, whose share is \(kind.shareMax)")
        checkCounts(of: kind)
    }

    /// Stops the process where the counts are not those of the messages.
    private func checkCounts(of kind: Kind) {
        invariant(counts[kind.rawValue] >= 0, "\(counts[kind.rawValue]) messages of a kind")
        let sum = counts.reduce(0, +)
        invariant(sum == items.count, "\(sum) messages by kind, \(items.count) in all")
        invariant(patientCount >= 0, "\(patientCount) patient messages")
        invariant(patientCount <= readyCount, "\(patientCount) patient of \(readyCount) ready")
        invariant(readyCount <= items.count, "\(readyCount) ready of \(items.count)")
        invariant(byTopic.count <= items.count, "\(byTopic.count) topics of \(items.count)")
        invariant(
            items.count <= arrivals.count, "\(items.count) messages, \(arrivals.count) arrivals")
    }

    /// Notes why the rules do not take a message yet; nil where a batch may take it.
    mutating func note(_ refusal: Refusal?, of digest: Digest) {
        guard let before = items[digest] else { return }
        if (before.refusal == nil) != (refusal == nil) {
            countReady(before, by: refusal == nil ? 1 : -1)
        }
        items[digest]?.refusal = refusal
        queue(digest)
        checkCounts(of: before.kind)
    }

    /// Notes that a message is waited for now, and is a reason for a batch.
    mutating func hurry(_ digest: Digest) {
        guard let other = items[digest], other.isPatient else { return }
        if other.refusal == nil { countReady(other, by: -1) }
        items[digest]?.isPatient = false
        if other.refusal == nil, let hurried = items[digest] { countReady(hurried, by: 1) }
        checkCounts(of: other.kind)
    }

    private mutating func queue(_ digest: Digest) {
        guard let other = items[digest], other.refusal == nil, !other.isQueued else { return }
        items[digest]?.isQueued = true
        queues[other.kind.rawValue].push(digest, at: other.number)
    }

    /// Forgets a message.
    mutating func remove(_ digest: Digest) {
        guard let other = items.removeValue(forKey: digest) else { return }
        counts[other.kind.rawValue] -= 1
        if other.refusal == nil { countReady(other, by: -1) }
        byTopic[other.topic]?.removeAll { $0 == digest }
        if byTopic[other.topic]?.isEmpty == true { byTopic[other.topic] = nil }
        checkCounts(of: other.kind)
    }

    /// The messages about something, in the order in which they came.
    func messages(about topic: Topic) -> [Digest] { byTopic[topic] ?? [] }

    /// The changes that wait, by number, where a batch may take one of them.
    var changes: [(Digest, Message)] {
        let all = messages(about: .governance).compactMap { digest in
            items[digest].map { (digest, $0) }
        }
        guard all.contains(where: { $0.1.refusal == nil }) else { return [] }
        return all.sorted { Self.number(of: $0.1.message) < Self.number(of: $1.1.message) }
            .map { ($0.0, $0.1.message) }
    }

    private static func number(of message: Message) -> UInt64 {
        if case .governance(let message) = message { message.number } else { .max }
    }

    /// Takes out the next message of a kind that a batch may take; `putBack` is to follow.
    mutating func popReady(_ kind: Kind) -> (Digest, Message)? {
        while let item = queues[kind.rawValue].pop(dueAt: .max) {
            guard let other = items[item.element] else { continue }
            items[item.element]?.isQueued = false
            if other.refusal == nil { return (item.element, other.message) }
        }
        return nil
    }

    /// Puts a message back that was taken out.
    mutating func putBack(_ digest: Digest) { queue(digest) }

    // MARK: What is spread again

    private mutating func noteSpread(_ digest: Digest, at uptime: UInt64) {
        guard let other = items[digest] else { return }
        items[digest]?.spreadCount += 1
        spread.push(
            digest, at: uptime + ReplicationLimits.resendMilliseconds << min(other.spreadCount, 4))
    }

    /// Takes out the next that is to be spread again, which it will be after twice as long.
    mutating func popSpread(at uptime: UInt64) -> Message? {
        while let item = spread.pop(dueAt: uptime) {
            guard let other = items[item.element] else { continue }
            noteSpread(item.element, at: uptime)
            if other.refusal == nil { return other.message }
        }
        return nil
    }

    /// Forgets what came before a time and the rules still do not take.
    mutating func forget(before uptime: UInt64) {
        while let first = arrivals.first, first.since < uptime {
            _ = arrivals.popFirst()
            guard let other = items[first.digest], other.since == first.since else { continue }
            if other.refusal != nil {
                remove(first.digest)
            } else {
                // It may go into the next batch; it is looked at again when it is as old once more.
                arrivals.append((first.digest, other.since))
                break
            }
        }
    }
}
