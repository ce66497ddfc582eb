// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import Ledger

// MARK: - Sums over the whole ledger

extension Projector {
    /// A round opened, led by the first in rank.
    func countRound(_ leader: ValidatorIndex) {
        let members = sealedStakes.members
        for member in members { tallies[member.number].pinned += 1 }
        count(members, parameters, \.requests, leader: Int(leader.rawValue))
    }

    /// A batch opened: of its rank the stakes count that the batch before the last sealed.
    func countBatch(_ event: BatchOpened) {
        let number = Int(event.proposer.rawValue)
        defer { ranked = sealedStakes }
        guard event.round == 0 else {
            if tallies.indices.contains(number) { tallies[number].batches.stoodIn += 1 }
            return
        }
        count(ranked.members, ranked.parameters, \.batches, leader: number)
    }

    /// The members and what they have at stake now.
    var sealedStakes: SealedStakes {
        var stakes = SealedStakes(parameters: parameters)
        for (number, validator) in validators.enumerated() where validator.isMember {
            stakes.members.append((number, validator.stake))
        }
        return stakes
    }

    private func count(
        _ members: [(number: Int, stake: UInt64)], _ parameters: Parameters,
        _ part: WritableKeyPath<ValidatorTally, LeadingTally>, leader: Int
    ) {
        let weights = Standing.weights(
            members.map { ($0.stake, validators[$0.number].reputation) }, parameters)
        // Nobody is heavier than others where the weights are none.
        let known = weights ?? members.map { _ in 0 }
        let probabilities = LeaderOdds.probabilities(known)
        let shares = LeaderOdds.shares(known)
        for (place, member) in members.enumerated() {
            tallies[member.number][keyPath: part].add(
                probability: probabilities[place], share: shares[place])
        }
        if tallies.indices.contains(leader) { tallies[leader][keyPath: part].led += 1 }
    }

    /// A vote was cast.
    func countVote(_ event: VoteCast) {
        let number = Int(event.validator.rawValue)
        guard tallies.indices.contains(number) else { return }
        switch event.vote {
        case .approve: tallies[number].approved += 1
        case .reject: tallies[number].rejected += 1
        case .abstain: tallies[number].abstained += 1
        }
    }

    /// The votes that the close at hand proved wrong are those on a request, or else on a job.
    func countWrong(isRequest: Bool) {
        if isRequest { for number in wrong { tallies[number].contradicted += 1 } }
        wrong.removeAll(keepingCapacity: true)
    }

    /// Writes the sums that changed.
    func writeTallies() throws {
        for (number, tally) in tallies.enumerated()
        where number >= writtenTallies.count || tally != writtenTallies[number] {
            let row = tables.tally
            row.bind(number)
            for value in [
                tally.pinned, tally.approved, tally.rejected, tally.abstained, tally.contradicted,
            ] { row.bind(value) }
            for part in [tally.requests, tally.batches] {
                for value in [
                    part.candidate, part.led, part.stoodIn, part.expected, part.variance,
                    part.weights,
                ] { row.bind(value) }
            }
            try row.run()
        }
        writtenTallies = tallies
    }

    /// Reads the sums, and what the batch before the last sealed.
    func loadTallies(_ height: UInt64) throws -> Bool {
        for row in try Row.fetchAll(database, sql: "SELECT * FROM tally ORDER BY validator") {
            guard row[0] as Int == tallies.count, let tally = ValidatorTally(row) else {
                return false
            }
            tallies.append(tally)
        }
        writtenTallies = tallies
        let seal = try Int64.fetchOne(
            database, sql: "SELECT sealed FROM batch WHERE height = ?",
            arguments: [Int64(clamping: height > 0 ? height - 1 : 0)])
        guard let seal, tallies.count == validators.count else { return false }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT validator, (
                    SELECT stake FROM stake_change AS stakes
                    WHERE stakes.validator = membership.validator AND stakes.entry <= :seal
                    ORDER BY stakes.entry DESC LIMIT 1
                ) FROM membership
                WHERE joined <= :seal AND ("left" IS NULL OR "left" > :seal) ORDER BY validator
                """, arguments: ["seal": seal])
        guard let parameters = try parameters(upTo: seal) else { return false }
        ranked = SealedStakes(parameters: parameters)
        for row in rows {
            guard let number = row.unsigned(0), let stake = row.unsigned(1) else { return false }
            ranked.members.append((Int(number), stake))
        }
        return ranked.members.allSatisfy { validators.indices.contains($0.number) }
    }
}

extension ValidatorTally {
    /// Reads a row of the table; nil where a number is none.
    init?(_ row: Row) {
        var values: [UInt64] = []
        for column in 1...17 {
            guard let value = row.unsigned(column) else { return nil }
            values.append(value)
        }
        (pinned, approved, rejected, abstained, contradicted) = (
            values[0], values[1], values[2], values[3], values[4]
        )
        requests = LeadingTally(values[5..<11])
        batches = LeadingTally(values[11..<17])
    }
}

extension LeadingTally {
    fileprivate init(_ values: ArraySlice<UInt64>) {
        let first = values.startIndex
        (candidate, led, stoodIn) = (values[first], values[first + 1], values[first + 2])
        (expected, variance, weights) = (values[first + 3], values[first + 4], values[first + 5])
    }
}
