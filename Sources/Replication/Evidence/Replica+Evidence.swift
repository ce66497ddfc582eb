// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Shows the ledger what a vote convicts its validator of, with those of its height.
    ///
    /// - Precondition: it is of the height in progress or the last.
    mutating func accuse(of vote: ConsensusVote) {
        invariant(
            vote.height == height || vote.height == state.height,
            "a vote of height \(vote.height.rawValue) is looked at in height \(height.rawValue)")
        let offences =
            vote.height == height
            ? book.takeOffences(of: vote) : lastBook.takeOffences(of: vote)
        for offence in offences {
            accuse(vote.validator, .consensus(offence.slot), offence.first, offence.second)
        }
    }

    /// Compares precommits that a batch shows with what was heard, of the height in progress or
    /// the last; they are kept, for what comes late may contradict them.
    ///
    /// - Precondition: they are signed by members of that height.
    mutating func hear(_ precommits: Precommits) {
        guard precommits.height == height || precommits.height == state.height else { return }
        for signature in precommits.signatures {
            let vote = ConsensusVote(
                kind: .precommit, height: precommits.height, round: precommits.round,
                value: precommits.root, ground: -1, validator: signature.validator,
                signature: signature.signature)
            accuse(of: vote)
            if vote.height == height { book.add(vote) } else { lastBook.add(vote) }
        }
    }

    /// Compares what a batch shows, before it is taken in, with what was heard: the precommits of
    /// itself and of the batch before.
    mutating func hear(_ batch: ProposedBatch, _ precommits: Precommits) {
        invariant(
            batch.opening.height == height && precommits.height == height,
            "batch \(batch.opening.height.rawValue) is heard at height \(height.rawValue)")
        hear(precommits)
        hear(
            Precommits(
                height: state.height, round: batch.opening.precommitRound,
                root: batch.opening.previousRoot, signatures: batch.opening.precommits))
    }

    /// Compares the votes that an entry has recorded with those that were heard first, and
    /// remembers them where none were.
    mutating func hear(_ event: Event) {
        for recorded in state.signedVotes(of: event) {
            guard let validator = state.validatorIndex(of: recorded.vote.validator) else { return }
            guard let heard = pool.heardVote(recorded.vote.request, validator) else {
                pool.remember(recorded, validator)
                continue
            }
            guard heard.contradicts(recorded) else { continue }
            accuse(
                validator, .vote(recorded.vote.request), heard.statement, recorded.statement)
        }
    }
}

extension SignedVote {
    /// Whether one approves and the other rejects.
    func contradicts(_ other: SignedVote) -> Bool {
        vote.vote != other.vote.vote && vote.vote != .abstain && other.vote.vote != .abstain
    }
}

extension Consensus {
    /// Whether this vote would be kept, or counted where it waits so far.
    func takes(_ vote: ConsensusVote) -> Bool {
        takes(vote.kind, of: vote.value, in: vote.round, on: vote.ground, from: vote.validator)
    }
}

extension ConsensusVote {
    /// As the algorithm takes it in.
    var input: Consensus.Input {
        .vote(kind, round: round, value: value, ground: ground, from: validator)
    }

    /// Whether an honest validator may say such a thing: only a prevote of a value has a ground, in
    /// an earlier round.
    var isWellFormed: Bool {
        ground == -1
            || kind == .prevote && value != nil && ground >= 0 && ground < Int64(round)
    }
}
