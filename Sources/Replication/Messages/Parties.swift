// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Those whom a ledger knows, apart from its state: what it takes to check who signed a message.
///
/// It may be a few batches old. A key keeps its number for ever, so that what holds by it holds.
package struct Parties: Sendable {
    /// The ledger that signatures name.
    package let ledger: LedgerID
    /// Changes that validators have agreed on: nothing here changes without one.
    package let changes: UInt64
    private let validators: [PublicKey]
    private let indices: [PublicKey: ValidatorIndex]
    private let members: Set<ValidatorIndex>
    private let submitters: Set<PublicKey>
    private let bridge: PublicKey
    private let threshold: Int

    /// Those whom a state knows.
    package init(_ state: LedgerState) {
        ledger = state.ledger
        changes = state.nextChange
        validators = state.validators.map(\.key)
        indices = Dictionary(
            validators.enumerated().map { ($1, ValidatorIndex(UInt16($0))) },
            uniquingKeysWith: { first, _ in first })
        members = Set(state.members)
        submitters = Set(state.submitters.filter { $0.quota > 0 }.map(\.key))
        bridge = state.bridge
        threshold = Int(state.parameters.threshold)
        invariant(
            indices.count == validators.count,
            "\(validators.count) validators with \(indices.count) keys")
        invariant(
            threshold >= 1 && threshold <= members.count,
            "a threshold of \(threshold) of \(members.count) members")
        invariant(
            members.allSatisfy { Int($0.rawValue) < validators.count },
            "a member beyond the \(validators.count) validators")
    }

    /// The keys of the members, in order of their numbers.
    package var memberKeys: [PublicKey] { members.sorted().compactMap(key(of:)) }

    /// What a key is to the ledger; nil where it is nothing that sends messages.
    package func party(_ key: PublicKey) -> Party? {
        indices[key].map(Party.validator) ?? (key == bridge ? .bridge : nil)
    }

    /// Who sends messages to a node.
    package enum Party: Sendable {
        /// One who is or was a validator.
        case validator(ValidatorIndex)
        /// The bridge: a client like any other.
        case bridge

        /// The validator; nil for a client.
        package var peer: ValidatorIndex? {
            if case .validator(let index) = self { index } else { nil }
        }
    }

    /// The signatures that must hold before the replica looks at a message, rules that cost less
    /// before them; nil where they could not make it one that counts.
    ///
    /// A batch proves itself where it is replayed, and the commands of a proposal are checked when
    /// the rules have taken them.
    package func signatures(of message: PeerMessage) -> [SignatureCheck]? {
        switch message {
        case .proposal(let proposal):
            key(of: proposal.proposer).flatMap { key in
                check(proposal.slot, proposal.statement, by: key).map { [$0] }
            }
        case .vote(let vote):
            key(of: vote.validator).flatMap { key in
                check(vote.slot, vote.statement, by: key).map { [$0] }
            }
        case .command(let message):
            isKnown(message) ? message.signatureChecks(in: ledger) : nil
        case .status, .want, .batch, .wantSnapshot, .snapshotPart: []
        }
    }

    private func key(of index: ValidatorIndex) -> PublicKey? {
        validators.indices.contains(Int(index.rawValue)) ? validators[Int(index.rawValue)] : nil
    }

    private func check(
        _ slot: Slot, _ statement: Statement, by key: PublicKey
    ) -> SignatureCheck? {
        guard case .consensus(let value, let validRound, let signature) = statement else {
            return nil
        }
        return ConsensusStatement.signedBytes(
            slot, value: value, validRound: validRound, key: key, ledger: ledger
        ).map { SignatureCheck(key: key, message: $0, signature: signature) }
    }

    /// Whether a message is by those who may say such a thing.
    private func isKnown(_ message: Message) -> Bool {
        switch message {
        case .request(let message): submitters.contains(message.submitter)
        case .job(let message): submitters.contains(message.submitter)
        case .vote(let message): indices[message.validator] != nil
        case .votes(let message): indices[message.validator] != nil && message.isWellFormed
        case .result(let message): indices[message.validator] != nil
        case .settlement(let message): message.bridge == bridge
        case .evidence(let message): indices[message.validator] != nil
        case .announcement(let message): indices[message.validator] != nil
        case .governance(let message): isAgreed(message)
        }
    }

    /// Whether T distinct members stand under a change, by index; their signatures are still to be
    /// checked.
    private func isAgreed(_ message: GovernanceMessage) -> Bool {
        guard message.endorsements.count >= threshold else { return false }
        var last = -1
        for endorsement in message.endorsements {
            guard let index = indices[endorsement.validator], members.contains(index),
                Int(index.rawValue) > last
            else { return false }
            last = Int(index.rawValue)
        }
        return true
    }
}
