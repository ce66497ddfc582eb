// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// One entry of a validator's journal: Borsh, a `u8` tag before the fields.
enum JournalEntry: BorshCodable {
    /// Tag 0: a vote, signed, before it leaves.
    case voted(VoteMessage)
    /// Tag 1: size (u64) and root (32) of a checkpoint, before its cosignature leaves.
    case cosigned(TreeHead)
    /// Tag 2: the journal was lost; this one was begun at a time (u64), the later of the clock's
    /// and the ledger's.
    case begunAnew(Time)
    /// Tag 3: directly behind tag 2, the height (u64) up to which the validator has no word.
    case silentThrough(Height)
    /// Tag 4: a proposal of its own, before it leaves.
    case proposed(ProposedValue)
    /// Tag 5: a prevote or precommit of its own, before it leaves.
    case cast(ConsensusVote)
    /// Tag 6: a prevote of another, before what rests on it leaves.
    case received(ConsensusVote)
    /// Tag 7: a part of a batch that it may have to propose again.
    case held(HeldPart)
    /// Tag 8: the result of a job, signed, before it leaves.
    case reported(ResultMessage)
    /// Tag 9: the journal was cut at an end of the ledger; what precedes it was carried over.
    case cut(JournalCut)
    /// Tag 10: a list of votes, signed, before it leaves; all of them shown.
    case votedList(VoteListMessage)

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
        case .silentThrough(let height):
            writer.write(UInt8(3))
            writer.write(height)
        case .proposed(let proposal):
            writer.write(UInt8(4))
            writer.write(proposal)
        case .cast(let vote):
            writer.write(UInt8(5))
            writer.write(vote)
        case .received(let vote):
            writer.write(UInt8(6))
            writer.write(vote)
        case .held(let part):
            writer.write(UInt8(7))
            writer.write(part)
        case .reported(let result):
            writer.write(UInt8(8))
            writer.write(result)
        case .cut(let cut):
            writer.write(UInt8(9))
            writer.write(cut)
        case .votedList(let list):
            writer.write(UInt8(10))
            writer.write(list)
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
        case 3: self = .silentThrough(try Height(from: &reader))
        case 4: self = .proposed(try ProposedValue(from: &reader))
        case 5: self = .cast(try ConsensusVote(from: &reader))
        case 6: self = .received(try ConsensusVote(from: &reader))
        case 7: self = .held(try HeldPart(from: &reader))
        case 8: self = .reported(try ResultMessage(from: &reader))
        case 9: self = .cut(try JournalCut(from: &reader))
        case 10: self = .votedList(try VoteListMessage(from: &reader))
        case let tag: throw .unknownTag(type: "JournalEntry", tag: tag, offset: start)
        }
    }
}

extension JournalEntry {
    /// Notes a vote, or a list of them; nil for another message.
    init?(votes message: Message) {
        switch message {
        case .vote(let vote): self = .voted(vote)
        case .votes(let list): self = .votedList(list)
        default: return nil
        }
    }

    /// The bytes, read again before they are written: a journal in which something else stands
    /// would let the validator say another word.
    var encodedAndChecked: [UInt8] {
        let bytes = encoded
        do throws(DecodingError) {
            let read = try JournalEntry(decoding: bytes)
            invariant(read.encoded == bytes, "an entry of \(bytes.count) bytes is read as another")
        } catch { fatalError("an entry that could not be read again: \(error)") }
        return bytes
    }

    /// Whether it is a part of a batch.
    var isPart: Bool { if case .held = self { true } else { false } }

    /// Its slot, height and statement, where it is an own message on a height.
    func own(at entry: UInt64) -> (slot: Slot, height: Height, own: JournalWindow.Own)? {
        switch self {
        case .proposed(let proposal):
            (
                .proposal(proposal.height, round: proposal.round), proposal.height,
                JournalWindow.Own(
                    value: proposal.value, validRound: proposal.validRound,
                    signature: proposal.signature, entry: entry)
            )
        case .cast(let vote):
            (
                vote.slot, vote.height,
                JournalWindow.Own(
                    value: vote.value, validRound: vote.ground, signature: vote.signature,
                    entry: entry)
            )
        default: nil
        }
    }
}
