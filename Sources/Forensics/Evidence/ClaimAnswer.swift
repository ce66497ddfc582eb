// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Replication

/// The T prevotes that an accused claimed to hold.
package struct ClaimAnswer: Hashable, Sendable, BorshCodable {
    /// The accusation.
    package let claim: UnfoundedClaim
    /// At least T prevotes of its height, round and value, by validator.
    package let prevotes: [ConsensusVote]

    package func encode(to writer: inout BorshWriter) {
        writer.write(claim)
        writer.write(prevotes)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        claim = try UnfoundedClaim(from: &reader)
        prevotes = try reader.list(bound: Limits.membersMax)
    }

    /// Chooses from statements what answers a claim; holds where `check` says so.
    package init(
        _ claim: UnfoundedClaim, from statements: [TracedStatement], in ledger: LedgerID
    ) {
        self.claim = claim
        var found: [ValidatorIndex: ConsensusVote] = [:]
        for case .vote(let vote) in statements where claim.isMet(by: vote) {
            guard found[vote.validator] == nil, claim.isSigned(vote, in: ledger) else { continue }
            found[vote.validator] = vote
        }
        prevotes = found.keys.sorted().compactMap { found[$0] }
    }
}

extension UnfoundedClaim {
    /// Whether a vote is one of the prevotes that are claimed, whoever signed it.
    fileprivate func isMet(by vote: ConsensusVote) -> Bool {
        vote.kind == .prevote && vote.value == value
            && claimed.map { $0 == (vote.height, vote.round) } ?? false
    }

    /// Whether a vote is signed by the member of its number.
    fileprivate func isSigned(_ vote: ConsensusVote, in ledger: LedgerID) -> Bool {
        guard let member = members.first(where: { $0.index == vote.validator }) else {
            return false
        }
        return member.key.isValid && vote.isSigned(by: member.key, in: ledger)
    }
}

extension ClaimAnswer: Convicting {
    /// Checks, in order: the claim, each prevote, their number.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        let cleared = try claim.check(in: ledger)
        for (place, vote) in prevotes.enumerated() {
            guard claim.isMet(by: vote),
                place == 0 || prevotes[place - 1].validator < vote.validator
            else { throw .unrelated(field: "prevote \(place)") }
            guard claim.isSigned(vote, in: ledger) else {
                throw .notSigned(field: "prevote \(place)")
            }
        }
        guard prevotes.count >= Int(claim.threshold) else {
            throw .innocent("it shows \(prevotes.count) of \(claim.threshold) prevotes")
        }
        return cleared
    }

    func sentence(_ names: [String]) -> String {
        "\(names.listed) shows the \(claim.threshold) prevotes that it claimed to hold."
    }
}
