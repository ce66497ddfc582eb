// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import Ledger
internal import Storage

/// Signing and cosigning checkpoints while the node does not run.
package enum HomeCheckpoints {
    /// Signs the ledger of a home as it is; every validator of the home cosigns.
    ///
    /// Returns what is kept, and its path. Throws where the node runs: it does this by itself.
    package static func sign(
        _ home: Home, clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> (signed: SignedCheckpoint, path: String, notices: [String]) {
        try withValidators(of: home) { reopened, validators throws(NodeError) in
            let log = reopened.ledger.log
            // Batch 0 has no proposer: the first validator signs for it.
            let number = Int(reopened.lastOpening?.proposer.rawValue ?? 0)
            guard validators.indices.contains(number) else { throw .noProposer }
            let state = reopened.ledger.state
            let speaking = validators.filter { validator in
                validator.silentUntil.map { $0 < state.time } ?? true
            }
            let head = TreeHead(size: log.size, root: log.root)
            let maker = CheckpointMaker(
                head: head, ledger: home.ledger, log: log, proposer: validators[number],
                cosigners: speaking, directory: home.ledgerDirectory,
                seconds: clock.now().rawValue / 1000,
                kept: Int(home.configuration.keeping.checkpointsKept))
            let notices = try maker.make()
            let store = CheckpointStore(
                logDirectory: home.ledgerDirectory,
                origin: Checkpoint.origin(ofLedger: home.ledger.digest), disk: POSIXDisk())
            do throws(CheckpointStoreError) {
                return (
                    try store.load(size: head.size), store.path(head.size),
                    reopened.ledger.notices + notices
                )
            } catch {
                throw .note("\(error)")
            }
        }
    }

    /// Adds the cosignatures of a home's validators to a checkpoint from elsewhere.
    ///
    /// Each cosigns only what its own ledger holds and what continues what it cosigned last. What
    /// is cosigned is kept beside the home's own checkpoints as well.
    /// - Parameter names: The validators; all of the home where there are none.
    package static func cosign(
        _ signed: SignedCheckpoint, _ home: Home, names: [String],
        clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> SignedCheckpoint {
        for name in names where !home.validators.contains(where: { $0.name == name }) {
            throw .note("there is no validator \(name) in this home")
        }
        return try withValidators(of: home) { reopened, validators throws(NodeError) in
            var result = signed
            let time = reopened.ledger.state.time
            for validator in validators where names.isEmpty || names.contains(validator.name) {
                if let until = validator.silentUntil, until >= time {
                    throw .note(
                        "\(validator.name) lost its journal and signs nothing until ledger time"
                            + " has passed \(TimeText.of(until))")
                }
                try validator.cosign(
                    &result, of: reopened.ledger.log, seconds: clock.now().rawValue / 1000)
            }
            let store = CheckpointStore(
                logDirectory: home.ledgerDirectory,
                origin: Checkpoint.origin(ofLedger: home.ledger.digest), disk: POSIXDisk())
            do throws(CheckpointStoreError) {
                return try store.save(result).kept
            } catch {
                throw .note("\(error)")
            }
        }
    }

    private static func withValidators<R>(
        of home: Home, _ body: (Reopened, [LocalValidator]) throws(NodeError) -> R
    ) throws(NodeError) -> R {
        let reopened = try Reopened(home.ledgerDirectory)
        var failure: NodeError?
        var result: R?
        do throws(NodeError) {
            let validators = try Engine.openValidators(home, CoordinatorOptions(), reopened)
            do throws(NodeError) { result = try body(reopened, validators) } catch {
                failure = error
            }
            for validator in validators {
                do throws(NodeError) { try validator.close() } catch { failure = failure ?? error }
            }
        } catch {
            failure = error
        }
        do throws(LogError) { try reopened.ledger.log.close() } catch {
            failure = failure ?? .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
        if let failure { throw failure }
        guard let result else { fatalError("neither a result nor an error") }
        return result
    }
}
