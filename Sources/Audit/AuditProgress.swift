// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
internal import Cryptography
internal import EventLog

/// What of an audit is asked for.
package struct AuditOptions: Sendable {
    /// Whether the Merkle tree is computed again from the entries; else checksums stand for them.
    package var checkTree = true
    /// Whether derived events and roots are derived again.
    package var derives = true
    /// Whether signatures are checked.
    package var checkSignatures: Bool
    /// Whether proofs are verified again.
    package var verifyProofs: Bool
    /// What runs decided jobs again; nil where that is not asked for.
    package var recompute: ComputeEngine?
    /// How many chunks of work are checked, and how many jobs are run, at a time.
    package var cores: Int
    /// What is read and decoded in one piece, in bytes of the log; a frame at least.
    package var pieceBytes = LogSweep.pieceBytes
    /// Checks signatures. Whoever audits with a copy of these options uses the same tables of keys:
    /// each takes milliseconds to make, and megabytes of the caches.
    let checker = SignatureChecker()

    /// Everything but the jobs is checked unless told.
    package init(
        checkSignatures: Bool = true, verifyProofs: Bool = true, recompute: ComputeEngine? = nil,
        cores: Int? = nil
    ) {
        self.checkSignatures = checkSignatures
        self.verifyProofs = verifyProofs
        self.recompute = recompute
        self.cores = max(1, cores ?? defaultCores())
    }
}

extension AuditOptions {
    /// Whether anything is asked for that rests on what the entries say.
    var readsEntries: Bool {
        derives || checkSignatures || verifyProofs || recompute != nil
    }
}

/// How far an audit is.
package struct AuditProgress: Sendable {
    /// The parts of an audit, in order.
    package enum Phase: String, Sendable {
        /// Frames and Merkle tree, where nothing is asked of the entries.
        case log
        /// Frames, tree, derivation, signatures and proofs.
        case entries
        /// Jobs that were still to be run again after the entries.
        case jobs
    }

    /// The part at hand.
    package let phase: Phase
    /// Entries looked at, or jobs run, in this part.
    package let done: UInt64
    /// Entries in all, or jobs that were left for this part.
    package let total: UInt64
    /// Time that this part has taken.
    package let seconds: Double

    /// Entries or jobs in a second.
    package var rate: Double { seconds > 0 ? Double(done) / seconds : 0 }

    /// Seconds that this part will still take at this rate; nil before there is one.
    package var secondsLeft: Double? {
        rate > 0 ? Double(total - min(done, total)) / rate : nil
    }
}

/// A clock that only runs forward.
struct Stopwatch {
    private let start = ContinuousClock.now

    /// Seconds since it was made.
    var seconds: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
