// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Who led: a record for each batch, request and place of a job. They only grow, and no rule reads
/// them, so that the records themselves are not kept.
///
/// Invariants: `history` is the tree of the records, in the order of the log: a tag (u8) and, of a
/// batch, height, round and proposer; of a request, its entry and its leader; of a job, its entry
/// and one of its validators, in rank.
struct LeadersComponent: Component {
    static let kind = StateComponent.leaders

    /// What a record is about, by its tag.
    private enum Matter: UInt8 {
        case batch = 0
        case request = 1
        case job = 2
    }

    private(set) var history = History()

    /// None.
    init() {}

    // MARK: Its part of `apply`

    mutating func record(_ event: BatchOpened) {
        var record = BorshWriter()
        record.write(Matter.batch.rawValue)
        record.write(event.height)
        record.write(event.round)
        record.write(event.proposer)
        history.append(bytes: record.bytes)
    }

    mutating func record(_ event: RoundOpened) {
        record(.request, event.request, event.leader)
    }

    mutating func record(_ event: JobAssigned) {
        for validator in event.validators { record(.job, event.job, validator) }
    }

    private mutating func record(
        _ matter: Matter, _ entry: EntryIndex, _ leader: ValidatorIndex
    ) {
        var record = BorshWriter()
        record.write(matter.rawValue)
        record.write(entry)
        record.write(leader)
        history.append(bytes: record.bytes)
    }

    // MARK: Its root and its part of a snapshot

    func encodeRoot(to writer: inout BorshWriter) { writer.write(history) }

    /// The right edge of the tree, which is all that there is.
    func encodeFixed(to writer: inout BorshWriter) {
        writer.write(history.count)
        writer.write(history.frontier.subtrees.map(\.value))
    }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let count = try reader.integer(UInt64.self)
        let subtrees = try reader.list32(of: "leaders", bound: 64).map { Digest($0) }
        guard let frontier = MerkleFrontier(count: count, subtrees: subtrees) else {
            throw .notCanonical(type: "leaders", offset: start)
        }
        history = History(frontier)
    }
}
