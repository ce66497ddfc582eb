// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Ledger
import Node

/// What this program is, as `recount --version` says it.
enum ProgramVersion {
    /// A line each: the program, as validators announce it in the ledger, the formats of ledgers
    /// that it reads, and the engine that runs jobs.
    static let text = """
        recount \(NodeLimits.programVersion)
        ledger format \(Limits.formatVersion)
        jobs run by \(ComputeEngine.name) \(ComputeEngine.version)
        """
}
