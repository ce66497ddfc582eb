// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Node
import Testing

@Suite("What a node counts of its batches")
struct CountingTests {
    private static func vote(_ validator: UInt16, _ vote: Vote) -> Event {
        .voteCast(
            VoteCast(
                request: EntryIndex(3), validator: ValidatorIndex(validator), vote: vote,
                reason: .proofHolds, timestamp: Time(1), signature: .zero))
    }

    private static func change(_ validator: UInt16, _ cause: ReputationCause) -> Event {
        .reputationChanged(
            ReputationChanged(
                validator: ValidatorIndex(validator), cause: cause, about: EntryIndex(3),
                before: Reputation(5), after: Reputation(6)))
    }

    @Test("votes, misses, wrong votes and convictions are counted by validator")
    func validators() {
        var counts = NodeCounts()
        counts.add(
            [
                Self.vote(2, .approve), Self.vote(2, .approve), Self.vote(0, .reject),
                Self.vote(2, .abstain), Self.change(1, .missed), Self.change(1, .incorrect),
                Self.change(0, .equivocation), Self.change(0, .correct), Self.change(0, .bonus),
            ], height: Height(1), root: .zero)
        counts.add([Self.change(1, .missed)], height: Height(2), root: .zero)
        #expect(counts.batches == 2 && counts.validators.count == 3)
        #expect(counts.validators[0].votes == [.reject: 1])
        #expect(counts.validators[2].votes == [.approve: 2, .abstain: 1])
        #expect(counts.validators.map(\.missed) == [0, 2, 0])
        #expect(counts.validators.map(\.incorrect) == [0, 1, 0])
        #expect(counts.validators.map(\.equivocations) == [1, 0, 0])
    }

    @Test("each sixteenth height leaves a mark: six bytes of its root, and no other does")
    func marks() {
        var counts = NodeCounts()
        for height in UInt64(1)...40 {
            let root = Digest(hashing: [UInt8(height)])
            counts.add([], height: Height(height), root: root)
            guard height >= 16 else {
                #expect(counts.mark == nil)
                continue
            }
            let last = height - height % 16
            let hex = Digest(hashing: [UInt8(last)]).hex.prefix(12)
            #expect(counts.mark?.height == Height(last))
            #expect(counts.mark?.fingerprint == UInt64(hex, radix: 16))
        }
    }
}
