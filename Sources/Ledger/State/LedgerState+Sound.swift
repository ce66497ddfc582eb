// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What holds of every state that the rules can come to, and what they rest on: whoever keeps a
/// state can write what no run gives, with the right roots.
extension LedgerState {
    /// No ledger reaches so many entries, or batches.
    private static let countMax: UInt64 = 1 << 62

    /// Throws where a number of the state is one that no run gives.
    func checkSound() throws(SnapshotError) {
        guard size < Self.countMax, height.rawValue < size, batchEntry.rawValue < size,
            time.rawValue < Self.countMax
        else { throw .malformed(part: "time") }
        try checkParties()
        for sealed in [sealedBefore, sealedLast] {
            guard Self.isSound(sealed.members.map(\.stake), sealed.parameters) else {
                throw .malformed(part: "validators")
            }
        }
        try checkUnfinished()
    }

    private func checkParties() throws(SnapshotError) {
        guard parameters.fault == nil,
            Self.isSound(members.map { validators[Int($0.rawValue)].stake }, parameters)
        else { throw .malformed(part: "parameters") }
        guard validators.allSatisfy({ $0.reputation <= Limits.reputationMax }),
            decayDay <= time.rawValue / 86_400_000
        else { throw .malformed(part: "validators") }
        guard circuits.allSatisfy({ Self.isSound($0.circuit) }) else {
            throw .malformed(part: "circuits")
        }
    }

    private static func isSound(_ stakes: [Stake], _ parameters: Parameters) -> Bool {
        guard parameters.fault == nil, parameters.fault(members: stakes.count) == nil else {
            return false
        }
        do throws(Refusal) { try checkStakes(stakes) } catch { return false }
        return true
    }

    private static func isSound(_ circuit: Circuit) -> Bool {
        circuit.inputs.count <= Limits.publicInputsMax
            && circuit.nullifierCount <= Limits.nullifiersMax
    }

    /// Open rounds and jobs are of this log, and submitters are charged with those undecided.
    private func checkUnfinished() throws(SnapshotError) {
        var undecided = Array(repeating: UInt32(0), count: submitters.count)
        for case let round? in openRounds.map({ rounds[$0] }) {
            guard round.entry.rawValue < size, round.opened.threshold > 0,
                round.pinned.members.count >= Int(round.opened.threshold)
            else { throw .malformed(part: "rounds") }
            if round.decided == nil { undecided[Int(round.request.submitter.rawValue)] += 1 }
        }
        for case let job? in openJobs.map({ jobs[$0] }) {
            guard job.entry.rawValue < size else { throw .malformed(part: "jobs") }
            if job.decided == nil { undecided[Int(job.submitted.submitter.rawValue)] += 1 }
        }
        guard zip(submitters, undecided).allSatisfy({ $0.undecided == $1 }) else {
            throw .malformed(part: "submitters")
        }
    }
}
