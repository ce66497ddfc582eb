// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Replication

/// Whose fork it is: ten validators of a ledger that holds everything before it.
enum ForkParties {
    private static let scenario: LedgerScenario = {
        do {
            var scenario = try LedgerScenario(
                .of(ForkHistory.count, UInt32(ForkHistory.threshold)))
            for _ in 0..<3 {
                try scenario.open()
                try scenario.seal()
            }
            return scenario
        } catch { fatalError("a ledger of idle batches: \(error)") }
    }()

    static let ledger = scenario.ledger
    static let log = scenario.log
    static let height = Height(scenario.state.height.rawValue + 1)
    static let signers = scenario.keys

    /// The name of a validator in the ledger.
    static func name(_ number: Int) -> String { Fixture.name(UInt16(number)) }
}

/// Journals and certificates of a fork, as files.
struct ForkShelf {
    let shelf = Shelf()
    var inputs: CulpritInputs

    /// Writes the ledger before the fork.
    init() throws {
        try shelf.write(ForkParties.log, to: "/ledger")
        inputs = CulpritInputs(ledgers: [("/ledger", "ledger")])
        inputs.recounts = false
        inputs.disk = shelf.disk
    }

    /// Writes statements as a journal of `owner` holds them.
    mutating func add(journal statements: [TracedStatement], of owner: Int) throws {
        let path = "/journal-\(inputs.journals.count)"
        let log = try EventLog.create(directory: path, disk: shelf.disk)
        for statement in statements {
            _ = try log.stage(Self.entry(statement, of: ValidatorIndex(UInt16(owner))))
        }
        try log.commit()
        try log.close()
        inputs.journals.append((path, path))
    }

    /// Tags 4, 5 and 6 of the article "Replication": proposed, cast, received.
    private static func entry(_ statement: TracedStatement, of owner: ValidatorIndex) -> [UInt8] {
        switch statement {
        case .proposal(let value, _): [4] + value.encoded
        case .vote(let vote): [vote.validator == owner ? 5 : 6] + vote.encoded
        }
    }

    /// Adds T precommits as the file of a decision.
    mutating func add(certificate votes: [ConsensusVote]) throws {
        let root = votes[0].value ?? .zero
        var signed: [UInt16: Signature] = [:]
        for vote in votes { signed[vote.validator.rawValue] = vote.signature }
        let precommits = Precommits(
            height: ForkHistory.height, round: votes[0].round, root: root,
            signatures: signed.keys.sorted().compactMap { index in
                signed[index].map {
                    IndexedSignature(validator: ValidatorIndex(index), signature: $0)
                }
            })
        inputs.certificates.append((PrecommitBytes.of(precommits), "certificate"))
    }
}

/// A file of precommits, by the article "Checkpoints".
enum PrecommitBytes {
    static func of(_ precommits: Precommits) -> [UInt8] {
        let body = precommits.encoded
        var writer = BorshWriter()
        writer.writeFixed(Array("RCPC".utf8))
        writer.write(UInt16(1))
        writer.write(UInt16(0))
        writer.write(UInt64(16 + body.count + 32))
        writer.writeFixed(body)
        writer.write(Digest(hashing: writer.bytes))
        return writer.bytes
    }
}
