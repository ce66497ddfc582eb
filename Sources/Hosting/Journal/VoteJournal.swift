// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// The log of what one validator has signed: see `JournalEntry`.
///
/// A vote is in it, durably, before anybody sees it; the first verdict on a request stands. So is
/// the size and root of every checkpoint that the validator cosigns.
package struct VoteJournal: Sendable {
    private struct Record {
        var verdict: Verdict
        var timestamp: Time
    }

    private let log: EventLog
    private let key: SigningKey
    private let ledger: LedgerID
    private var records: [RequestID: Record] = [:]

    /// The last checkpoint that was cosigned.
    package private(set) var lastCosigned: TreeHead?
    /// Until when the validator says nothing, for its journal was lost; nil where it was not.
    ///
    /// Twice the life of a vote after the journal was begun anew: nothing that it may have signed
    /// before can still count then.
    package private(set) var silentUntil: Time?

    /// Opens the journal in a directory.
    ///
    /// Reads all of it: an entry that is no vote, or another's, or contradicts an earlier one,
    /// is an error.
    package init(
        directory: String, disk: any Disk, key: SigningKey, ledger: LedgerID
    ) throws(JournalError) {
        HostingLimits.check()
        self.key = key
        self.ledger = ledger
        log = try Self.openLog(directory, disk)
        do {
            try log.forEach(from: 0, to: log.size) { index, bytes in try read(bytes, index) }
        } catch let error as JournalError {
            throw error
        } catch let error as LogError {
            throw .log(error)
        } catch {
            fatalError("an error of an unknown kind: \(error)")
        }
    }

    /// Makes an empty journal in a directory that is absent or empty.
    ///
    /// Only where the key is made: a validator whose journal is lost must not start afresh.
    package static func create(directory: String, disk: any Disk) throws(JournalError) {
        do throws(LogError) {
            try EventLog.create(directory: directory, disk: disk).close()
        } catch {
            throw .log(error)
        }
    }

    /// Makes a journal in the place of one that was lost, with what the ledger holds of it.
    ///
    /// - Parameters:
    ///   - votes: The validator's votes in the ledger, as they were signed.
    ///   - time: The later of the clock's time and the ledger's.
    package static func beginAnew(
        directory: String, disk: any Disk, votes: [VoteMessage], at time: Time
    ) throws(JournalError) {
        do throws(LogError) {
            let log = try EventLog.create(directory: directory, disk: disk)
            _ = try log.stage(JournalEntry.begunAnew(time).encoded)
            for vote in votes { _ = try log.stage(JournalEntry.voted(vote).encoded) }
            try log.commit()
            try log.close()
        } catch {
            throw .log(error)
        }
    }

    private static func openLog(
        _ directory: String, _ disk: any Disk
    ) throws(JournalError) -> EventLog {
        do throws(LogError) {
            return try EventLog.open(directory: directory, disk: disk)
        } catch {
            throw .log(error)
        }
    }

    private mutating func read(_ bytes: Span<UInt8>, _ index: UInt64) throws(JournalError) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for position in bytes.indices { copy.append(bytes[position]) }
        let entry: JournalEntry
        do throws(Ledger.DecodingError) {
            entry = try JournalEntry(decoding: copy)
        } catch {
            throw .unusable(entry: index, .undecodable(error))
        }
        switch entry {
        case .voted(let message): try take(message, index)
        case .cosigned(let head):
            if let last = lastCosigned, head.size < last.size {
                throw .unusable(entry: index, .rollback(from: last.size, to: head.size))
            }
            lastCosigned = head
        case .begunAnew(let time):
            silentUntil = time.adding(milliseconds: 2 * Limits.voteLifeMilliseconds)
        }
    }

    private mutating func take(_ message: VoteMessage, _ index: UInt64) throws(JournalError) {
        guard message.validator == key.publicKey else {
            throw .unusable(entry: index, .foreign(message.validator))
        }
        if let earlier = records[message.request], earlier.verdict.vote != message.vote {
            throw .unusable(
                entry: index,
                .contradiction(
                    message.request, earlier: earlier.verdict.vote, later: message.vote))
        }
        records[message.request] = Record(
            verdict: Verdict(message.vote, message.reason), timestamp: message.timestamp)
    }

    /// The number of requests voted on.
    package var count: Int { records.count }

    /// The requests that it holds a verdict on, in the order of their ids.
    package var requests: [RequestID] { records.keys.sorted() }

    /// What opening the log found.
    package var recovery: Recovery { log.recovery }

    /// Returns the verdict on a request, where there is one.
    package func verdict(on request: RequestID) -> Verdict? { records[request]?.verdict }

    /// Returns signed votes for the verdicts given, after they are durable, in order.
    ///
    /// Where the journal holds a verdict already, that one is said again whatever is given: with
    /// its old timestamp, so the same bytes, while that is fresh at `now`, else signed again and
    /// journaled again. All are made durable by one commit. After an error nothing is said.
    package mutating func votes(
        for verdicts: [(RequestID, Verdict)], at now: Time
    ) throws(JournalError) -> [VoteMessage] {
        var messages: [VoteMessage] = []
        var changed: [RequestID: Record] = [:]
        do throws(LogError) {
            for (request, given) in verdicts {
                let record = changed[request] ?? records[request]
                if let record, Self.isFresh(record.timestamp, at: now) {
                    messages.append(sign(request, record.verdict, record.timestamp))
                    continue
                }
                let verdict = record?.verdict ?? given
                let message = sign(request, verdict, now)
                _ = try log.stage(JournalEntry.voted(message).encoded)
                changed[request] = Record(verdict: verdict, timestamp: now)
                messages.append(message)
            }
            try log.commit()
        } catch {
            log.discardStaged()
            throw .log(error)
        }
        for (request, _) in verdicts {
            if let record = changed[request] { records[request] = record }
        }
        return messages
    }

    /// Notes durably that a checkpoint is about to be cosigned.
    ///
    /// `proof` shows that the last one cosigned is a prefix of it. Throws `.cosign` where it is
    /// not, and nothing is noted then.
    package mutating func noteCosigning(
        _ checkpoint: Checkpoint, proof: [Digest]
    ) throws(JournalError) {
        do throws(CosignRefusal) {
            try Cosigner.check(
                checkpoint, after: lastCosigned,
                origin: Checkpoint.origin(ofLedger: ledger.digest), proof: proof)
        } catch {
            throw .cosign(error)
        }
        guard checkpoint.head != lastCosigned else { return }
        do throws(LogError) {
            _ = try log.stage(JournalEntry.cosigned(checkpoint.head).encoded)
            try log.commit()
        } catch {
            log.discardStaged()
            throw .log(error)
        }
        lastCosigned = checkpoint.head
    }

    /// Closes the log with its end mark.
    package func close() throws(JournalError) {
        do throws(LogError) { try log.close() } catch { throw .log(error) }
    }

    private func sign(_ request: RequestID, _ verdict: Verdict, _ time: Time) -> VoteMessage {
        VoteMessage(
            request: request, validator: key.publicKey, vote: verdict.vote,
            reason: verdict.reason, timestamp: time, signature: .zero
        ).signed(by: key, in: ledger)
    }

    private static func isFresh(_ time: Time, at now: Time) -> Bool {
        let distance = max(time, now).rawValue - min(time, now).rawValue
        return distance <= HostingLimits.voteFreshMilliseconds
    }
}
