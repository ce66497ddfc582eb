// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// What a validator does not say, since its journal does not hold all that it may have said before.
///
/// One that was lost is begun anew, and says nothing for twice the life of a vote
/// (`Limits.voteLifeMilliseconds`), nor on a height that was begun before. One that was cut says
/// nothing on a ledger that is behind the cut.
extension VoteJournal {
    /// Until when the validator says nothing, for its journal was lost; nil where it was not.
    ///
    /// Twice the life of a vote after the journal was begun anew: nothing that it may have signed
    /// before can still count then.
    package var silentUntil: Time? {
        begunAnew?.adding(milliseconds: 2 * Limits.voteLifeMilliseconds)
    }

    /// Until when the validator of a journal says nothing, since it was begun anew; nil where it
    /// was not. Reads its first entry, and opens nothing.
    package static func silence(
        in directory: String, disk: any Disk
    ) throws(JournalError) -> Time? {
        let bytes: [UInt8]
        do throws(LogError) { bytes = try EventLog.firstEntry(in: directory, disk: disk) } catch {
            // A journal in which nothing was signed yet.
            return nil
        }
        do throws(DecodingError) {
            guard case .begunAnew(let time) = try JournalEntry(decoding: bytes) else { return nil }
            return time.adding(milliseconds: 2 * Limits.voteLifeMilliseconds)
        } catch { throw .unusable(entry: 0, .undecodable(error)) }
    }

    /// Until when in ledger time, that included, nothing is said: of the silence of a journal that
    /// was lost, and of the time before a cut, the later.
    package var quietUntil: Time? {
        let before = cut.map { Time($0.time.rawValue - min($0.time.rawValue, 1)) }
        return [silentUntil, before].compactMap(\.self).max()
    }

    /// The height of the ledger through which nothing is said, likewise.
    package var quietThrough: Height {
        let before = cut.map { Height($0.height.rawValue - min($0.height.rawValue, 1)) }
        return [silentThrough, before].compactMap(\.self).max() ?? Height(0)
    }

    /// Makes a journal in the place of one that was lost, with what the ledger holds of it.
    ///
    /// The directory is absent or empty. It gets its name once all is durable in
    /// `<directory>.unfinished`: an empty journal would say that nothing was ever signed.
    ///
    /// - Parameters:
    ///   - votes: The validator's votes, and lists of votes, in the ledger, as they were signed.
    ///   - results: Its results in the ledger, as they were signed.
    ///   - time: The later of the clock's time and the ledger's.
    ///   - height: Of a replicated ledger, the first height decided from now on: the validator has
    ///     no word on it, nor on those before.
    package static func beginAnew(
        directory: String, disk: any Disk, votes: [Message], results: [ResultMessage] = [],
        at time: Time, silentThrough height: Height? = nil
    ) throws(JournalError) {
        let unfinished = "\(directory).unfinished"
        do throws(LogError) {
            let found = try onDisk { () throws(DiskError) in
                if try disk.exists(unfinished) { try disk.removeTree(unfinished) }
                return try disk.exists(directory) ? disk.list(directory).first : nil
            }
            if let found { throw .directoryNotEmpty(path: directory, found: found) }
            let log = try EventLog.create(directory: unfinished, disk: disk)
            _ = try log.stage(JournalEntry.begunAnew(time).encoded)
            if let height { _ = try log.stage(JournalEntry.silentThrough(height).encoded) }
            for vote in votes {
                if let entry = JournalEntry(votes: vote) { _ = try log.stage(entry.encoded) }
            }
            for result in results { _ = try log.stage(JournalEntry.reported(result).encoded) }
            try log.commit()
            try log.close()
            try onDisk { () throws(DiskError) in
                try disk.rename(unfinished, to: directory)
                try disk.syncDirectory(disk.parent(of: directory))
            }
        } catch {
            throw .log(error)
        }
    }
}
