// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// The batches behind the proposals of one height: each is derived once, also where it fails.
///
/// Invariants: `failed.count == failedOrder.count <= failedProposalsMax`; `derived` is of a value
/// that was in `valid` when it was derived; `failures[p] <= failuresPerPeerMax`.
struct Derivations: Sendable {
    /// Valid batches by their value.
    private(set) var valid: [Digest: ProposedBatch] = [:]
    /// What the last of them that was derived has come to.
    private var derived: ExecutedBatch?
    /// A second state equal to the last one, for the next batch to be derived on: what nobody else
    /// holds is changed in place, and a batch costs what it changes and not what there is.
    private var spare: LedgerState?
    /// What failed, by value and bytes.
    private var failed: Set<Digest> = []
    private var failedOrder = Line<Digest>()
    /// How often a batch failed that a peer sent, in this height.
    private var failures: [ValidatorIndex?: Int] = [:]

    mutating func enterHeight() {
        valid = [:]
        derived = nil
        failures = [:]
    }

    // MARK: What is valid

    mutating func note(_ run: ExecutedBatch) {
        valid[run.value] = run.batch
        derived = run
    }

    /// Takes out what a value was derived to, where it was the last that was.
    mutating func takeDerived(_ value: Digest) -> ExecutedBatch? {
        let held = derived?.value == value ? derived : nil
        derived = nil
        return held
    }

    mutating func keep(_ isKept: (Digest) -> Bool) { valid = valid.filter { isKept($0.key) } }

    // MARK: A state to derive on

    /// Takes out the second state, where there is one.
    mutating func takeSpare() -> LedgerState? {
        let result = spare
        spare = nil
        return result
    }

    /// Keeps a state that equals the last one and that nobody else refers to.
    mutating func keepSpare(_ state: LedgerState) {
        invariant(spare == nil, "a state is kept beside a second one")
        invariant(!state.isBatchOpen, "a state within batch \(state.height.rawValue) is kept")
        spare = state
    }

    /// Forgets every state, and what batches have come to.
    mutating func forgetStates() {
        spare = nil
        derived = nil
    }

    // MARK: What failed

    /// Whether a batch has failed before, or its sender's failed too often.
    func hasFailed(_ mark: Digest, from peer: ValidatorIndex?) -> Bool {
        failed.contains(mark)
            || failures[peer, default: 0] >= ReplicationLimits.failuresPerPeerMax
    }

    mutating func noteFailed(_ mark: Digest, from peer: ValidatorIndex?) {
        failures[peer, default: 0] += 1
        invariant(
            failures[peer, default: 0] <= ReplicationLimits.failuresPerPeerMax,
            "\(failures[peer, default: 0]) batches of one peer were looked at, and failed")
        guard failed.insert(mark).inserted else { return }
        failedOrder.append(mark)
        if failedOrder.count > ReplicationLimits.failedProposalsMax,
            let oldest = failedOrder.popFirst()
        {
            failed.remove(oldest)
        }
        invariant(
            failed.count == failedOrder.count,
            "\(failed.count) proposals have failed, \(failedOrder.count) of them in order")
        invariant(
            failed.count <= ReplicationLimits.failedProposalsMax,
            "\(failed.count) proposals that failed are remembered")
    }
}
