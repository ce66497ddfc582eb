// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit

/// What was not looked for, for lack of an input.
extension CulpritSearch {
    mutating func tellLacking() {
        func lacks(_ crime: String, _ input: String) {
            report.lacking.append(CulpritReport.Lacking(crime: crime, input: input))
        }
        if witnesses.count < 2 {
            lacks(
                "two batches at one height, and votes, results or reports that differ between"
                    + " copies", "a second ledger")
        }
        if inputs.journals.isEmpty {
            lacks(
                "two proposals, prevotes or precommits in one round, locks that were forgotten,"
                    + " proposals out of turn",
                "journals: that of one honest precommitter of each side of a fork suffices")
        }
        if inputs.checkpoints.isEmpty {
            lacks("checkpoints that no ledger bears out", "checkpoints")
        }
        if !inputs.recounts {
            lacks(
                "votes against the proof, and batches that the rules refute",
                "the recount, which was left out")
        }
        if inputs.engine == nil || !inputs.recounts {
            lacks("results that running the job again refutes", "the engine, with --recompute")
        }
    }
}
