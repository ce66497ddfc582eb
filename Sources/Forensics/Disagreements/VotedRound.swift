// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// A round or job at its close, as it was voted on.
struct VotedRound {
    /// A vote or result.
    struct Ballot {
        /// The validator.
        let validator: ValidatorIndex
        /// What it said: `approve`, `reject`, `abstain`, or the status and output of a result.
        let said: String
        /// Why it said so; nil for a result.
        let reason: String?
        /// The version of the program that it had announced by then.
        let version: String?
    }

    /// The entry that closed it.
    let entry: UInt64
    /// The entry that introduced the request or job.
    let about: UInt64
    /// The identity of the request or job, in hexadecimal.
    let id: String
    /// Whether it is of a job.
    let isJob: Bool
    /// The time of the batch that closed it.
    let time: Time
    /// What the circuit is called; nil for a job.
    let circuit: String?
    /// How it was decided.
    let outcome: String
    /// The votes or results, by validator.
    let ballots: [Ballot]

    /// What most said; nil where two sides are the largest, or nobody said anything.
    let mostSaid: String?

    /// Whether not all said the same.
    var isDisagreed: Bool { ballots.contains { $0.said != ballots[0].said } }

    /// Whether a vote is against the rest: something else than most said.
    func isAgainst(_ ballot: Ballot) -> Bool { mostSaid.map { $0 != ballot.said } ?? false }

    init(_ round: Round, _ decided: OutcomeDecided, _ state: LedgerState) {
        entry = state.size
        about = round.entry.rawValue
        id = round.id.hex
        isJob = false
        time = state.time
        circuit = state.circuit(round.request.circuit)?.circuit.name
        outcome = decided.outcome.jsonName
        ballots = zip(round.pinned.members, round.votes).compactMap { member, vote in
            vote.map {
                Ballot(
                    validator: member.index, said: $0.event.vote.jsonName,
                    reason: $0.event.reason.jsonName, version: Self.version(member.index, state))
            }
        }
        mostSaid = Self.most(ballots)
    }

    init(_ job: Job, _ decided: JobDecided, _ assigned: JobAssigned, _ state: LedgerState) {
        entry = state.size
        about = job.entry.rawValue
        id = job.id.hex
        isJob = true
        time = state.time
        circuit = nil
        outcome = decided.decision.jsonName
        ballots = zip(assigned.validators, job.results).sorted { $0.0 < $1.0 }.compactMap {
            index, result in
            result.map {
                Ballot(
                    validator: index,
                    said: "\($0.event.status.kind.jsonName) \($0.event.output.hex.prefix(16))",
                    reason: nil, version: Self.version(index, state))
            }
        }
        mostSaid = Self.most(ballots)
    }

    private static func version(_ index: ValidatorIndex, _ state: LedgerState) -> String? {
        state.validator(index)?.announced?.announcement.program
    }

    private static func most(_ ballots: [Ballot]) -> String? {
        var sides: [(said: String, count: Int)] = []
        for ballot in ballots {
            if let place = sides.firstIndex(where: { $0.said == ballot.said }) {
                sides[place].count += 1
            } else {
                sides.append((ballot.said, 1))
            }
        }
        let largest = sides.map(\.count).max() ?? 0
        let those = sides.filter { $0.count == largest }
        return those.count == 1 ? those[0].said : nil
    }
}

extension VotedRound {
    /// Folds a log, and hands each round and job to `body` as it closes; returns the state at the
    /// end.
    static func forEach(
        in log: EventLog, _ body: (VotedRound) -> Void
    ) throws(ReplayError) -> LedgerState {
        var state = LedgerState()
        do throws(FoldFailure) {
            try LedgerFold.forEach(log, from: 0) { _, entry throws(FoldFailure) in
                if case .roundClosed(let closed) = entry.event,
                    let round = closing(closed.about, state)
                {
                    body(round)
                }
                try LedgerFold.apply(entry, to: &state)
                return true
            }
        } catch { throw ReplayError(error) }
        return state
    }

    /// The round or job that an event closes, as it stands in the state before; nil where
    /// there is none.
    static func closing(_ about: EntryIndex, _ state: LedgerState) -> VotedRound? {
        if let round = state.openRound(at: about), let decided = round.decided {
            return VotedRound(round, decided, state)
        }
        if let job = state.job(at: about), let decided = job.decided, let assigned = job.assigned {
            return VotedRound(job, decided, assigned, state)
        }
        return nil
    }
}
