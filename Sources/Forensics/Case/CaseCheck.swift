// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Hosting
internal import Ledger
internal import Replication

/// Whether a case holds together, and which side this program confirms; no ledger is needed.
package struct CaseCheck: Encodable, Sendable {
    /// Whom a derivation confirms.
    package enum Side: String, Encodable, Sendable {
        /// T validators: it gives what they agreed on.
        case quorum
        /// The node: it gives what that derived.
        case node
        /// Neither.
        case neither
        /// The case does not hold, so that nothing can be derived.
        case unjudged
    }

    /// One thing that must hold.
    package struct Line: Encodable, Sendable {
        /// What is looked at: `history`, `state`, `batch`, `precommits` or `own`.
        package let check: String
        /// Whether it holds; nil where what it rests on does not.
        package let holds: Bool?
        /// What was found, in words.
        package let detail: String
    }

    /// In the order in which one rests on another.
    package private(set) var lines: [Line] = []
    /// Whom this program confirms.
    package private(set) var confirms = Side.unjudged

    /// Whether all that must hold does.
    package var holds: Bool { lines.allSatisfy { $0.holds != false } }

    /// Checks a case.
    package init(_ found: DivergenceCase) {
        checkHistory(found)
        let state: LedgerState
        do throws(SnapshotError) {
            state = try found.state()
            guard state.ledger == found.ledger, state.size == found.frontier.count else {
                throw .malformed(part: "fixed")
            }
            add("state", true, "it has the roots that the last seal names")
        } catch {
            add("state", false, "\(error)")
            return
        }
        checkBatch(found)
        checkPrecommits(found, state)
        confirms = side(found, state)
    }

    private mutating func add(_ check: String, _ holds: Bool?, _ detail: String) {
        lines.append(Line(check: check, holds: holds, detail: detail))
    }

    /// The seal that names the roots is the last entry of the log that the batch continues.
    private mutating func checkHistory(_ found: DivergenceCase) {
        guard let seal = found.seal else {
            return add(
                "history", nil,
                "the node lacked older entries, so that nothing binds the state to the log")
        }
        guard seal.frontier == found.frontier, seal.components == found.components else {
            return add("history", false, "the last seal does not end the log before the batch")
        }
        guard case .batchOpened(let opened)? = found.batch.events.first else {
            return add("history", false, "the batch does not begin with its opening")
        }
        let continues = opened.previousRoot == found.frontier.root
        if case .history = found.divergence {
            return add(
                "history", !continues,
                "the batch continues another log, of the root"
                    + " \(opened.previousRoot.hex)")
        }
        add(
            "history", continues,
            continues
                ? "the batch continues the log whose last entry names the roots"
                : "the batch continues another log")
    }

    /// The entries give the root that was signed; in another history they cannot.
    private mutating func checkBatch(_ found: DivergenceCase) {
        if case .history = found.divergence {
            return add("batch", true, "its entries follow a log that is not in the case")
        }
        var grown = found.frontier
        for entry in found.batch.entries { grown.append(leaf: entry.bytes) }
        let holds = grown.root == found.root
        add("batch", holds, holds ? "its entries give the root" : "its entries give another root")
    }

    private mutating func checkPrecommits(_ found: DivergenceCase, _ state: LedgerState) {
        let threshold = Int(state.sealedLast.parameters.threshold)
        let holds = found.batch.precommits.areSigned(
            by: state.sealedLast.members, in: state.ledger, threshold: threshold)
        add(
            "precommits", holds,
            holds
                ? "\(threshold) of those in office signed the root"
                : "they are not \(threshold) of those in office, or a signature is wrong")
    }

    private func side(_ found: DivergenceCase, _ state: LedgerState) -> Side {
        guard holds else { return .unjudged }
        if case .certified = found.outcome(on: state) { return .quorum }
        let own = found.batch.derivedHere(on: state, found.frontier)
        return own.root == found.ownRoot ? .node : .neither
    }
}
