// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Node
import Replication

extension FuzzTarget {
    /// What one node says to another, given to a replica.
    static let peers = FuzzTarget(
        name: "peers",
        about: "messages between nodes, one encoding each; a replica takes any of them",
        bytesMax: 8192,
        seeds: {
            let height = Height(1)
            let value = Digest(hashing: [1])
            let index = ValidatorIndex(1)
            let vote = ConsensusVote(
                kind: .prevote, height: height, round: 0, value: value, ground: -1,
                validator: index, signature: .zero
            ).signed(by: Fixture.key(1), in: replicated.ledger)
            let opening = replicated.opening(at: replicated.state.time.adding(milliseconds: 1))
            let proposal = Proposal(
                height: height, round: 0, value: value, validRound: -1,
                proposer: opening.event.proposer, signature: .zero,
                batch: ProposedBatch(opening: opening.event, commands: [])
            ).signed(by: Fixture.key(opening.event.proposer.rawValue), in: replicated.ledger)
            let precommits = Precommits(
                height: height, round: 0, root: value,
                signatures: [IndexedSignature(validator: index, signature: vote.signature)])
            var messages: [(String, PeerMessage)] = [
                ("vote", .vote(vote)), ("proposal", .proposal(proposal)),
                (
                    "status",
                    .status(
                        Status(
                            height: height, round: 1, hasProposal: true, prevotes: [index],
                            precommits: [], wanted: []))
                ),
                ("want", .want([RequestID(value)])),
                (
                    "batch",
                    .batch(DecidedBatch(precommits: precommits, entries: [EntryBytes([1, 2, 3])]))
                ),
            ]
            for (number, message) in ledgerSeeds.signedMessages.enumerated() {
                messages.append(("command-\(number)", .command(message)))
            }
            return messages.map { name, message in
                Seed(name: name, bytes: Parts.list(message.encoded))
            }
        },
        run: { bytes in
            var replica = Replica(
                key: Fixture.key(0), settings: ReplicationSettings(), state: replicated.state,
                frontier: replicated.frontier, lastPrecommits: nil, journal: [], at: moment(0))
            _ = replica.step(.start, at: moment(1))
            let parties = Parties(replicated.state)
            var parts = Parts(bytes)
            var uptime: UInt64 = 1
            while !parts.isAtEnd {
                let body = parts.list()
                guard
                    let message = decoded({ () throws(DecodingError) in
                        try PeerMessage(decoding: body)
                    })
                else { continue }
                law(message.encoded == body, "a message between nodes has one encoding")
                uptime += 100
                let peer = ValidatorIndex(UInt16(uptime / 100 % 5))
                guard parties.signatures(of: message)?.allSatisfy(\.holds) == true else { continue }
                _ = replica.step(
                    .message(
                        CheckedPeerMessage(unchecked: message), from: peer, bytes: body.count),
                    at: moment(uptime))
            }
            law(replica.state.height == Height(0), "nobody can decide without a quorum's keys")
        })

    /// What nodes and the bridge say beside agreeing.
    static let duties = FuzzTarget(
        name: "duties",
        about: "messages of duties, one encoding each; none can be taken for one between replicas",
        bytesMax: 8192,
        seeds: {
            let entry = ProvedEntry(bytes: [1, 2, 3], index: 7, proof: [Digest(hashing: [1])])
            let root = ProvedRoot(
                precommits: Precommits(
                    height: Height(3), round: 1, root: Digest(hashing: [2]),
                    signatures: [
                        IndexedSignature(validator: ValidatorIndex(2), signature: .zero)
                    ]), sealed: entry)
            var messages: [(String, DutyMessage)] = [
                ("want-blob", .wantBlob(Digest(hashing: [3]), offset: 9)),
                ("blob-part", .blobPart(Digest(hashing: [3]), size: 12, offset: 9, bytes: [4, 5])),
                ("checkpoint", .checkpoint(Array("a note".utf8))),
                (
                    "changes",
                    .changes([
                        ProvedChange(approved: entry, opened: entry, closed: entry, root: root)
                    ])
                ),
                ("want-changes", .wantChanges(11)),
            ]
            for case .request(let request) in ledgerSeeds.signedMessages.prefix(8) {
                messages.append(
                    (
                        "orders",
                        .orders([
                            SettlementOrder(
                                request: request, submitted: entry, ordered: entry, root: root)
                        ])
                    ))
                break
            }
            return messages.map { Seed(name: $0, bytes: $1.encoded) }
        },
        run: { bytes in
            guard
                let message = decoded({ () throws(DecodingError) in
                    try DutyMessage(decoding: bytes)
                })
            else { return }
            law(message.encoded == bytes, "a message of duties has one encoding")
            law(
                decoded({ () throws(DecodingError) in try PeerMessage(decoding: bytes) }) == nil,
                "a message of duties is none between replicas")
        })

    private static let replicated: LedgerScenario = {
        do {
            var setup = Setup.of(4, 3)
            return try LedgerScenario(setup)
        } catch {
            fatalError("the scenario of a replicated ledger does not open: \(error)")
        }
    }()

    private static func moment(_ uptime: UInt64) -> Instant {
        Instant(time: replicated.state.time.adding(milliseconds: uptime), uptime: uptime)
    }
}
