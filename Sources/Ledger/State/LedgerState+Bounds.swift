// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What holds of every state that the rules give, so that they may be run on one from outside.
///
/// The state of a snapshot was signed by T validators; that of evidence, or of a case, by nobody:
/// whoever writes one can give it the right roots. Sums and products over it must not overflow.
extension LedgerState {
    /// Sizes, heights and times are below it.
    private static let bound: UInt64 = 1 << 62

    /// Whether parameters, stakes, reputations, counts and places are such as the rules admit.
    package var isWithinBounds: Bool {
        guard [size, height.rawValue, time.rawValue, nextChange].allSatisfy({ $0 < Self.bound }),
            height.rawValue < size, batchEntry.rawValue < size, decayDay <= time.day,
            refusalMinute <= time.minute, !members.isEmpty,
            members.count <= Limits.membersMax
        else { return false }
        return areStakesBounded && areCircuitsBounded && areRoundsBounded && areQuotasCounted
    }

    private var areStakesBounded: Bool {
        let now = members.map { validators[Int($0.rawValue)].stake }
        let sealed = [sealedBefore, sealedLast]
        let sets = [now] + sealed.map { $0.members.map(\.stake) }
        return sets.allSatisfy(Self.isAdmitted)
            && ([parameters] + sealed.map(\.parameters)).allSatisfy { $0.fault == nil }
            && zip(sets, [parameters] + sealed.map(\.parameters)).allSatisfy { stakes, parameters in
                parameters.fault(members: stakes.count) == nil
            }
            && validators.allSatisfy { $0.reputation <= Limits.reputationMax }
            && validators.allSatisfy(\.key.isValid)
    }

    private var areCircuitsBounded: Bool {
        circuits.allSatisfy { registered in
            registered.circuit.inputs.count <= Limits.publicInputsMax
                && registered.circuit.nullifierCount <= Limits.nullifiersMax
        }
    }

    private static func isAdmitted(_ stakes: [Stake]) -> Bool {
        do throws(Refusal) {
            try checkStakes(stakes)
            return true
        } catch {
            return false
        }
    }

    /// Those who are pinned are ranked too, and places come before the end of the log.
    private var areRoundsBounded: Bool {
        (openRounds + openJobs + pendingSettlements).allSatisfy { $0.rawValue < size }
            && openRounds.allSatisfy { entry in
                guard let round = rounds[entry] else { return false }
                let pinned = round.pinned.members
                return Self.isAdmitted(pinned.map(\.stake))
                    && pinned.allSatisfy { $0.reputation <= Limits.reputationMax }
                    && zip(pinned, pinned.dropFirst()).allSatisfy { $0.index < $1.index }
                    && round.opened.threshold > 0
                    && Int(round.opened.threshold) <= pinned.count
            }
    }

    /// Each submitter's undecided rounds and jobs are as many as there are.
    private var areQuotasCounted: Bool {
        var counts = [UInt32](repeating: 0, count: submitters.count)
        let owners =
            openRounds.compactMap { rounds[$0] }.filter { $0.decided == nil }
            .map(\.request.submitter)
            + openJobs.compactMap { jobs[$0] }.filter { $0.decided == nil }
            .map(\.submitted.submitter)
        for owner in owners {
            guard counts.indices.contains(Int(owner.rawValue)) else { return false }
            counts[Int(owner.rawValue)] += 1
        }
        return zip(counts, submitters).allSatisfy { $0 == $1.undecided }
    }
}
