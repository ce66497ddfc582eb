// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Hosting
internal import Ledger

/// Signing and cosigning checkpoints while a node does not run.
package enum NodeCheckpoints {
    /// Signs the ledger of the first home as it is; those of the others cosign that hold the same.
    ///
    /// Returns what is kept in the first home, its path, and who did not cosign and why. Throws
    /// where a node runs: it does this by itself.
    package static func sign(
        _ homes: [NodeHome], clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> (signed: SignedCheckpoint, path: String, notices: [String]) {
        guard let first = homes.first else { throw .noProposer }
        let log = try open(first)
        let checkpoint = Checkpoint(
            ledger: first.ledger.digest, head: TreeHead(size: log.size, root: log.root))
        var signed: SignedCheckpoint
        do throws(NoteError) {
            signed = try SignedCheckpoint(signing: checkpoint, with: first.key)
        } catch { throw .note("\(error)") }
        var notices: [String] = []
        for home in homes {
            do throws(NodeError) {
                try add(home, to: &signed, log: try open(home), clock)
            } catch {
                switch error {
                case .cosign, .notOfThisLedger: notices.append("\(error)")
                default: throw error
                }
            }
        }
        return (try keep(signed, first), store(first).path(signed.head.size), notices)
    }

    /// Adds the cosignature of a home's validator to a checkpoint.
    ///
    /// It cosigns only what its own ledger holds and what continues what it cosigned last. What is
    /// cosigned is kept beside the home's own checkpoints as well.
    package static func cosign(
        _ signed: SignedCheckpoint, _ home: NodeHome, clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> SignedCheckpoint {
        var result = signed
        try add(home, to: &result, log: try open(home), clock)
        return try keep(result, home)
    }

    private static func open(_ home: NodeHome) throws(NodeError) -> EventLog {
        do throws(LogError) {
            return try EventLog.open(
                directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        } catch {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
    }

    private static func add(
        _ home: NodeHome, to signed: inout SignedCheckpoint, log: EventLog, _ clock: any NodeClock
    ) throws(NodeError) {
        let name = home.validator
        var journal: VoteJournal
        do throws(JournalError) {
            journal = try VoteJournal(
                directory: home.journalDirectory, disk: POSIXDisk(), key: home.key,
                ledger: home.ledger)
        } catch { throw .host(path: home.path, .journal(error)) }
        var failure: NodeError?
        do throws(NodeError) {
            try add(&journal, name, home.key, to: &signed, log, clock.checked().rawValue / 1000)
        } catch { failure = error }
        do throws(JournalError) { try journal.close() } catch {
            failure = failure ?? .host(path: home.path, .journal(error))
        }
        if let failure { throw failure }
    }

    /// Checks, in order: silence, that the log holds the checkpoint, that it continues the last.
    private static func add(
        _ journal: inout VoteJournal, _ name: String, _ key: SigningKey,
        to signed: inout SignedCheckpoint, _ log: EventLog, _ seconds: UInt64
    ) throws(NodeError) {
        if let until = journal.silentUntil, until.rawValue / 1000 >= seconds {
            throw .note(
                "\(name) lost its journal and signs nothing until \(TimeText.of(until))")
        }
        let checkpoint = signed.checkpoint
        let last = journal.lastCosigned
        let proof: [Digest]
        do throws(LogError) {
            guard checkpoint.size <= log.size, try log.root(at: checkpoint.size) == checkpoint.root
            else { throw LogError.outOfRange(index: checkpoint.size, size: log.size) }
            proof =
                last.map(\.size).map { $0 < checkpoint.size } ?? false
                ? try log.consistencyProof(from: last?.size ?? 0, to: checkpoint.size) : []
        } catch .outOfRange {
            throw .notOfThisLedger(validator: name, size: checkpoint.size, held: log.size)
        } catch {
            throw .log(of: "the ledger", path: log.directory, error)
        }
        do throws(JournalError) {
            try journal.noteCosigning(checkpoint, proof: proof)
        } catch {
            if case .cosign(let refusal) = error {
                throw .cosign(validator: name, refusal)
            }
            throw .host(path: log.directory, .journal(error))
        }
        do throws(NoteError) { _ = try signed.cosign(with: key, seconds: seconds) } catch {
            throw .note("\(error)")
        }
    }

    private static func store(_ home: NodeHome) -> CheckpointStore {
        CheckpointStore(
            logDirectory: home.ledgerDirectory,
            origin: Checkpoint.origin(ofLedger: home.ledger.digest), disk: POSIXDisk())
    }

    private static func keep(
        _ signed: SignedCheckpoint, _ home: NodeHome
    ) throws(NodeError) -> SignedCheckpoint {
        do throws(CheckpointStoreError) {
            let kept = try store(home).save(signed).kept
            _ = try store(home).prune(keeping: Int(home.configuration.keeping.checkpointsKept))
            return kept
        } catch {
            throw .note("\(error)")
        }
    }
}
