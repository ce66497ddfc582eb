// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CBuild
import Compute
import Ledger
import Node

/// What this program is, as `recount --version` says it.
enum ProgramVersion {
    /// The commit that it was built from; nil where the build was not told, as only `Tools/package`
    /// does.
    static let commit: String? = {
        // SAFETY: the text is a constant of the program that ends in zero.
        let text = unsafe String(cString: recount_commit())
        return text.isEmpty ? nil : text
    }()

    /// A line each: the program, as validators announce it in the ledger, the commit, the formats
    /// of ledgers that it reads, and the engine that runs jobs.
    static let text = """
        recount \(NodeLimits.programVersion)
        commit \(commit ?? "unknown: the build was not told")
        ledger format \(Limits.formatVersion)
        jobs run by \(ComputeEngine.name) \(ComputeEngine.version)
        """
}
