// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// Fetching a snapshot under a checkpoint that the operator named, from one peer after another.
///
/// The first part is checked against the checkpoint, the whole against the roots in its seal. A
/// peer that does not answer, or whose parts do not stand up to that, is passed over.
///
/// Invariants: `strikes.count == peers.count > place`, `attempts < attemptsMax` but while a peer is
/// given up; of a download `unsynced <= offset <= fileBytes`.
struct SnapshotFetch {
    /// What the checks of a snapshot that was fetched have come to.
    struct Found {
        let header: SnapshotHeader
        let state: LedgerState
    }

    private struct Download {
        let facts: SnapshotFacts
        let fileBytes: UInt64
        let file: any DiskFile
        var offset: UInt64 = 0
        var unsynced: UInt64 = 0
        /// The uptime at which a peer has been too slow.
        let endsAt: UInt64
    }

    private let directory: String
    private let disk: any Disk
    private let trusted: TreeHead
    private let ledger: LedgerID
    private let ownSize: UInt64
    private let peers: [ValidatorIndex]
    /// What each peer has failed in; at `strikesMax` it is asked no more.
    private var strikes: [Int]
    private var hasAnswer = false
    private var place = 0
    private var attempts = 0
    private var isAsking = false
    private var askedAt: UInt64 = 0
    private var download: Download?
    /// The uptime at which `wake` is wanted.
    private(set) var nextWake: UInt64 = 0

    /// Starts to ask `peers`, of which there is at least one.
    init(
        directory: String, disk: any Disk, trusted: TreeHead, ledger: LedgerID, ownSize: UInt64,
        peers: [ValidatorIndex]
    ) {
        self.directory = directory
        self.disk = disk
        self.trusted = trusted
        self.ledger = ledger
        self.ownSize = ownSize
        self.peers = peers
        strikes = Array(repeating: 0, count: peers.count)
    }

    /// Whether nobody is left to ask, though somebody has answered.
    var isExhausted: Bool {
        strikes.allSatisfy { $0 >= HostingLimits.strikesMax } && (hasAnswer || peers.isEmpty)
    }

    /// Asks for what comes next, when it is time.
    mutating func wake(at uptime: UInt64, _ outputs: inout [HostOutput]) {
        guard uptime >= nextWake, !peers.isEmpty else { return }
        if isAsking {
            attempts += 1
            if attempts >= HostingLimits.attemptsMax {
                passOver(1, at: uptime)
                guard !isExhausted else { return }
            }
        }
        invariant(
            attempts < HostingLimits.attemptsMax, "a peer is asked \(attempts) times for one part")
        invariant(
            download.map { $0.offset < $0.fileBytes } ?? true,
            "a part is asked for of a snapshot that is whole")
        isAsking = true
        askedAt = uptime
        nextWake = uptime + HostingLimits.answerMilliseconds
        let want = SnapshotWant(
            checkpointSize: trusted.size, snapshotSize: download?.facts.size ?? 0,
            offset: download?.offset ?? 0)
        outputs.append(.send(PeerMessage.wantSnapshot(want).encoded, to: peers[place]))
    }

    /// Receives a part; the last one gives the snapshot, which is in its place then.
    mutating func receive(
        _ part: SnapshotPart, from peer: ValidatorIndex, at uptime: UInt64,
        _ outputs: inout [HostOutput]
    ) throws(HostError) -> Found? {
        guard isAsking, peer == peers[place], part.checkpointSize == trusted.size,
            part.offset == download?.offset ?? 0
        else { return nil }
        hasAnswer = true
        do throws(PartFault) {
            guard part.fileBytes > 0 else { throw .none }
            if download == nil { download = try begin(part, at: uptime) }
            guard let found = try add(part, at: uptime) else {
                isAsking = false
                attempts = 0
                nextWake = max(uptime, askedAt + 1_200 / HostingLimits.partsPerSecond)
                return nil
            }
            return found
        } catch {
            if case .host(let error) = error { throw error }
            outputs.append(
                .notice("validator \(peer.rawValue) gave no snapshot to start from: \(error)"))
            passOver(HostingLimits.strikesMax, at: uptime)
            return nil
        }
    }

    /// Turns to the next peer that may still be asked.
    private mutating func passOver(_ count: Int, at uptime: UInt64) {
        download = nil
        isAsking = false
        attempts = 0
        strikes[place] += count
        nextWake = uptime
        guard !isExhausted else { return }
        if strikes.allSatisfy({ $0 >= HostingLimits.strikesMax }) {
            // Nobody has been heard yet: it is the network, and not they.
            strikes = Array(repeating: 0, count: peers.count)
        }
        invariant(
            strikes.contains { $0 < HostingLimits.strikesMax }, "nobody is left to be asked")
        repeat {
            place = (place + 1) % peers.count
        } while strikes[place] >= HostingLimits.strikesMax
    }

    // MARK: Parts

    /// Checks the first part against the checkpoint and makes a place for the rest.
    ///
    /// - Precondition: it begins where the file does.
    private func begin(
        _ part: SnapshotPart, at uptime: UInt64
    ) throws(PartFault) -> Download {
        invariant(part.offset == 0, "a snapshot begins with its part at byte \(part.offset)")
        let facts: SnapshotFacts
        do throws(SnapshotFlaw) {
            facts = try SnapshotFacts(start: part.bytes)
        } catch { throw .flawed(error) }
        guard facts.ledger == ledger else { throw .flawed(.otherLedger(facts.ledger)) }
        guard facts.size == part.snapshotSize, facts.size <= trusted.size else {
            throw .wrongSize(facts.size)
        }
        guard facts.size > ownSize else { throw .old(facts.size) }
        guard
            MerkleProof.verifyConsistency(
                oldSize: facts.size, oldRoot: facts.root, newSize: trusted.size,
                newRoot: trusted.root, proof: part.consistency)
        else { throw .notUnderCheckpoint }
        try checkSeal(part, facts)
        // No entry makes more of the state than its own bytes and these.
        let (most, isOver) = facts.size.multipliedReportingOverflow(by: 96 << 10)
        let bytesMax = isOver ? UInt64.max : max(most, 1 << 20)
        guard part.fileBytes <= min(HostingLimits.snapshotBytesMax, bytesMax),
            facts.fileBytes ?? part.fileBytes == part.fileBytes
        else { throw .wrongLength(part.fileBytes) }
        do throws(HostError) {
            return Download(
                facts: facts, fileBytes: part.fileBytes, file: try makeFile(facts.height),
                endsAt: uptime + 10_000
                    + part.fileBytes / UInt64(ReplicationLimits.snapshotPartBytes) * 500)
        } catch { throw .host(error) }
    }

    private func checkSeal(_ part: SnapshotPart, _ facts: SnapshotFacts) throws(PartFault) {
        let event: Event
        do throws(DecodingError) {
            event = try Event(decoding: part.seal.bytes)
        } catch { throw .wrongSeal }
        guard case .batchSealed(let seal) = event, seal.height == facts.height,
            seal.size == facts.size - 1, seal.components == facts.components,
            MerkleProof.verifyInclusion(
                leafHash: MerkleFrontier.leafHash(part.seal.bytes.span), index: facts.size - 1,
                size: facts.size, proof: part.inclusion, root: facts.root)
        else { throw .wrongSeal }
    }

    private func makeFile(_ height: Height) throws(HostError) -> any DiskFile {
        let path = AheadLog.unfinishedPath(in: directory)
        try onHostDisk { () throws(DiskError) in
            if try disk.exists(path) { try disk.removeTree(path) }
        }
        do throws(LogError) {
            try EventLog.create(directory: path, disk: disk).close()
        } catch { throw .log(error) }
        let store = SnapshotStore(ledgerDirectory: path, disk: disk)
        return try onHostDisk { () throws(DiskError) in
            try disk.createDirectory(store.directory)
            return try disk.open(store.path(height), .create)
        }
    }

    private mutating func add(
        _ part: SnapshotPart, at uptime: UInt64
    ) throws(PartFault) -> Found? {
        guard var download else { fatalError("a part is added to nothing") }
        let rest = download.fileBytes - download.offset
        guard part.fileBytes == download.fileBytes, part.snapshotSize == download.facts.size,
            UInt64(part.bytes.count) == min(rest, UInt64(ReplicationLimits.snapshotPartBytes))
        else { throw .wrongLength(part.fileBytes) }
        do throws(DiskError) {
            try download.file.write(part.bytes, at: download.offset)
            download.offset += UInt64(part.bytes.count)
            download.unsynced += UInt64(part.bytes.count)
            if download.unsynced >= 4 << 20 || download.offset == download.fileBytes {
                try download.file.sync()
                download.unsynced = 0
            }
        } catch { throw .host(.disk(error)) }
        invariant(
            download.offset <= download.fileBytes,
            "\(download.offset) bytes of a snapshot of \(download.fileBytes)")
        invariant(
            download.unsynced <= download.offset,
            "\(download.unsynced) bytes of \(download.offset) are not durable")
        invariant(
            download.offset < download.fileBytes || download.unsynced == 0,
            "a whole snapshot of which \(download.unsynced) bytes are not durable")
        self.download = download
        guard download.offset == download.fileBytes else {
            guard uptime < download.endsAt else { throw .slow }
            return nil
        }
        return try finish(download)
    }

    /// Loads what was fetched, computing every root, and gives it its place.
    private func finish(_ download: Download) throws(PartFault) -> Found {
        let path = AheadLog.unfinishedPath(in: directory)
        let store = SnapshotStore(ledgerDirectory: path, disk: disk)
        let found: Found
        do throws(SnapshotFlaw) {
            let (header, state) = try store.load(download.facts.height)
            guard header.size == download.facts.size, header.root == download.facts.root,
                header.components == download.facts.components
            else { throw .contradictsItself }
            found = Found(header: header, state: state)
        } catch {
            if case .disk(let error) = error { throw .host(.disk(error)) }
            throw .flawed(error)
        }
        do throws(DiskError) {
            try disk.syncDirectory(store.directory)
            try disk.syncDirectory(path)
            try disk.rename(path, to: AheadLog.path(in: directory))
            try disk.syncDirectory(directory)
        } catch { throw .host(.disk(error)) }
        return found
    }
}

/// Why a peer's part of a snapshot is of no use.
private enum PartFault: Error, CustomStringConvertible {
    case none
    case old(UInt64)
    case slow
    case wrongSize(UInt64)
    case wrongLength(UInt64)
    case wrongSeal
    case notUnderCheckpoint
    case flawed(SnapshotFlaw)
    case host(HostError)

    var description: String {
        switch self {
        case .none: "it has none under the checkpoint"
        case .old(let size): "it has one of \(size) entries, which are here already"
        case .slow: "it is too slow"
        case .wrongSize(let size): "it sent one of \(size) entries that it called another"
        case .wrongLength(let bytes): "its parts do not make up its \(bytes) bytes"
        case .wrongSeal: "the roots that it names are not those of a sealed batch"
        case .notUnderCheckpoint: "it is not under the checkpoint"
        case .flawed(let flaw): "\(flaw)"
        case .host(let error): "\(error)"
        }
    }
}
