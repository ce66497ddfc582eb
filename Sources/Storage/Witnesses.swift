// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// What lies beside a log and tells how long it was once: snapshots and checkpoints.
struct Witnesses {
    let snapshots: SnapshotStore
    let checkpoints: CheckpointStore
    /// The headers of this ledger's snapshots, the newest first.
    private(set) var headers: [SnapshotHeader] = []
    /// What does not serve, and why.
    private(set) var notices: [String] = []
    /// The file that has seen the most entries, where there is one.
    private(set) var largest: (path: String, size: UInt64)?

    private let directory: String
    private let disk: any Disk

    /// Reads what is there. A file that cannot be used is told of.
    init(_ directory: String, _ disk: any Disk) throws(StorageError) {
        self.directory = directory
        self.disk = disk
        snapshots = SnapshotStore(ledgerDirectory: directory, disk: disk)
        let ledger: LedgerID
        do throws(LogError) {
            ledger = try LedgerStore.identity(of: directory, disk: disk)
        } catch {
            throw .log(error)
        }
        checkpoints = CheckpointStore(
            logDirectory: directory, origin: Checkpoint.origin(ofLedger: ledger.digest), disk: disk)
        try readHeaders(of: ledger)
        do throws(CheckpointStoreError) {
            let newest = try checkpoints.newest()
            for damage in newest.damaged {
                notices.append("a checkpoint does not serve: \(damage)")
            }
            if let checkpoint = newest.checkpoint {
                see(checkpoints.path(checkpoint.head.size), checkpoint.head.size)
            }
        } catch {
            throw .checkpoints(error)
        }
    }

    private mutating func readHeaders(of ledger: LedgerID) throws(StorageError) {
        let heights: [Height]
        do { heights = try snapshots.heights() } catch { throw .disk(error) }
        for height in heights.reversed() {
            let path = snapshots.path(height)
            do throws(SnapshotFlaw) {
                let header = try snapshots.header(of: height)
                guard header.ledger == ledger else { throw .otherLedger(header.ledger) }
                headers.append(header)
                see(path, header.size)
            } catch {
                notices.append(Self.notice(path, error))
            }
        }
    }

    private mutating func see(_ path: String, _ size: UInt64) {
        if size > largest?.size ?? 0 { largest = (path, size) }
    }

    static func notice(_ path: String, _ flaw: SnapshotFlaw) -> String {
        "the snapshot \(path) does not serve: \(flaw)"
    }

    /// The newest checkpoint with a signature of somebody who is or was a validator, and with no
    /// false one.
    func checkpoint(
        signedBy keys: [PublicKey], _ notices: inout [String]
    ) throws(StorageError) -> SignedCheckpoint? {
        let store: CheckpointStore
        do throws(PolicyError) {
            let policy = try CheckpointPolicy(
                quorum: Quorum(threshold: 1, count: keys.count), validators: keys)
            store = CheckpointStore(
                logDirectory: directory, origin: checkpoints.origin, policy: policy, disk: disk)
        } catch {
            fatalError("the validators of a ledger make no policy: \(error)")
        }
        do throws(CheckpointStoreError) {
            let newest = try store.newest()
            for damage in newest.damaged {
                let notice = "a checkpoint does not serve: \(damage)"
                if !notices.contains(notice) { notices.append(notice) }
            }
            return newest.checkpoint
        } catch {
            throw .checkpoints(error)
        }
    }
}
