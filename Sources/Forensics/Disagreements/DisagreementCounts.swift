// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import EventLog
internal import Ledger

/// Counts rounds as they close.
struct DisagreementCounts {
    private let filter: DisagreementFilter
    private let grouping: DisagreementGrouping?
    private let index: ValidatorIndex?
    private var rounds: UInt64 = 0
    private var disagreements: UInt64 = 0
    private var kept: [VotedRound] = []
    private var groups: [String: DisagreementGroup] = [:]
    private var pairs = PairCounts()
    /// Whether there were more groups than are told apart.
    private var isCut = false

    init(
        _ filter: DisagreementFilter, by grouping: DisagreementGrouping?, named: ValidatorIndex?
    ) {
        self.filter = filter
        self.grouping = grouping
        index = named
    }

    mutating func add(_ round: VotedRound) {
        guard filter.counts(round), !round.ballots.isEmpty else { return }
        rounds += 1
        if grouping == .pair { pairs.add(round) }
        let isWanted = round.isDisagreed && filter.wants(round, named: index)
        if isWanted {
            disagreements += 1
            kept.append(round)
            // Half of them go at once, so that each costs little.
            if kept.count >= 2 * Disagreements.listMax {
                kept.removeFirst(kept.count - Disagreements.listMax)
            }
        }
        count(round, isWanted: isWanted)
    }

    private mutating func count(_ round: VotedRound, isWanted: Bool) {
        guard let grouping, grouping != .pair else { return }
        var seen: Set<String> = []
        for ballot in round.ballots {
            guard let name = Self.key(ballot, round, grouping) else { continue }
            guard groups[name] != nil || groups.count < Disagreements.groupsMax else {
                isCut = true
                continue
            }
            var group = groups[name] ?? DisagreementGroup(name: name)
            if seen.insert(name).inserted {
                group.rounds += 1
                if isWanted { group.disagreements += 1 }
            }
            group.votes += 1
            if isWanted, round.isAgainst(ballot) { group.against += 1 }
            groups[name] = group
        }
    }

    private static func key(
        _ ballot: VotedRound.Ballot, _ round: VotedRound, _ grouping: DisagreementGrouping
    ) -> String? {
        switch grouping {
        case .validator: "\(ballot.validator.rawValue)"
        case .reason: ballot.reason
        case .circuit: round.circuit
        case .version: ballot.version ?? "not announced"
        case .day: String(UTC.text(round.time).prefix(10))
        case .pair: nil
        }
    }

    func result(_ state: LedgerState) -> Disagreements {
        let names = LedgerNames(state)
        var named = groups.values.map { group in
            guard grouping == .validator, let number = UInt16(group.name) else { return group }
            return DisagreementGroup(
                name: names.name(of: ValidatorIndex(number)), rounds: group.rounds,
                disagreements: group.disagreements, votes: group.votes, against: group.against)
        }
        named.sort { one, other in
            (other.against, other.disagreements, one.name)
                < (one.against, one.disagreements, other.name)
        }
        let (found, judged) = grouping == .pair ? pairs.findings(names) : ([], 0)
        return Disagreements(
            ledger: state.ledger.hex, rounds: rounds, disagreements: disagreements,
            list: kept.suffix(Disagreements.listMax).map { Disagreement($0, names) },
            by: grouping, groups: named, pairs: found, pairsJudged: judged, limits: limits)
    }

    private var limits: [String] {
        var limits = [
            "Against the rest is who said something else than most of those who voted; that does"
                + " not make it wrong. Whether a vote contradicts the proof, recount audit says."
        ]
        if grouping == .pair {
            limits += [
                "A pair is judged where either was against the rest \(PairCounts.togetherMin) times"
                    + " or more, and told where both were together so often. Chance takes each to"
                    + " have voted without regard to the other; it is corrected for all pairs"
                    + " judged (Bonferroni), and a pair is found where at most one ledger in"
                    + " \(PairCounts.oneInMin) would show one like it.",
                "That two vote together does not show that they are in league: one version, one"
                    + " machine, one outage or the same false proofs give the same picture. That a"
                    + " pair is not found does not show that it is not: those who vote with most,"
                    + " or seldom, leave no trace here.",
            ]
        }
        if isCut {
            limits.append(
                "Only the first \(Disagreements.groupsMax) groups are told apart; choose fewer"
                    + " rounds with --since and --until.")
        }
        return limits
    }
}

extension Disagreement {
    init(_ round: VotedRound, _ names: LedgerNames) {
        var sides: [(said: String, ballots: [VotedRound.Ballot])] = []
        for ballot in round.ballots {
            if let place = sides.firstIndex(where: { $0.said == ballot.said }) {
                sides[place].ballots.append(ballot)
            } else {
                sides.append((ballot.said, [ballot]))
            }
        }
        sides.sort { ($1.ballots.count, $0.said) < ($0.ballots.count, $1.said) }
        self.init(
            entry: round.entry, matter: round.isJob ? "job" : "request", about: round.about,
            id: round.id, time: round.time.rawValue, circuit: round.circuit,
            outcome: round.outcome, mostSaid: round.mostSaid,
            sides: sides.map { side in
                SideView(
                    said: side.said,
                    validators: side.ballots.map { names.name(of: $0.validator) },
                    reasons: side.ballots.compactMap(\.reason),
                    versions: side.ballots.map(\.version))
            })
    }
}

extension Disagreements {
    /// Folds a log and counts its rounds and jobs.
    ///
    /// Folds it twice where a validator is named, whose number only the end of the log tells.
    package static func of(
        _ log: EventLog, _ filter: DisagreementFilter = DisagreementFilter(),
        by grouping: DisagreementGrouping? = nil
    ) throws(DisagreementError) -> Disagreements {
        guard log.size > 0 else { throw .empty }
        var index: ValidatorIndex?
        if let validator = filter.validator {
            let names = LedgerNames(try fold(log) { _ in })
            index = names.validator(validator)
            guard index != nil else {
                throw .unknown(
                    field: "validator", name: validator, known: Array(names.validators.prefix(20)))
            }
        }
        var counts = DisagreementCounts(filter, by: grouping, named: index)
        let state = try fold(log) { counts.add($0) }
        let circuits = LedgerNames(state).circuits
        if let circuit = filter.circuit, !circuits.contains(circuit) {
            throw .unknown(field: "circuit", name: circuit, known: Array(circuits.prefix(20)))
        }
        return counts.result(state)
    }

    private static func fold(
        _ log: EventLog, _ body: (VotedRound) -> Void
    ) throws(DisagreementError) -> LedgerState {
        do throws(ReplayError) { return try VotedRound.forEach(in: log, body) } catch {
            throw .replay(error)
        }
    }
}
