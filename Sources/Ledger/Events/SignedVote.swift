// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A list of votes that its votes share.
package final class SignedList: Sendable {
    /// As it was heard.
    package let message: VoteListMessage
    /// Its tree.
    package let tree: VoteTree
    /// The root of the tree.
    package let root: Digest

    /// - Precondition: it is well formed.
    init(_ message: VoteListMessage) {
        self.message = message
        tree = message.tree
        root = tree.root
        invariant(tree.count <= Limits.votesPerListMax, "a list of \(tree.count) votes")
    }
}

/// A vote with what its signature covers: itself, or a list that it is in.
package struct SignedVote: Equatable, Sendable {
    /// Where a vote is in a list.
    package struct Listing: Sendable {
        /// The list.
        package let list: SignedList
        /// Its place in `list.message.votes`.
        package let place: Int
        /// Its leaf.
        package let index: Int
    }

    /// The vote; its signature may be that of a list.
    package let vote: VoteMessage
    /// Where it is in a list, where it is in one.
    package let listing: Listing?

    /// A vote that has a signature of its own, or that of a list.
    package init(_ vote: VoteMessage, _ listing: Listing? = nil) {
        self.vote = vote
        self.listing = listing
    }

    /// Its way to the root of the list, where it is in one.
    package var path: VotePath? {
        listing.map { VotePath(of: $0.index, in: $0.list.tree) }
    }

    /// What evidence shows of it.
    package var statement: Statement {
        guard let path else {
            return .vote(vote.vote, vote.reason, vote.timestamp, vote.signature)
        }
        return .listedVote(vote.vote, vote.reason, vote.timestamp, path, vote.signature)
    }

    /// Whether both are the same vote under the same signature, which covers a list in both or in
    /// neither: that of a list holds for no vote that stands alone.
    package static func == (one: Self, other: Self) -> Bool {
        one.vote == other.vote && (one.listing == nil) == (other.listing == nil)
    }
}

extension Message {
    /// The votes on requests that it shows, each with what its signature covers.
    package var signedVotes: [SignedVote] {
        switch self {
        case .vote(let vote): [SignedVote(vote)]
        case .votes(let list): list.signedVotes
        default: []
        }
    }
}

extension VoteMessage {
    /// What its validator signed: the vote, or the root of the list to which the way leads; nil
    /// where the way is of another length.
    package func signedBytes(in ledger: LedgerID, along path: VotePath?) -> [UInt8]? {
        guard let path else { return signedBytes(in: ledger) }
        return path.root(of: VoteTree.leaf(request, vote, reason)).map { root in
            VoteTree.signedBytes(
                validator: validator, timestamp: timestamp, count: Int(path.count), root: root,
                in: ledger)
        }
    }

    /// Whether its validator signed it, or the root of the list to which the way leads.
    package func isSigned(in ledger: LedgerID, along path: VotePath?) -> Bool {
        signedBytes(in: ledger, along: path).map { validator.verifies(signature, of: $0) } ?? false
    }
}
