// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Hosting
internal import Ledger
internal import Replication

/// Answers peers that follow the ledger and are nobody in it: each within a small budget, and all
/// of them together within another, so that validators lose nothing by them.
final class Observers: Duty {
    private var budget = ObserverBudget()
    private var batchAt: UInt64 = 0

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) { batchAt = node.uptime }

    /// Answers a question where the budgets allow it.
    func answer(
        _ question: PeerMessage, from observer: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        let uptime = node.uptime
        if case .status(let status) = question {
            // One that is a batch behind may hear of it by gossip yet.
            let isRecent = uptime < batchAt + NodeLimits.observerPatienceMilliseconds
            let height = node.state.height
            guard status.height < height || status.height == height && !isRecent else { return }
        }
        guard budget.takes(from: observer, at: uptime) else { return }
        let answers: [[UInt8]]
        do throws(HostError) { answers = try node.host.answers(to: question) } catch {
            throw .node(name: node.name, error)
        }
        for answer in answers {
            node.transport.send(answer, to: observer)
            budget.pay(answer.count, from: observer)
        }
    }
}

/// How many bytes observers are answered with.
///
/// An answer is given while something is left, and may lead into debt, which time pays.
package struct ObserverBudget: Sendable {
    private struct Bucket: Sendable {
        var bytes: Int
        var filledAt: UInt64

        mutating func fill(_ perSecond: Int, at uptime: UInt64) {
            let elapsed = Int(min(uptime - min(uptime, filledAt), 60_000))
            bytes = min(perSecond, bytes + elapsed * perSecond / 1_000)
            filledAt = max(filledAt, uptime)
        }
    }

    private var all = Bucket(bytes: NodeLimits.observersBytesPerSecond, filledAt: 0)
    private var each: [PublicKey: Bucket] = [:]

    /// Observers that are remembered.
    package var count: Int { each.count }

    /// Nobody has asked yet.
    package init() {}

    /// Whether an observer is answered now; a question costs something by itself.
    package mutating func takes(from observer: PublicKey, at uptime: UInt64) -> Bool {
        all.fill(NodeLimits.observersBytesPerSecond, at: uptime)
        var bucket =
            each[observer] ?? Bucket(bytes: NodeLimits.observerBytesPerSecond, filledAt: uptime)
        bucket.fill(NodeLimits.observerBytesPerSecond, at: uptime)
        if each[observer] == nil, each.count >= NodeLimits.observersMax {
            forgetIdle(at: uptime)
            guard each.count < NodeLimits.observersMax else { return false }
        }
        let isTaken = all.bytes > 0 && bucket.bytes > 0
        each[observer] = bucket
        if isTaken { pay(NodeLimits.observerQuestionBytes, from: observer) }
        return isTaken
    }

    /// Takes the bytes of an answer from whoever asked for it, and from all.
    package mutating func pay(_ bytes: Int, from observer: PublicKey) {
        all.bytes -= bytes
        each[observer]?.bytes -= bytes
    }

    /// Forgets those whom time has given back all that they had.
    private mutating func forgetIdle(at uptime: UInt64) {
        each = each.filter { entry in
            var bucket = entry.value
            bucket.fill(NodeLimits.observerBytesPerSecond, at: uptime)
            return bucket.bytes < NodeLimits.observerBytesPerSecond
        }
    }
}
