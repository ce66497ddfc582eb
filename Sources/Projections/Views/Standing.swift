// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import Ledger

/// A validator that could lead, with what its weight rests on.
package struct WeighedCandidate: Equatable, Sendable {
    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its key: 64 hexadecimal digits.
    package var key: String
    /// The stake that counts.
    package var stake: UInt64
    /// The reputation that counts, in thousandths of a point.
    package var reputation: UInt64
    /// The weight, in the integer scale of `Parameters.weights`; only ratios mean something.
    package var weight: UInt128
}

/// What was led: a request by the validator that settles it, or a batch by its proposer.
package struct Leadership: Equatable, Sendable {
    /// The entry of the request, or the height of the batch.
    package var number: UInt64
    /// The validator: the leader of the request, or the proposer of the batch.
    package var leader: UInt64
    /// How many in rank were passed over; zero for requests.
    package var round: UInt64
}

/// What a question about leaders is about.
package enum LeadingKind: String, Sendable, CaseIterable, Codable {
    /// Requests and the validators that settle them.
    case requests
    /// Batches and their proposers.
    case batches
}

/// Members, stakes, parameters and reputations as the log made them, at an entry that only rises.
///
/// Stakes and reputations are looked at from different entries, since a batch ranks the stakes of
/// one and the reputations of another.
struct Standing {
    struct Validator {
        let key: [UInt8]
        var isMember = false
        var stake: UInt64 = 0
        var reputation: UInt64 = 0
    }

    enum Change {
        case joined(UInt64)
        case left(UInt64)
        case stake(UInt64, UInt64)
        case parameters(Parameters)
    }

    private(set) var validators: [Validator]
    private(set) var parameters: Parameters
    private let changes: [(entry: UInt64, change: Change)]
    private var next = 0
    /// Grows with every change of what a ranking rests on.
    private(set) var version = 0

    init(validators: [Validator], changes: [(entry: UInt64, change: Change)]) {
        self.validators = validators
        self.changes = changes
        parameters = .standard
    }

    /// Takes in changes of members, stakes and parameters up to an entry, exclusive.
    mutating func advance(to entry: UInt64) {
        while next < changes.count, changes[next].entry < entry {
            switch changes[next].change {
            case .joined(let number): change(number) { $0.isMember = true }
            case .left(let number): change(number) { $0.isMember = false }
            case .stake(let number, let stake): change(number) { $0.stake = stake }
            case .parameters(let parameters): self.parameters = parameters
            }
            next += 1
            version += 1
        }
    }

    /// Takes in a change of a reputation.
    mutating func set(reputation: UInt64, of number: UInt64) {
        change(number) { $0.reputation = reputation }
        version += 1
    }

    private mutating func change(_ number: UInt64, _ body: (inout Validator) -> Void) {
        guard number < UInt64(validators.count) else { return }
        body(&validators[Int(number)])
    }

    /// The members as the ledger ranks them.
    var candidates: [Candidate] {
        validators.enumerated().compactMap { number, validator in
            guard validator.isMember, let key = Bytes32(validator.key) else { return nil }
            return Candidate(
                index: ValidatorIndex(UInt16(clamping: number)), key: PublicKey(key),
                stake: Stake(validator.stake), reputation: Reputation(validator.reputation))
        }
    }

    /// The members with their weights, by number.
    func weighed() throws(ViewError) -> [WeighedCandidate] {
        let members = validators.enumerated().filter(\.element.isMember)
        let weights = Self.weights(
            members.map { ($0.element.stake, $0.element.reputation) }, parameters)
        guard let weights else { throw .unreadable(column: "validator.stake") }
        return members.enumerated().map { place, member in
            WeighedCandidate(
                validator: UInt64(member.offset), key: member.element.key.hex,
                stake: member.element.stake, reputation: member.element.reputation,
                weight: weights[place])
        }
    }

    /// The weights of members with these stakes and reputations; nil where one has over 128 bits.
    ///
    /// Shares: `stakeWeight * stake_i * sumReputation + reputationWeight * reputation_i *
    /// sumStake`. Raw: `stakeWeight * 1000 * stake + reputationWeight * thousandths`.
    static func weights(
        _ members: [(stake: UInt64, reputation: UInt64)], _ parameters: Parameters
    ) -> [UInt128]? {
        let stakes = members.reduce(UInt128(0)) { $0 + UInt128($1.stake) }
        let reputations = members.reduce(UInt128(0)) { $0 + UInt128($1.reputation) }
        let (stakePart, reputationPart) = (
            UInt128(parameters.stakeWeight), UInt128(parameters.reputationWeight)
        )
        let factors =
            parameters.normalisation == .share
            ? (reputations, stakes) : (UInt128(1000), UInt128(1))
        var weights: [UInt128] = []
        for member in members {
            guard let first = product(stakePart, UInt128(member.stake), factors.0),
                let second = product(reputationPart, UInt128(member.reputation), factors.1)
            else { return nil }
            let (weight, overflow) = first.addingReportingOverflow(second)
            guard !overflow else { return nil }
            weights.append(weight)
        }
        return weights
    }

    private static func product(_ a: UInt128, _ b: UInt128, _ c: UInt128) -> UInt128? {
        let (first, overflow) = a.multipliedReportingOverflow(by: b)
        let (second, again) = first.multipliedReportingOverflow(by: c)
        return overflow || again ? nil : second
    }
}
