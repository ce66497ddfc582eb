// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Replication
import Storage

/// Serving batches to nodes that were away.
extension ReplicaHost {
    /// Bytes of the batches that answer one status; one batch may be larger.
    private static let answerBytesMax = 4 << 20

    /// Answers a peer that fetches what is before its snapshot, and asks this node alone.
    ///
    /// What is under way to it is not sent again at once. Each answer, and each MiB of it, counts
    /// as a part of a snapshot does.
    func serve(_ status: Status, to peer: ValidatorIndex, at uptime: UInt64) throws(HostError) {
        guard peer != replica.index, state.validator(peer) != nil else { return }
        if let last = served[peer], last.first < status.height, status.height <= last.last,
            uptime < last.at + HostingLimits.underWayMilliseconds
        {
            return
        }
        guard partBudget.takes(from: peer, at: uptime) else { return }
        let batches = try batches(from: status.height)
        guard let last = batches.last else { return }
        served[peer] = Served(first: status.height, last: last.precommits.height, at: uptime)
        var bytes = 0
        for batch in batches {
            let message = PeerMessage.batch(batch).encoded
            bytes += message.count
            outputs.append(.send(message, to: peer))
        }
        partBudget.pay(UInt64(bytes >> 20), from: peer)
    }

    /// The batches from a height on, as many as answer one status; none where it is not reached.
    ///
    /// Of a node that lacks older entries, only from those that it has.
    func batches(from height: Height) throws(HostError) -> [DecidedBatch] {
        guard height.rawValue >= 1, height <= state.height else { return [] }
        var log = log
        if let ahead, height > ahead.snapshot.height { log = ahead.log }
        do throws(LogError) {
            var start: UInt64
            if ahead == nil, let recent = recentBatches.first(of: height) {
                start = recent
            } else {
                start = try firstEntry(of: height, in: log)
            }
            var batches: [DecidedBatch] = []
            var bytes = 0
            while batches.count < ReplicationLimits.batchesPerAnswerMax, start < log.size,
                bytes < Self.answerBytesMax, let batch = try batch(at: start, in: log)
            {
                start += UInt64(batch.entries.count)
                invariant(
                    start <= log.size, "a batch up to entry \(start) of \(log.size) is served")
                bytes += batch.entries.reduce(0) { $0 + $1.bytes.count }
                batches.append(batch)
            }
            return batches
        } catch { throw .log(error) }
    }

    /// The batch that begins at an entry, with its precommits; nil where they are not held.
    private func batch(
        at start: UInt64, in log: EventLog
    ) throws(LogError) -> DecidedBatch? {
        var entries: [EntryBytes] = []
        var place = start
        var seal: BatchSealed?
        while seal == nil, place < log.size {
            let bytes = try log.entry(at: place)
            entries.append(EntryBytes(bytes))
            seal = Self.seal(bytes)
            place += 1
        }
        guard let seal,
            let precommits = try precommits(of: seal.height, endingAt: place, in: log)
        else { return nil }
        return DecidedBatch(precommits: precommits, entries: entries)
    }

    /// The precommits of a batch: in the opening of the next, or kept beside the log.
    private func precommits(
        of height: Height, endingAt end: UInt64, in log: EventLog
    ) throws(LogError) -> Precommits? {
        guard end < log.size else { return height == state.height ? lastPrecommits : nil }
        guard case .batchOpened(let next)? = Self.event(try log.entry(at: end)) else { return nil }
        return Precommits(
            height: height, round: next.precommitRound, root: next.previousRoot,
            signatures: next.precommits)
    }

    /// The first entry of a batch, found by halving: each probe reads on to the next seal.
    private func firstEntry(
        of height: Height, in log: EventLog
    ) throws(LogError) -> UInt64 {
        // The batch of `low` is below `height`, that of `high` is not.
        var low: UInt64 = 0
        var high = log.size
        var first: UInt64 = 0
        while low < high {
            let middle = low + (high - low) / 2
            var place = middle
            var seal: BatchSealed?
            while seal == nil, place < log.size {
                seal = Self.seal(try log.entry(at: place))
                place += 1
            }
            guard let seal, seal.height < height else {
                high = middle
                continue
            }
            low = place
            first = place
        }
        return first
    }

    static func seal(_ bytes: [UInt8]) -> BatchSealed? {
        guard case .batchSealed(let seal)? = event(bytes) else { return nil }
        return seal
    }

    static func event(_ bytes: [UInt8]) -> Event? {
        do throws(Ledger.DecodingError) { return try Event(decoding: bytes) } catch { return nil }
    }
}

/// The batches that a peer was sent last.
struct Served {
    let first: Height
    let last: Height
    /// The uptime at which it was.
    let at: UInt64
}

/// Where the newest batches begin in the log: peers that are a little behind ask for these.
///
/// Invariants: `firsts` ascends, its last is of the batch `last`, and each of the one before it;
/// `firsts.count <= 2 * countMax`.
struct RecentBatches {
    private static let countMax = 256

    private var firsts: [UInt64] = []
    private var last = Height(0)

    /// Notes the first entry of a batch that was committed.
    mutating func note(_ height: Height, first: UInt64) {
        if height.rawValue != last.rawValue + 1 { firsts = [] }
        if firsts.count >= 2 * Self.countMax { firsts.removeFirst(Self.countMax) }
        invariant(height > last, "batch \(height.rawValue) behind batch \(last.rawValue)")
        invariant(
            firsts.last.map { $0 < first } ?? true,
            "a batch that begins at \(first) behind one at \(firsts.last ?? 0)")
        firsts.append(first)
        invariant(firsts.count <= 2 * Self.countMax, "\(firsts.count) batches are remembered")
        last = height
    }

    /// The first entry of a batch; nil where it is not among the newest.
    func first(of height: Height) -> UInt64? {
        guard height <= last, last.rawValue - height.rawValue < UInt64(firsts.count) else {
            return nil
        }
        return firsts[firsts.count - 1 - Int(last.rawValue - height.rawValue)]
    }
}
