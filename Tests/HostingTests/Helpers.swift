// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication

/// What the tests of this folder sign with, and short ways to their messages.
enum JournalFixture {
    static let key = SigningKey(seed: Bytes32([UInt8](repeating: 3, count: 32)) ?? .zero)
    static let peer = SigningKey(seed: Bytes32([UInt8](repeating: 4, count: 32)) ?? .zero)
    static let ledger = LedgerID(Digest(hashing: [9]))
    static let directory = "/votes"

    /// Why a journal of these entries cannot be used; nil where it can.
    static func problem(
        _ entries: [[UInt8]], opening open: (SimulatedDisk) throws(JournalError) -> VoteJournal
    ) throws -> JournalProblem? {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: directory, disk: disk)
        for entry in entries { _ = try log.stage(entry) }
        try log.commit()
        try log.close()
        do throws(JournalError) {
            _ = try open(disk)
            return nil
        } catch {
            guard case .unusable(_, let problem) = error else { return nil }
            return problem
        }
    }

    static func value(_ number: Int) -> Digest {
        Digest(hashing: Array("value \(number)".utf8))
    }

    static func request(_ number: Int) -> RequestID {
        RequestID(Digest(hashing: Array("request \(number)".utf8)))
    }

    static func vote(
        _ kind: ConsensusKind, _ height: UInt64, _ round: UInt32, _ value: Digest?,
        validRound: Int64 = -1, by signer: SigningKey = key, as validator: UInt16 = 0
    ) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: Height(height), round: round, value: value,
            ground: validRound, validator: ValidatorIndex(validator), signature: .zero
        ).signed(by: signer, in: ledger)
    }

    static func cast(
        _ kind: ConsensusKind, _ height: UInt64, _ round: UInt32, _ value: Digest?,
        validRound: Int64 = -1
    ) -> JournalItem {
        .cast(vote(kind, height, round, value, validRound: validRound))
    }

    /// A prevote of another.
    static func received(
        _ height: UInt64, _ round: UInt32, _ value: Digest?, from validator: UInt16 = 7
    ) -> JournalItem {
        .received(vote(.prevote, height, round, value, by: peer, as: validator))
    }

    static func proposed(
        _ height: UInt64, _ round: UInt32, _ value: Digest, validRound: Int64 = -1
    ) -> JournalItem {
        let signed = Proposal(
            height: Height(height), round: round, value: value, validRound: validRound,
            proposer: ValidatorIndex(0), signature: .zero, batch: batch(height, votes: 0)
        ).signed(by: key, in: ledger)
        return .proposed(
            ProposedValue(
                height: signed.height, round: round, value: value, validRound: validRound,
                signature: signed.signature))
    }

    /// A batch of some 160 bytes, and 140 more for each vote in it.
    static func batch(_ height: UInt64, votes: Int) -> ProposedBatch {
        let opening = BatchOpened(
            height: Height(height), time: Time(height * 1000), proposer: ValidatorIndex(0),
            round: 0, previousRoot: value(0), precommitRound: 0, precommits: [],
            signature: .zero)
        let message = VoteMessage(
            request: request(1), validator: key.publicKey, vote: .approve, reason: .proofHolds,
            timestamp: Time(5), signature: .zero)
        return ProposedBatch(
            opening: opening,
            commands: (0..<votes).map { number in
                var vote = message
                vote.request = request(number)
                return ProposedCommand(.vote(vote), isRefused: number % 2 == 0)
            })
    }

    static func held(_ height: UInt64, _ value: Digest, votes: Int = 2) -> JournalItem {
        .held(Height(height), value: value, batch(height, votes: votes))
    }

    static func precommits(_ height: UInt64, signers: Int = 7) -> Precommits {
        Precommits(
            height: Height(height), round: 3, root: value(Int(height)),
            signatures: (0..<signers).map {
                IndexedSignature(
                    validator: ValidatorIndex(UInt16($0)), signature: key.sign([UInt8($0 % 256)]))
            })
    }

    /// A disk with an empty journal.
    static func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: directory, disk: disk)
        return disk
    }

    static func journal(_ disk: SimulatedDisk) throws(JournalError) -> VoteJournal {
        try VoteJournal(directory: directory, disk: disk, key: key, ledger: ledger)
    }

    /// A disk with a journal of these entries, closed.
    static func disk(entries: [[UInt8]]) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: directory, disk: disk)
        for entry in entries { _ = try log.stage(entry) }
        try log.commit()
        try log.close()
        return disk
    }

    /// The entries of a journal, as they are on the disk.
    static func entries(_ disk: SimulatedDisk) throws -> [[UInt8]] {
        let log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
        return try (0..<log.size).map { try log.entry(at: $0) }
    }

    /// Every item of a journal, read without opening it.
    static func items(_ disk: SimulatedDisk) throws -> [JournalItem] {
        var items: [JournalItem] = []
        try VoteJournal.forEachItem(in: directory, disk: disk) { items.append($0) }
        return items
    }

    /// What is wrong with an item or entry, and where; nil where nothing is.
    static func problem(_ body: () throws -> Void) throws -> (entry: UInt64, JournalProblem)? {
        do {
            try body()
            return nil
        } catch JournalError.unusable(let entry, let problem) {
            return (entry, problem)
        }
    }
}
