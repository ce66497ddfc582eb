// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Storage

/// Ledgers in which one kind of crime is found, and their twins.
struct CulpritLedgers {
    static let validators = 6
    static let threshold = 5

    let shelf = Shelf()

    /// A scenario of six validators, five of whom must sign.
    static func scenario() throws -> LedgerScenario {
        try LedgerScenario(.of(validators, UInt32(threshold)))
    }

    /// Looks for culprits in ledgers on the shelf.
    func culprits(
        _ paths: [String], recounts: Bool = false, checkpoints: [SignedCheckpoint] = [],
        journals: [String] = []
    ) throws -> CulpritReport {
        var inputs = CulpritInputs(ledgers: paths.map { ($0, $0) })
        inputs.disk = shelf.disk
        inputs.recounts = recounts
        inputs.journals = journals.map { ($0, $0) }
        inputs.checkpoints = checkpoints.enumerated().map {
            ($0.element.bytes, "note-\($0.offset)")
        }
        return try CulpritSearch.run(inputs)
    }

    /// Writes a log, and beside it the precommits of the first T under its last batch.
    func write(certified events: [Event], to path: String, ledger: LedgerID) throws {
        try shelf.write(events, to: path)
        let log = try EventLog.open(directory: path, disk: shelf.disk, access: .readOnly)
        guard case .batchSealed(let seal)? = events.last else { return }
        let root = try log.root(at: log.size)
        let signers = (0..<UInt16(Self.threshold)).map { ValidatorIndex($0) }
        try PrecommitStore(ledgerDirectory: path, disk: shelf.disk).save(
            Precommits(
                to: root, of: seal.height, by: signers, in: ledger, key: Fixture.key))
    }

    /// A checkpoint of a ledger, cosigned by these validators.
    static func checkpoint(
        _ head: TreeHead, of ledger: LedgerID, by numbers: [UInt16]
    ) throws -> SignedCheckpoint {
        let checkpoint = Checkpoint(ledger: ledger.digest, head: head)
        var signed = try SignedCheckpoint(
            signing: checkpoint, with: Fixture.key(numbers.first ?? 0))
        for number in numbers.dropFirst() {
            _ = try signed.cosign(with: Fixture.key(number), seconds: 1_000)
        }
        return signed
    }
}
