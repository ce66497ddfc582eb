// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage

private let directory = "/ledger"

extension FuzzTarget {
    /// The files of a log: what a reader takes, a writer takes, and both see the same.
    static let frames = FuzzTarget(
        name: "frames",
        about: "the files of a log; what verifies has its root, and writing on keeps it",
        bytesMax: 16_384,
        seeds: {
            try [true, false].map { isClosed in
                Seed(
                    name: isClosed ? "closed" : "open",
                    bytes: FileSet(try makeLog(closed: isClosed), under: directory).encoded)
            } + [
                Seed(name: "torn", bytes: FileSet(try tornLog(), under: directory).encoded),
                Seed(
                    name: "empty",
                    bytes: FileSet(
                        try makeLog(closed: true, commits: 0), under: directory
                    ).encoded),
            ]
        },
        run: { bytes in
            let disk = FileSet(decoding: bytes).disk(directory)
            let seen = read(disk)
            let log: EventLog
            do throws(LogError) {
                log = try EventLog.open(directory: directory, disk: disk, options: options)
            } catch {
                law(seen == nil, "a writer refuses what a reader takes: \(error)")
                return
            }
            do throws(LogError) {
                law(log.access == .readWrite, "a log is opened as asked")
                if let seen { law(log.size == seen.size, "reader and writer see one size") }
                guard let seen, let root = seen.root else { return }
                law(log.root == root, "reader and writer see one root")
                guard log.size < UInt64.max / 2 else { return }
                _ = try log.stage([1, 2, 3])
                try log.commit()
                try log.close()
                let again = try EventLog.open(
                    directory: directory, disk: disk, access: .readOnly, options: options)
                law(again.recovery.wasClosed, "a log that was closed is closed")
                law(again.size == seen.size + 1, "one entry was added")
                law(try again.verifyAll().root == again.root, "the root is that of the entries")
            } catch {
                law(seen?.root == nil, "a log that verified cannot be written to: \(error)")
            }
        })

    private static let options = LogOptions(segmentBytesMax: 400)

    /// What a reader sees: nil where it refuses, no root where something does not verify.
    private static func read(_ disk: SimulatedDisk) -> (size: UInt64, root: Digest?)? {
        do throws(LogError) {
            let log = try EventLog.open(
                directory: directory, disk: disk, access: .readOnly, options: options)
            do throws(LogError) {
                let verified = try log.verifyAll()
                law(verified.entries == log.size, "every entry was verified")
                law(verified.root == log.root, "the root is that of the entries")
                try checkEntries(log)
                return (log.size, log.root)
            } catch {
                return (log.size, nil)
            }
        } catch { return nil }
    }

    private static func checkEntries(_ log: EventLog) throws(LogError) {
        var frontier = MerkleFrontier()
        do {
            try log.forEach(from: 0, to: log.size) { index, entry in
                law(index == frontier.count, "entries come in order")
                frontier.append(leafHash: MerkleFrontier.leafHash(entry))
            }
        } catch let error as LogError {
            throw error
        } catch { fatalError("an error of an unknown kind: \(error)") }
        law(frontier.root == log.root, "the root is that of the entries")
        guard log.size > 0 else { return }
        for index in [0, log.size / 2, log.size - 1] {
            let entry = try log.entry(at: index)
            let proof = try log.inclusionProof(index: index, size: log.size)
            law(
                MerkleProof.verifyInclusion(
                    leafHash: MerkleFrontier.leafHash(entry.span), index: index, size: log.size,
                    proof: proof, root: log.root),
                "an inclusion proof verifies")
        }
    }

    private static func makeLog(closed: Bool, commits: Int = 9) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: directory, disk: disk, options: options)
        for number in 0..<commits {
            for entry in 0...number % 4 {
                let bytes = [UInt8](repeating: UInt8(number), count: 20 + 17 * entry)
                _ = try log.stage(bytes + [UInt8(entry)])
            }
            try log.commit()
        }
        _ = try BlobStore(logDirectory: directory, disk: disk).put([7, 7, 7])
        if closed { try log.close() } else { disk.restart(seed: 1) }
        return disk
    }

    private static func tornLog() throws -> SimulatedDisk {
        let disk = try makeLog(closed: false)
        guard let last = disk.files.last(where: { $0.hasSuffix(".segment") }),
            let bytes = disk.bytes(of: last)
        else { return disk }
        disk.replace(last, with: bytes.dropLast(5))
        try EventLog.open(directory: directory, disk: disk, options: options).close()
        return disk
    }
}

extension FuzzTarget {
    /// The files of a whole ledger, snapshots among them.
    static let ledgers = FuzzTarget(
        name: "ledgers",
        about: "the files of a ledger; with a snapshot or without, the state is the same",
        bytesMax: 32_768,
        seeds: {
            try [(nil, true), (1, true), (2, false)].map { (height: UInt64?, closed: Bool) in
                let disk = try ledger(snapshotAt: height, closed: closed)
                return Seed(
                    name: "snapshot-\(height.map { "\($0)" } ?? "none")-\(closed)",
                    bytes: FileSet(disk, under: directory).encoded)
            }
        },
        run: { bytes in
            let disk = FileSet(decoding: bytes).disk(directory)
            let seen = open(disk, .readOnly)
            guard let written = open(disk, .readWrite) else {
                law(seen == nil, "a writer refuses what a reader takes")
                return
            }
            law(written.log.size == written.state.size, "every entry was folded")
            if let seen {
                law(
                    seen.state.componentRoots() == written.state.componentRoots(),
                    "reader and writer see one state")
            }
            guard written.snapshot != nil else { return }
            var folded = LedgerState()
            do throws(StorageError) {
                try LedgerStore.fold(written.log, into: &folded)
            } catch {
                // What the snapshot stands for was damaged, and nothing but the proofs needs it.
                return
            }
            law(
                folded.componentRoots() == written.state.componentRoots(),
                "a snapshot serves another state than the log")
        })

    private static func open(_ disk: SimulatedDisk, _ access: LogAccess) -> OpenedLedger? {
        decoded { () throws(StorageError) in
            try LedgerStore.open(directory: directory, disk: disk, access: access)
        }
    }

    private static func ledger(snapshotAt height: UInt64?, closed: Bool) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: directory, disk: disk)
        var state = LedgerState()
        for event in ledgerSeeds.scenario.log + ledgerSeeds.tails[0] {
            let bytes = event.encoded
            _ = try log.stage(bytes)
            try state.apply(Entry(event))
            guard !state.isBatchOpen, case .batchSealed = event else { continue }
            try log.commit()
            guard state.height.rawValue == height else { continue }
            _ = try SnapshotStore(ledgerDirectory: directory, disk: disk).write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
        }
        if closed { try log.close() } else { disk.restart(seed: 1) }
        return disk
    }

    /// One snapshot file.
    static let snapshots = FuzzTarget(
        name: "snapshots", about: "snapshot files; what loads has the roots of its header",
        bytesMax: 16_384,
        seeds: {
            try [1, 2].map { (height: UInt64) in
                let files = FileSet(try ledger(snapshotAt: height, closed: true), under: directory)
                return Seed(
                    name: "height-\(height)",
                    bytes: files.files.first { $0.kind == .snapshot }?.bytes ?? [])
            }
        },
        run: { bytes in
            let disk = SimulatedDisk()
            let files = FileSet([FileSet.File(kind: .snapshot, number: 1, bytes: bytes)])
            let repaired = files.repaired()
            repaired.place(on: disk, under: directory)
            let store = SnapshotStore(ledgerDirectory: directory, disk: disk)
            let height = Height(1)
            guard
                let header = decoded({ () throws(SnapshotFlaw) in try store.header(of: height) })
            else { return }
            law(header.height == height, "a snapshot has the height of its name")
            guard
                let loaded = decoded({ () throws(SnapshotFlaw) in try store.load(height) })
            else { return }
            law(
                loaded.state.componentRoots() == loaded.header.components,
                "a state that loads has the roots of the header")
        })
}

extension FuzzTarget {
    /// Proofs of RFC 6962.
    static let merkle = FuzzTarget(
        name: "merkle", about: "inclusion and consistency proofs; one that holds names its leaf",
        bytesMax: 2048,
        seeds: {
            let disk = try makeLog(closed: true)
            let log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
            return try (0..<4 as Range<UInt64>).map { number in
                let size = log.size - number
                let index = size * number / 5
                let inclusion = try log.inclusionProof(index: index, size: size)
                let consistency = try log.consistencyProof(from: index + 1, to: size)
                return Seed(
                    name: "size-\(size)",
                    bytes: Parts.little(index) + Parts.little(size)
                        + [UInt8(inclusion.count)] + inclusion.flatMap(\.bytes)
                        + consistency.flatMap(\.bytes))
            }
        },
        run: { bytes in
            var parts = Parts(bytes)
            let index: UInt64 = parts.integer()
            let size: UInt64 = parts.integer()
            let count = Int(parts.byte())
            var digests: [Digest] = []
            var rest: [Digest] = []
            while !parts.isAtEnd, let value = Bytes32(parts.read(32)) {
                if digests.count < count {
                    digests.append(Digest(value))
                } else {
                    rest.append(Digest(value))
                }
            }
            let leaf = Digest(hashing: [1])
            let root = digests.last ?? leaf
            if MerkleProof.verifyInclusion(
                leafHash: leaf, index: index, size: size, proof: digests, root: root)
            {
                law(index < size, "a leaf is in its tree")
            }
            if MerkleProof.verifyConsistency(
                oldSize: index, oldRoot: leaf, newSize: size, newRoot: root, proof: rest)
            {
                law(index > 0 && index <= size, "an older tree is smaller")
            }
            _ = MerkleFrontier(count: size, subtrees: rest)?.root
        })
}
