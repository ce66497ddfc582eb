// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A vote of a list, or the root of a subtree of which none is shown.
///
/// Whoever passes a list on may hide what the rules would not take, or no longer: the signature
/// holds all the same. Borsh: the vote as a `u8`, then reason and request; or 3 and the height of
/// the subtree as a `u8`, then its root.
package enum ListedVote<Request: Naming>: BorshCodable, Hashable, Sendable {
    /// A vote.
    case shown(request: Request, vote: Vote, reason: VoteReason)
    /// The root of a complete subtree of 2^height votes.
    case hidden(height: UInt8, root: Digest)

    private static var hiddenTag: UInt8 { 3 }

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .shown(let request, let vote, let reason):
            writer.write(vote)
            writer.write(reason)
            writer.write(request)
        case .hidden(let height, let root):
            writer.write(Self.hiddenTag + height)
            writer.write(root)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let tag = try reader.integer(UInt8.self)
        if let vote = Vote(rawValue: tag) {
            let reason = try VoteReason(from: &reader)
            self = .shown(request: try Request(from: &reader), vote: vote, reason: reason)
        } else if tag <= Self.hiddenTag + UInt8(Limits.votePathMax) {
            self = .hidden(height: tag - Self.hiddenTag, root: try reader.digest())
        } else {
            throw .unknownTag(type: "ListedVote", tag: tag, offset: start)
        }
    }

    /// The number of votes that it stands for.
    var leafCount: Int {
        if case .hidden(let height, _) = self { 1 << Int(height) } else { 1 }
    }

    /// Whether a list shows a vote, none on a request that another is on, and hides subtrees of the
    /// tree of at most `Limits.votesPerListMax` votes, each as large as it can be.
    package static func areWellFormed(_ votes: [Self]) -> Bool {
        var requests: Set<Request> = []
        var end = 0
        // The height of what is hidden before, where it is the left half of something.
        var left: UInt8?
        for vote in votes {
            switch vote {
            case .shown(let request, _, _):
                guard requests.insert(request).inserted else { return false }
                left = nil
            case .hidden(let height, _):
                guard end % vote.leafCount == 0, left != height else { return false }
                left = end % (2 * vote.leafCount) == 0 ? height : nil
            }
            end += vote.leafCount
        }
        return !requests.isEmpty && end <= Limits.votesPerListMax
    }
}

/// Votes of one validator under one signature, in a message and in the log: one entry, each in its
/// order recorded as a vote.
package struct VoteListBody<RequestName: Naming, ValidatorName: Naming>: BorshCodable, Hashable,
    Sendable
{
    /// Who votes.
    package var validator: ValidatorName
    /// The validator's own time.
    package var timestamp: Time
    /// The votes, by what names the requests.
    package var votes: [ListedVote<RequestName>]
    /// The validator's, on `VoteTree.signedBytes`.
    package var signature: Signature

    /// Whether the votes are well formed is `ListedVote.areWellFormed`.
    package init(
        validator: ValidatorName, timestamp: Time, votes: [ListedVote<RequestName>],
        signature: Signature
    ) {
        self.validator = validator
        self.timestamp = timestamp
        self.votes = votes
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(timestamp)
        writer.write(votes)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorName(from: &reader)
        timestamp = try Time(from: &reader)
        votes = try reader.list(bound: Limits.votesPerListMax)
        signature = try reader.signature()
    }

    /// The number of votes that were signed, with those that are hidden.
    package var leafCount: Int { votes.reduce(0) { $0 + $1.leafCount } }
}

/// A validator votes on several requests at once.
package typealias VoteListMessage = VoteListBody<RequestID, PublicKey>

/// Votes of one validator as they stand in the log.
package typealias VotesCast = VoteListBody<EntryIndex, ValidatorIndex>

extension VotesCast {
    /// The tree of the votes; nil where they are not well formed, or a request has no id here.
    package func tree(_ id: (EntryIndex) -> RequestID?) -> VoteTree? {
        guard ListedVote.areWellFormed(votes) else { return nil }
        var nodes: [VoteTree.Node] = []
        for vote in votes {
            switch vote {
            case .shown(let request, let vote, let reason):
                guard let id = id(request) else { return nil }
                nodes.append(VoteTree.Node(height: 0, hash: VoteTree.leaf(id, vote, reason)))
            case .hidden(let height, let root):
                nodes.append(VoteTree.Node(height: height, hash: root))
            }
        }
        return VoteTree(nodes: nodes)
    }

    /// The leaf of the vote on a request, where one is shown.
    package func index(of request: EntryIndex) -> Int? {
        var end = 0
        for vote in votes {
            if case .shown(request, _, _) = vote { return end }
            end += vote.leafCount
        }
        return nil
    }

    /// Each vote that is shown, as an entry of its own would say it but for what its signature
    /// covers.
    package var casts: [VoteCast] {
        votes.compactMap { vote in
            guard case .shown(let request, let vote, let reason) = vote else { return nil }
            return VoteCast(
                request: request, validator: validator, vote: vote, reason: reason,
                timestamp: timestamp, signature: signature)
        }
    }
}

extension Event {
    /// The votes on requests that the entry records, in their order.
    package var casts: [VoteCast] {
        switch self {
        case .voteCast(let cast): [cast]
        case .votesCast(let list): list.casts
        default: []
        }
    }
}

extension VoteListMessage: Signed {
    /// The tree of the votes.
    package var tree: VoteTree {
        VoteTree(
            nodes: votes.map { vote in
                switch vote {
                case .shown(let request, let vote, let reason):
                    VoteTree.Node(height: 0, hash: VoteTree.leaf(request, vote, reason))
                case .hidden(let height, let root): VoteTree.Node(height: height, hash: root)
                }
            })
    }

    /// What the signature covers; see `VoteTree`.
    ///
    /// - Precondition: it is well formed.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        let tree = tree
        return VoteTree.signedBytes(
            validator: validator, timestamp: timestamp, count: tree.count, root: tree.root,
            in: ledger)
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        guard isWellFormed else { return nil }
        return [
            SignatureCheck(
                key: validator, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The message with the signature of `key` on it.
    ///
    /// - Precondition: it is well formed.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }

    /// See `ListedVote.areWellFormed`.
    package var isWellFormed: Bool { ListedVote.areWellFormed(votes) }

    /// The list with fewer votes shown: those that `isShown` says it of, by their order in `votes`.
    package func hiding(where isHidden: (Int) -> Bool) -> VoteListMessage {
        var copy = self
        copy.votes = []
        var end = 0
        for (place, vote) in votes.enumerated() {
            defer { end += vote.leafCount }
            var node: VoteTree.Node
            switch vote {
            case .shown(let request, let verdict, let reason):
                guard isHidden(place) else {
                    copy.votes.append(vote)
                    continue
                }
                node = VoteTree.Node(height: 0, hash: VoteTree.leaf(request, verdict, reason))
            case .hidden(let height, let root): node = VoteTree.Node(height: height, hash: root)
            }
            var start = end
            while case .hidden(node.height, let before)? = copy.votes.last,
                (start - node.leafCount) % (2 * node.leafCount) == 0, start > 0
            {
                copy.votes.removeLast()
                start -= node.leafCount
                node = VoteTree.Node(
                    height: node.height + 1, hash: MerkleFrontier.nodeHash(before, node.hash))
            }
            copy.votes.append(.hidden(height: node.height, root: node.hash))
        }
        invariant(copy.leafCount == end, "\(end) votes are \(copy.leafCount) with some hidden")
        return copy
    }

    /// The votes that are shown, each with the list that its signature covers; none where it is
    /// not well formed.
    package var signedVotes: [SignedVote] {
        guard isWellFormed else { return [] }
        let list = SignedList(self)
        var end = 0
        return votes.enumerated().compactMap { place, vote in
            defer { end += vote.leafCount }
            guard case .shown(let request, let vote, let reason) = vote else { return nil }
            return SignedVote(
                VoteMessage(
                    request: request, validator: validator, vote: vote, reason: reason,
                    timestamp: timestamp, signature: signature),
                SignedVote.Listing(list: list, place: place, index: end))
        }
    }
}
