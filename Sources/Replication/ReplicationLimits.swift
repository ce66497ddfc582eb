// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// The bounds of everything that replication keeps or takes in, in one place; the relations between
/// them are asserted when a replica begins.
package enum ReplicationLimits {
    /// Bytes of one message between nodes.
    package static let messageBytesMax = 32 << 20
    /// Entries of one batch, its derived events among them.
    package static let batchEntriesMax = 1 << 20
    /// Requests that one message asks for.
    package static let wantedMax = 256
    /// Rounds below the current one whose votes are kept; they may be the ground of prevotes, and
    /// at the longest wait they take hours. Rounds with a quorum of prevotes for a value are kept
    /// beyond that.
    package static let roundsBehindMax: UInt32 = 1_024
    /// Rounds of the last height whose late votes are looked at.
    package static let lateRoundsMax: UInt32 = 32
    /// Values of which a status asks for prevotes.
    package static let wantedPrevotesMax = 4
    /// Rounds that it names for each as held.
    package static let heldQuorumsMax = 1_024
    /// Rounds above the current one whose votes are kept.
    package static let roundsAheadMax: UInt32 = 8
    /// Different values that one validator may vote for in one round before the rest is dropped.
    package static let valuesPerVoterMax = 2
    /// Different proposals that are kept of one round.
    package static let proposalsPerRoundMax = 2
    /// Requests that wait for a batch; twice as many with those of submitters that have little
    /// waiting. What the ledger has open does not count.
    package static let requestsMax = 8_192
    /// Requests of a submitter that have room though others have much waiting.
    package static let requestsPerSubmitterLeast = 16
    /// Of them, those of one submitter.
    package static let requestsPerSubmitterMax = 1_024
    /// Of them, those that are known only by the votes of one validator.
    package static let orphansPerVoterMax = 256
    /// Requests whose first votes are remembered, so that a later one can be shown to contradict.
    package static let heardRequestsMax = 16_384
    /// Pairs of votes of one validator that contradict each other on requests that are in no batch
    /// yet.
    package static let contradictionsPerValidatorMax = 64
    /// Other messages of one kind that wait for a batch.
    package static let othersMax = 4_096
    /// Of the jobs among them, those of one submitter.
    package static let othersPerSenderMax = 256
    /// Of the evidence among them, that against one validator.
    package static let evidencePerValidatorMax = 64
    /// Of the reports of the bridge among them, those on one request.
    package static let settlementsPerRequestMax = 2
    /// Changes that validators agreed on and that wait for a batch.
    package static let governanceMax = 256
    /// Proposals that are remembered because they failed.
    package static let failedProposalsMax = 1_024
    /// Proposals of one peer that may fail in one height before no more of it are looked at.
    package static let failuresPerPeerMax = 16
    /// Proofs that are being verified at once.
    package static let verificationsMax = 256
    /// Messages for the next height that are kept of one peer.
    package static let earlyPerPeerMax = 64
    /// And their bytes.
    package static let earlyBytesPerPeerMax = 8 << 20
    /// Messages of one peer, or of all clients, that are taken in at once and in a second.
    package static let messagesPerSecond = 4_096
    /// Bytes of one peer, or of all clients, that are taken in in a second; at once as many as the
    /// longest message has.
    package static let bytesPerSecond = 8 << 20
    /// What a proposal, or a batch that is decided, counts for among the messages.
    package static let batchTokens = 16
    /// A command counts once more for so many bytes.
    package static let commandBytesPerToken = 1_024
    /// Bytes that a peer is answered at once, and in a second.
    package static let answerBytesPerSecond = 2 << 20
    /// Answers that a peer is given at once, and in a second; a batch counts as one.
    package static let answerWorkPerSecond = 1_024
    /// Peers to which a node says at one time where it stands.
    package static let askedPerStatus = 3
    /// Votes that answer one status.
    package static let votesPerAnswerMax = 256
    /// Batches that answer one status.
    package static let batchesPerAnswerMax = 8
    /// Bytes of a part of a snapshot, but of the last.
    package static let snapshotPartBytes = 1 << 20
    /// Nodes of a proof that a message carries: twice the height of the largest tree.
    package static let proofNodesMax = 128
    /// How long a message that the rules do not take yet waits before it is refused, in ms.
    package static let patienceMilliseconds: UInt64 = 10_000
    /// How long a request waits for its round before it is forgotten, in ms.
    package static let requestMilliseconds: UInt64 = 120_000
    /// How long votes may trickle in once those seen decide a request, in ms.
    package static let lingerMilliseconds: UInt64 = 20
    /// How long votes that decide nothing any more wait for a batch, in ms.
    package static let lateVoteMilliseconds: UInt64 = 500
    /// How long what nobody waits for may wait for a batch that has another reason, in ms: reports
    /// of payments, announcements, and the last vote on what is decided.
    package static let reportMilliseconds: UInt64 = 120
    /// Time until a message that no batch holds yet is sent again, in ms; twice as long each time,
    /// up to sixteen times that.
    package static let resendMilliseconds: UInt64 = 2_000
    /// How many such times pass without a message, where a request in no batch has the votes that
    /// decide it here.
    package static let decidableResendsAfter = 3
    /// Messages that a node sends again at one time, of each kind: those first that are due first.
    package static let resendsMax = 16
    /// Time between two such times, in ms.
    package static let resendPauseMilliseconds: UInt64 = 500
    /// What waits that is looked at again where nobody has proposed it.
    package static let judgedAgainMax = 64

    /// Stops the process where the limits contradict each other.
    static func check() {
        invariant(
            snapshotPartBytes + (Limits.entryBytesMax + 64 * proofNodesMax) < messageBytesMax,
            "a message cannot hold a part of a snapshot with its proofs")
        invariant(
            wantedPrevotesMax * heldQuorumsMax * 4 < messageBytesMax,
            "a message cannot hold the quorums that a status names")
        invariant(
            Limits.commandBytesPerBatchMax < messageBytesMax,
            "a message cannot hold the commands of a batch")
        invariant(
            Limits.batchBytesMax <= messageBytesMax, "a message cannot hold the longest batch")
        invariant(
            valuesPerVoterMax <= Int(UInt8.max), "an allowance of \(valuesPerVoterMax) values")
        invariant(
            batchesPerAnswerMax <= answerWorkPerSecond,
            "an answer of \(batchesPerAnswerMax) batches is never paid for")
        invariant(
            batchTokens <= messagesPerSecond, "a proposal counts more than a peer may ever send")
        invariant(
            requestsPerSubmitterLeast <= requestsPerSubmitterMax,
            "a submitter has room for more than it may have")
        invariant(
            requestsPerSubmitterMax <= requestsMax, "one submitter may have more than all")
        invariant(orphansPerVoterMax < requestsMax, "one validator may name more than all")
        invariant(
            max(othersPerSenderMax, evidencePerValidatorMax, settlementsPerRequestMax) < othersMax,
            "one sender may have all the room of a kind")
        invariant(
            roundsAheadMax < roundsBehindMax, "rounds are dropped that a node comes from")
        checkKinds()
    }

    /// The same of what one message may be.
    private static func checkKinds() {
        invariant(
            PeerMessageKind.allCases.allSatisfy { $0.bytesMax <= messageBytesMax },
            "a kind of message is longer than any may be")
        invariant(
            PeerMessageKind.allCases.allSatisfy {
                $0.tokens(bytes: $0.bytesMax) <= messagesPerSecond
            }, "the longest of a kind counts more than a peer may ever send")
        invariant(
            wantedPrevotesMax * (44 + 4 * heldQuorumsMax) + 4 * Limits.membersMax + 64
                <= PeerMessageKind.status.bytesMax, "a status is longer than one may be")
        invariant(
            snapshotPartBytes + Limits.entryBytesMax + 64 * proofNodesMax + 64
                <= PeerMessageKind.snapshotPart.bytesMax,
            "a part of a snapshot is longer than one may be with its proofs")
        invariant(
            Limits.votesPerListMax <= wantedMax,
            "a list of votes names more requests than one message asks for")
        invariant(
            PeerMessageKind.proposal.bytesMax <= earlyBytesPerPeerMax,
            "a proposal that comes early has no room")
    }
}
