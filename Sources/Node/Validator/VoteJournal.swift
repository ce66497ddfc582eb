// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// What a validator has said of a request, and will say again.
package struct Verdict: Equatable, Sendable {
    /// What it says.
    package let vote: Vote
    /// Why.
    package let reason: VoteReason

    /// Joins both.
    package init(_ vote: Vote, _ reason: VoteReason) {
        self.vote = vote
        self.reason = reason
    }
}

/// Why a journal gives no votes.
package enum JournalError: Error, Sendable {
    /// The log failed. What was not made durable is not said.
    case log(LogError)
    /// An entry cannot stand there.
    case unusable(entry: UInt64, JournalProblem)
}

/// The log of one validator's votes: entries are Borsh of the signed `VoteMessage`.
///
/// A vote is in it, durably, before anybody sees it; the first verdict on a request stands.
package struct VoteJournal: Sendable {
    private struct Record {
        var verdict: Verdict
        var timestamp: Time
    }

    private let log: EventLog
    private let key: SigningKey
    private let ledger: LedgerID
    private var records: [RequestID: Record] = [:]

    /// Opens the journal in a directory.
    ///
    /// Reads all of it: an entry that is no vote, or another's, or contradicts an earlier one,
    /// is an error.
    package init(
        directory: String, disk: any Disk, key: SigningKey, ledger: LedgerID
    ) throws(JournalError) {
        self.key = key
        self.ledger = ledger
        log = try Self.openLog(directory, disk)
        var records: [RequestID: Record] = [:]
        do {
            try log.forEach(from: 0, to: log.size) { index, bytes in
                try Self.read(bytes, index, key.publicKey, &records)
            }
        } catch let error as JournalError {
            throw error
        } catch let error as LogError {
            throw .log(error)
        } catch {
            fatalError("an error of an unknown kind: \(error)")
        }
        self.records = records
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

    private static func openLog(
        _ directory: String, _ disk: any Disk
    ) throws(JournalError) -> EventLog {
        do throws(LogError) {
            return try EventLog.open(directory: directory, disk: disk)
        } catch {
            throw .log(error)
        }
    }

    private static func read(
        _ bytes: Span<UInt8>, _ index: UInt64, _ key: PublicKey,
        _ records: inout [RequestID: Record]
    ) throws(JournalError) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for position in bytes.indices { copy.append(bytes[position]) }
        let message: VoteMessage
        do throws(Ledger.DecodingError) {
            message = try VoteMessage(decoding: copy)
        } catch {
            throw .unusable(entry: index, .undecodable(error))
        }
        guard message.validator == key else {
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
                _ = try log.stage(message.encoded)
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
        return distance <= NodeLimits.voteFreshMilliseconds
    }
}
