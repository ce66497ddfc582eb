// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What a table needs of a record, read in place: nil for whatever decoding it would refuse, and
/// where only decoding can tell.
///
/// A snapshot has six such records for each decision. The widths are those of the events'
/// encodings; every byte that decoding checks is checked.
enum RecordGlance {
    /// Reads an `OutcomeRecord`: the event (37 bytes), the identity (32), the list of nullifiers
    /// (32 each), the list of validators (2 each).
    static func decision(_ record: Span<UInt8>) -> (EntryIndex, RequestID)? {
        guard record.count >= 77, record[0] == 65, Outcome(rawValue: record[9]) != nil,
            OutcomeReason(rawValue: record[10]) != nil,
            let entry = record.word(at: 1), let id = Bytes32(record, at: 37)
        else { return nil }
        let nullifiers = count(record, at: 69)
        guard nullifiers <= Limits.nullifiersMax, record.count >= 77 + 32 * nullifiers else {
            return nil
        }
        let validators = count(record, at: 73 + 32 * nullifiers)
        guard validators <= Limits.membersMax,
            record.count == 77 + 32 * nullifiers + 2 * validators
        else { return nil }
        return (EntryIndex(entry), RequestID(Digest(id)))
    }

    /// Reads a `CloseRecord`: the event (10 bytes), the list of votes, each 0, or 1 and the vote.
    static func close(_ record: Span<UInt8>) -> EntryIndex? {
        guard record.count >= 14, record[0] == 73, CloseCause(rawValue: record[9]) != nil,
            let entry = record.word(at: 1)
        else { return nil }
        let votes = count(record, at: 10)
        guard votes <= Limits.membersMax else { return nil }
        var place = 14
        for _ in 0..<votes {
            guard place < record.count else { return nil }
            if record[place] == 1 {
                guard place + 1 < record.count, Vote(rawValue: record[place + 1]) != nil else {
                    return nil
                }
                place += 1
            } else if record[place] != 0 {
                return nil
            }
            place += 1
        }
        return place == record.count ? EntryIndex(entry) : nil
    }

    /// Reads a `SettlementOrdered`.
    static func order(_ record: Span<UInt8>) -> EntryIndex? {
        guard record.count == 59, record[0] == 68 else { return nil }
        return record.word(at: 1).map(EntryIndex.init)
    }

    /// Reads a `SettlementReported`: the request (8 bytes), the reference, the result (1), the
    /// signature (64).
    static func report(_ record: Span<UInt8>) -> EntryIndex? {
        guard record.count >= 78, record[0] == 6, let entry = record.word(at: 1) else { return nil }
        let reference = count(record, at: 9)
        guard reference <= Limits.referenceBytesMax, record.count == 78 + reference,
            SettlementResult(rawValue: record[13 + reference]) != nil
        else { return nil }
        return EntryIndex(entry)
    }

    /// The `u32` at an offset, which lies within the record.
    private static func count(_ record: Span<UInt8>, at offset: Int) -> Int {
        invariant(offset + 4 <= record.count, "a count at \(offset) of \(record.count) bytes")
        return Int(record[offset]) | Int(record[offset + 1]) << 8 | Int(record[offset + 2]) << 16
            | Int(record[offset + 3]) << 24
    }
}
