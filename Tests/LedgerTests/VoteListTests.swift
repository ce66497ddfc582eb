// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
import Testing

@Suite("lists of votes") struct VoteListTests {
    private static let ids = (0..<256).map { RequestID(Digest(hashing: [7, UInt8($0)])) }

    private func list(_ count: Int) -> VoteListMessage {
        VoteListMessage(
            validator: Fixture.key(0).publicKey, timestamp: Time(5),
            votes: Self.ids.prefix(count).map {
                .shown(request: $0, vote: .approve, reason: .proofHolds)
            }, signature: .zero)
    }

    /// RFC 6962 section 2.1, as it is written there.
    private func root(_ leaves: ArraySlice<Digest>) -> Digest {
        guard leaves.count > 1 else { return leaves.first ?? .ofNothing }
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        return MerkleFrontier.nodeHash(
            root(leaves.prefix(half)), root(leaves.dropFirst(half)))
    }

    @Test("the way of every vote leads to the root of RFC 6962, and no other way does")
    func ways() {
        for count in [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65, 200, 255, 256] {
            let list = list(count)
            let leaves = Self.ids.prefix(count).map { VoteTree.leaf($0, .approve, .proofHolds) }
            #expect(list.tree.root == root(leaves[...]))
            for place in 0..<count {
                let path = VotePath(of: place, in: list.tree)
                #expect(path.root(of: leaves[place]) == list.tree.root)
                #expect(path.siblings.count <= Limits.votePathMax)
                let other = (place + 1) % count
                #expect(count == 1 || path.root(of: leaves[other]) != list.tree.root)
            }
        }
    }

    @Test("ways of another length, or to another place, lead nowhere")
    func foreignWays() throws {
        let list = list(100)
        let leaf = VoteTree.leaf(Self.ids[40], .approve, .proofHolds)
        let path = VotePath(of: 40, in: list.tree)
        for (index, count, drop) in [
            (40, 100, 1), (41, 100, 0), (40, 64, 0), (40, 257, 0), (100, 100, 0), (40, 0, 0),
            (UInt32.max, UInt32.max, 0),
        ] as [(UInt32, UInt32, Int)] {
            var writer = BorshWriter()
            writer.write(index)
            writer.write(count)
            writer.write(path.siblings.dropLast(drop).map(\.value))
            let other = try VotePath(decoding: writer.bytes)
            #expect(other.root(of: leaf) != list.tree.root, "\(index) of \(count)")
        }
    }

    @Test("hiding votes keeps the root, in one form only")
    func hiding() {
        var random = SplitMix64(seed: 11)
        for round in 0..<200 {
            let list = list(1 + Int.random(in: 0..<256, using: &random))
            var hidden = (0..<list.votes.count).map { _ in Bool.random(using: &random) }
            if round.isMultiple(of: 3) {
                hidden = hidden.indices.map { $0 != round % hidden.count }
            }
            hidden[Int.random(in: 0..<hidden.count, using: &random)] = false
            let some = list.hiding { hidden[$0] }
            #expect(some.isWellFormed)
            #expect(some.tree.root == list.tree.root && some.tree.count == list.votes.count)
            // Hidden by and by, it is the same.
            let half = list.hiding { hidden[$0] && $0 < list.votes.count / 2 }
            var place = -1
            var places: [Int] = []
            for vote in half.votes {
                switch vote {
                case .shown: place += 1
                case .hidden(let height, _): place += 1 << Int(height)
                }
                places.append(place)
            }
            #expect(half.hiding { hidden[places[$0]] } == some)
            for signed in some.signedVotes {
                let leaf = VoteTree.leaf(signed.vote.request, .approve, .proofHolds)
                #expect(signed.path?.root(of: leaf) == list.tree.root)
            }
        }
        #expect(list(256).hiding { $0 != 77 }.votes.count == 9)
    }

    @Test("what is no list is refused before a signature is looked at")
    func malformed() throws {
        let scenario = try LedgerScenario()
        let root = Digest(hashing: [1])
        let shown = list(1).votes[0]
        for votes in [
            [], [.hidden(height: 0, root: root)], [shown, shown],
            // Not at a multiple of its size; not as large as it can be; over the bound.
            [shown, .hidden(height: 1, root: root)],
            [.hidden(height: 0, root: root), .hidden(height: 0, root: root), shown],
            [.hidden(height: 8, root: root), shown],
        ] as [[ListedVote<RequestID>]] {
            var list = list(1)
            list.votes = votes
            #expect(!list.isWellFormed)
            #expect(list.signatureChecks(in: scenario.ledger) == nil)
            #expect(list.signedVotes.isEmpty)
            #expect(scenario.state.refusal(of: Checked(unchecked: .votes(list))) == .malformedList)
        }
        // These are lists.
        for votes in [
            [shown, .hidden(height: 0, root: root)],
            [shown, .hidden(height: 0, root: root), .hidden(height: 1, root: root)],
            [.hidden(height: 7, root: root), shown],
        ] as [[ListedVote<RequestID>]] {
            var list = list(1)
            list.votes = votes
            #expect(list.isWellFormed)
        }
    }

    @Test("a list decides what its votes decide one by one")
    func likeVotes() throws {
        for seed in 0..<20 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var (one, other) = (try LedgerScenario(.of(7, 5)), try LedgerScenario(.of(7, 5)))
            try one.open()
            try other.open()
            let requests = try (0..<12).map { _ in try one.submit() }
            for _ in requests { _ = try other.submit() }
            for validator in 0..<7 {
                let votes = requests.filter { _ in Int.random(in: 0..<8, using: &random) > 0 }.map {
                    (
                        $0,
                        [Vote.approve, .approve, .approve, .reject, .abstain][
                            Int.random(in: 0..<5, using: &random)]
                    )
                }
                for (request, vote) in votes { try one.cast(validator, vote, on: request) }
                try other.send(.votes(other.list(validator, votes)))
            }
            try one.seal()
            try other.seal()
            try one.open(after: 31_000)
            try other.open(after: 31_000)
            try one.seal()
            try other.seal()
            for request in requests {
                let (left, right) = (one.decision(request), other.decision(request))
                #expect(left?.outcome == right?.outcome && left?.reason == right?.reason)
                #expect(left?.approvals == right?.approvals)
            }
            for validator in 0..<7 {
                #expect(one.reputation(validator) == other.reputation(validator))
            }
            #expect(other.log.contains { $0.tag == 11 })
            #expect(Refold.firstDifference(in: other.log, checkingSignatures: true) == nil)
        }
    }

    @Test("an approval ends the conflicting requests of its own list, with their votes")
    func conflicts() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let one = try scenario.submit(nullifier: 5)
        let other = try scenario.submit(nullifier: 5)
        let third = try scenario.submit()
        let votes = [(other, Vote.approve), (one, .approve), (third, .approve)]
        for validator in 0..<2 { try scenario.send(.votes(scenario.list(validator, votes))) }
        let events = try scenario.send(.votes(scenario.list(2, votes)))
        let decided = events.compactMap { event -> OutcomeDecided? in
            if case .outcomeDecided(let decided) = event { decided } else { nil }
        }
        #expect(decided.map(\.outcome) == [.approved, .rejected, .approved])
        #expect(decided[1].reason == .nullifierSpent && decided[1].approvals == 3)
        #expect(decided[1].request == scenario.state.entry(of: one))
        #expect(Set(decided.map(\.deciding)).count == 1)
        // The rest of the last list shows what is left.
        let last = scenario.list(3, votes)
        #expect(scenario.refusal(.votes(last)) == .roundClosed)
        try scenario.send(.votes(last.hiding { $0 == 1 }))
        try scenario.seal()
        #expect(Refold.firstDifference(in: scenario.log, checkingSignatures: true) == nil)
    }

    @Test("refusals come in their order, and refuse the whole list")
    func refusals() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let requests = [try scenario.submit(), try scenario.submit(), try scenario.submit()]
        try scenario.cast(0, .approve, on: requests[1])
        let stranger = RequestID(Digest(hashing: [9]))
        func refusal(_ votes: [(RequestID, Vote)], _ who: Int = 0, at time: Time? = nil) -> Refusal?
        {
            scenario.refusal(.votes(scenario.list(who, votes, at: time)))
        }
        #expect(refusal([(requests[0], .approve), (stranger, .approve)]) == .unknownRequest)
        #expect(refusal([(requests[0], .approve)], 9) == .notPinned)
        #expect(refusal([(requests[0], .approve), (requests[1], .approve)]) == .alreadyRecorded)
        #expect(refusal([(requests[1], .reject), (stranger, .approve)]) == .voteContradicts)
        #expect(refusal([(requests[1], .abstain)]) == .voteChanged)
        let late = scenario.state.time.adding(milliseconds: 60_001)
        #expect(refusal([(requests[0], .approve)], at: late) == .timestampOutOfRange)
        #expect(refusal([(requests[0], .approve), (requests[2], .reject)]) == nil)
    }

    @Test("the state is restored with the votes of lists, and they convict")
    func restored() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let requests = [try scenario.submit(), try scenario.submit(), try scenario.submit()]
        let first = scenario.list(1, requests.map { ($0, .approve) })
        try scenario.send(.votes(first))
        try scenario.seal()
        let snapshot = scenario.state.snapshot()
        var restored = try LedgerState(unverified: snapshot)
        try restored.verify(
            trees: snapshot.records.map { $0.frontier() }, components: scenario.seals[1].components)
        #expect(restored.componentRoots() == scenario.state.componentRoots())
        let entry = try #require(restored.entry(of: requests[2]))
        let recorded = try #require(restored.openRound(at: entry)?.votes[1])
        #expect(recorded.isListed && recorded.event.vote == .approve)

        try scenario.open()
        let second = scenario.list(1, [(requests[2], .reject)])
        let statements = [first.signedVotes[2].statement, second.signedVotes[0].statement]
        let evidence = EvidenceMessage(
            validator: first.validator, slot: .vote(requests[2]), first: statements[0],
            second: statements[1])
        // A way that does not lead from this vote to the root convicts nobody.
        var forged = evidence
        forged.slot = .vote(requests[1])
        #expect(!forged.isSigned(in: scenario.ledger))
        let events = try scenario.send(.evidence(evidence))
        #expect(events.contains { $0.tag == 71 })
        #expect(throws: Refusal.alreadyConvicted) { try scenario.send(.evidence(evidence)) }
    }

    @Test("a batch takes no more lists than fit it, and a list that does not fit waits")
    func room() throws {
        var scenario = try LedgerScenario(.of(900, 601, signs: false))
        try scenario.open()
        let requests = try (0..<128).map { _ in try scenario.submit() }
        // 900 validators: a close counts 59,528 bytes, and 105 of them fill a batch.
        let all = scenario.list(0, requests.map { ($0, .approve) })
        #expect(throws: Refusal.batchFull) { try scenario.send(.votes(all)) }
        try scenario.send(.votes(all.hiding { $0 >= 105 }))
        try scenario.send(.votes(all.hiding { $0 < 105 }))
    }
}
