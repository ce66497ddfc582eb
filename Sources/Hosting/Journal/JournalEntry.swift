// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// One entry of a validator's journal: Borsh, a `u8` tag before the fields.
enum JournalEntry: BorshCodable {
    /// Tag 0: a vote, signed, before it leaves.
    case voted(VoteMessage)
    /// Tag 1: size (u64) and root (32) of a checkpoint, before its cosignature leaves.
    case cosigned(TreeHead)
    /// Tag 2: the journal was lost; this one was begun at a time (u64), the later of the clock's
    /// and the ledger's.
    case begunAnew(Time)

    func encode(to writer: inout BorshWriter) {
        switch self {
        case .voted(let vote):
            writer.write(UInt8(0))
            writer.write(vote)
        case .cosigned(let head):
            writer.write(UInt8(1))
            writer.write(head.size)
            writer.write(head.root)
        case .begunAnew(let time):
            writer.write(UInt8(2))
            writer.write(time)
        }
    }

    init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .voted(try VoteMessage(from: &reader))
        case 1:
            self = .cosigned(
                TreeHead(size: try reader.integer(), root: try reader.digest()))
        case 2: self = .begunAnew(try Time(from: &reader))
        case let tag: throw .unknownTag(type: "JournalEntry", tag: tag, offset: start)
        }
    }
}
