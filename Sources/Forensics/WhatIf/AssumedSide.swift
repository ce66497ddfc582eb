// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Ledger
internal import Synchronization

/// The run under other rules, and what differs in it.
struct AssumedSide: Sendable {
    /// The run.
    private(set) var run: AssumedRun
    /// What became of each request under both rules.
    var pairs = DecisionPairs(keptMax: WhatIf.pairsMax)
    /// Batches that each validator has proposed, by name.
    private(set) var proposed: [String: UInt64] = [:]
    /// Batches that another validator would have proposed.
    private(set) var proposersMoved: UInt64 = 0

    init(_ hypothesis: Hypothesis) { run = AssumedRun(hypothesis) }

    /// Replays a batch of the log.
    mutating func replay(_ batch: ReplayedBatch) {
        for step in batch.steps {
            run.watch.input = step.entry
            let before = run.state.size
            run.take(step.input, kind: step.kind)
            if let refusal = step.refusal { admit(step, refusal, before) }
            if case .batch = step.input { countProposers(own: batch.proposer) }
        }
        run.finish(decided: batch.decided)
        for closed in batch.closed { pairs.addOwn(closed.id, closed.entry, closed.decision) }
        for (id, decision) in run.watch.closed { pairs.addAssumed(id, decision) }
        for (id, decision) in run.refusedRequests { pairs.addAssumed(id, decision) }
        run.watch.closed = []
        run.refusedRequests = []
    }

    /// Notes a request that the log refused and the other rules have admitted.
    private mutating func admit(
        _ step: ReplayedBatch.Step, _ refusal: Refusal, _ before: UInt64
    ) {
        guard case .message(.request(let message), _) = step.input else { return }
        let id = message.id(in: run.state.ledger)
        guard let place = run.state.entry(of: id), place.rawValue >= before else { return }
        pairs.addAdmitted(id, step.entry, refusal)
    }

    private mutating func countProposers(own: String?) {
        guard run.end == nil, let proposer = run.proposer else { return }
        let name = run.state.name(of: proposer)
        proposed[name, default: 0] += 1
        if own != name { proposersMoved += 1 }
    }
}

/// The run under other rules on a thread of its own, a few batches behind the log.
final class AssumedThread: Sendable {
    /// Batches that wait at the most.
    private static let waitingMax = 16

    private let side: Mutex<AssumedSide>
    private let queue = DispatchQueue(label: "recount.assumed")
    private let places = DispatchSemaphore(value: AssumedThread.waitingMax)

    init(_ hypothesis: Hypothesis) { side = Mutex(AssumedSide(hypothesis)) }

    /// Hands a batch over; waits where many do.
    func put(_ batch: ReplayedBatch) {
        places.wait()
        queue.async { [self] in
            side.withLock { $0.replay(batch) }
            places.signal()
        }
    }

    /// What it came to, once all that was handed over is replayed.
    func finish<Result: Sendable, Failure: Error>(
        _ body: (inout sending AssumedSide) throws(Failure) -> sending Result
    ) throws(Failure) -> Result {
        queue.sync {}
        return try side.withLock(body)
    }
}
