// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Replication

/// What goes wrong in a run, besides the liars.
package enum FaultProfile: String, CaseIterable, Sendable {
    /// Nothing: messages take the delay that is set, and nobody crashes.
    case calm
    /// Messages are lost, repeated and overtake each other; some nodes are slow.
    case lossy
    /// Groups of nodes do not hear each other, in both directions or in one.
    case partitions
    /// Power cuts, clean stops, damaged and lost disks.
    case crashes
    /// A bit changes in the memory of nodes, which then come apart from the others.
    case memory
    /// All but the last, and clocks that step.
    case all

    var hasLoss: Bool { self == .lossy || self == .all }
    var hasPartitions: Bool { self == .partitions || self == .all }
    var hasCrashes: Bool { self == .crashes || self == .all }
    var hasClockSteps: Bool { self == .all }
}

/// Everything that a run follows from.
package struct SimulationOptions: Sendable {
    /// Where all chance comes from.
    package var seed: UInt64
    /// N: the validators of the first entry.
    package var nodes = 10
    /// How many of them lie.
    package var byzantine = 3
    /// Virtual time after which all faults but the liars end.
    package var milliseconds: UInt64 = 60_000
    /// What goes wrong.
    package var faults = FaultProfile.all
    /// One-way delay between two nodes, in the middle.
    package var delayMilliseconds: UInt64 = 50
    /// Requests that clients submit in a virtual minute.
    package var requestsPerMinute: UInt64 = 60
    /// How many of them come at one moment, so that validators vote on them in lists.
    package var requestsAtOnce = 1
    /// Virtual time that the verification of a proof takes a node.
    package var verificationMilliseconds: UInt64 = 5
    /// Messages that the nodes take for a quorum in the place of T, to show that the checkers see
    /// it; nil for T.
    package var quorum: Int?
    /// False drops a locking rule of the algorithm, to show the same.
    package var keepsLocks = true
    /// False counts prevotes whatever their ground, to measure what counting them costs.
    package var countsGrounds = true
    /// Ways of lying to choose from, by name; empty for all.
    package var strategies: [String] = []
    /// Whether validators join and leave, and roots and stakes change.
    package var hasGovernance = true
    /// Whether jobs are submitted.
    package var hasJobs = true
    /// The event before which the run stops.
    package var until: UInt64?
    /// Whether the account tells everything.
    package var isVerbose = false
    /// Whether the full audit ends a run.
    package var audits = true
    /// How the nodes time their rounds.
    package var settings = ReplicationSettings()

    /// The standard run of a seed: ten nodes, three of them liars, a minute, everything goes wrong.
    package init(seed: UInt64) { self.seed = seed }

    /// T: the smallest with which two quorums always share an honest validator.
    package var threshold: Int { 2 * nodes / 3 + 1 }

    /// f = N - T: how many may fail.
    package var tolerated: Int { nodes - threshold }

    /// Whether no more lie than may fail, and the algorithm is whole: then all must go well.
    package var isTolerable: Bool { byzantine <= tolerated && keepsLocks && quorum == nil }

    /// What a shell is given to see the same run again.
    package var command: String {
        var parts = [
            "recount simulate --seed \(seed) --nodes \(nodes) --byzantine \(byzantine)",
            "--milliseconds \(milliseconds) --faults \(faults.rawValue)",
            "--delay \(delayMilliseconds) --requests-per-minute \(requestsPerMinute)"
                + (requestsAtOnce == 1 ? "" : " --requests-at-once \(requestsAtOnce)"),
            "--verification \(verificationMilliseconds)",
        ]
        if let quorum { parts.append("--unsafe-quorum \(quorum)") }
        if !keepsLocks { parts.append("--unsafe-locks") }
        if !countsGrounds { parts.append("--unsafe-grounds") }
        if !hasGovernance { parts.append("--no-governance") }
        if !hasJobs { parts.append("--no-jobs") }
        for name in strategies { parts.append("--strategy \(name)") }
        return parts.joined(separator: " ")
    }
}
