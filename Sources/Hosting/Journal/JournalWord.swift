// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger
package import Replication

/// A signed word that a journal holds, whoever's it is; nothing of it is verified.
package enum JournalWord: Sendable {
    /// A proposal of the owner's.
    case proposed(ProposedValue)
    /// A prevote or precommit of the owner's.
    case cast(ConsensusVote)
    /// A prevote of another.
    case received(ConsensusVote)
    /// The owner's vote on a request.
    case voted(SignedVote)
    /// The owner's result of a job.
    case reported(ResultMessage)
    /// The journal was lost, and begun anew.
    case begunAnew
}

/// What was read of a journal that somebody handed in.
///
/// Invariant: `unreadable <= entries`.
package struct JournalReading: Equatable, Sendable {
    /// Its entries.
    package internal(set) var entries: UInt64 = 0
    /// Entries that are nothing that a journal holds, which were passed over.
    package internal(set) var unreadable: UInt64 = 0
    /// Where it was cut; nil where all that was ever in it is there.
    package internal(set) var cut: JournalCut?
}

extension VoteJournal {
    /// Hands every signed word of a journal to `body`, in order, without opening it for writing:
    /// first what was before it was cut, as far as that is kept.
    ///
    /// For those who trust neither the journal nor who handed it in: entries that cannot be read
    /// are counted and passed over. Throws `.log` where the log itself cannot be read.
    package static func forEachWord(
        in directory: String, disk: any Disk, _ body: (JournalWord) -> Void
    ) throws(JournalError) -> JournalReading {
        var reading = JournalReading()
        let found = try inLog { () throws(LogError) in try parts(of: directory, disk) }
        for directory in found {
            reading.cut = nil
            let log = try inLog { () throws(LogError) in
                try EventLog.open(directory: directory, disk: disk, access: .readOnly)
            }
            reading.entries += log.size
            try log.forEach(from: 0, to: log.size, orThrow: JournalError.log) {
                index, bytes throws(JournalError) in
                do throws(JournalError) {
                    let entry = try entry(bytes, index)
                    if case .cut(let cut) = entry { reading.cut = cut }
                    for word in JournalWord.words(of: entry) { body(word) }
                } catch {
                    reading.unreadable += 1
                }
            }
            try inLog { () throws(LogError) in try log.close() }
        }
        invariant(
            reading.unreadable <= reading.entries,
            "\(reading.unreadable) of \(reading.entries) entries are passed over")
        return reading
    }
}

extension JournalWord {
    /// None for what nobody signed as a statement: checkpoints by head, heights, batches.
    static func words(of entry: JournalEntry) -> [JournalWord] {
        switch entry {
        case .voted(let vote): [.voted(SignedVote(vote))]
        case .votedList(let list):
            list.isWellFormed ? list.signedVotes.map { .voted($0) } : []
        case .reported(let result): [.reported(result)]
        case .proposed(let proposal): [.proposed(proposal)]
        case .cast(let vote): [.cast(vote)]
        case .received(let vote): [.received(vote)]
        case .begunAnew: [.begunAnew]
        case .cosigned, .silentThrough, .held, .cut: []
        }
    }
}
