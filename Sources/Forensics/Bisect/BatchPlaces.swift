// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Ledger

/// Finds batches in a log by their openings, in O(log n) reads of a batch.
struct BatchPlaces {
    let log: EventLog

    init(_ log: EventLog) { self.log = log }

    /// The entry that opens a batch; of the last where no height is given.
    func start(of height: UInt64?) throws(BisectError) -> UInt64 {
        guard log.size > 0, let last = try opening(atOrBefore: log.size - 1) else {
            throw .noBatch(height: height ?? 1, last: 0)
        }
        guard let height else { return last.entry }
        guard (1...last.height).contains(height) else {
            throw .noBatch(height: height, last: last.height)
        }
        var (low, high) = (UInt64(0), last.entry)
        while low < high {
            let middle = low + (high - low + 1) / 2
            let found = try opening(atOrBefore: middle)
            if let found, found.height == height { return found.entry }
            if let found, found.height > height {
                high = found.entry - 1
            } else {
                low = middle
            }
        }
        guard let found = try opening(atOrBefore: low), found.height == height else {
            throw .noBatch(height: height, last: last.height)
        }
        return found.entry
    }

    /// The entry that opens the first batch after a time; the size of the log where there is none.
    func start(after time: Time) throws(BisectError) -> UInt64 {
        var (low, high) = (UInt64(0), log.size)
        while low < high {
            let middle = low + (high - low) / 2
            if let found = try opening(atOrBefore: middle), found.time > time {
                high = found.entry
            } else {
                low = middle + 1
            }
        }
        return low
    }

    /// The nearest opening up to an entry; nil in batch 0.
    func opening(
        atOrBefore entry: UInt64
    ) throws(BisectError) -> (entry: UInt64, height: UInt64, time: Time)? {
        var next = entry
        while true {
            let bytes: [UInt8]
            do throws(LogError) { bytes = try log.entry(at: next) } catch {
                throw .copy(.log(error))
            }
            if bytes.first == 1 {
                let opened = try opened(bytes, at: next)
                return (next, opened.height.rawValue, opened.time)
            }
            guard next > 0 else { return nil }
            next -= 1
        }
    }

    private func opened(
        _ bytes: [UInt8], at entry: UInt64
    ) throws(BisectError) -> BatchOpened {
        do throws(DecodingError) {
            if case .batchOpened(let opened) = try Event(decoding: bytes) { return opened }
            throw .unknownTag(type: "Event", tag: bytes.first ?? 0, offset: 0)
        } catch {
            throw .copy(.undecodable(entry: entry, error))
        }
    }
}
