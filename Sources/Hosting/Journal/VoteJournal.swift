// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
internal import Replication

/// The log of what one validator has signed: see `JournalEntry`.
///
/// A vote is in it, durably, before anybody sees it; the first verdict on a request stands. So is
/// the result of a job, the size and root of every checkpoint that the validator cosigns, and,
/// where the ledger is replicated, each of its proposals, prevotes and precommits: see `note`.
///
/// Invariants: `waiting.count <= waitingEntriesMax`; `growth.entries <= log.size`; what `records`,
/// `reports`, `lastCosigned` and the own words in `window` hold is in `log`.
package struct VoteJournal: Sendable {
    private struct Record {
        var verdict: Verdict
        var timestamp: Time
    }

    private(set) var log: EventLog
    let key: SigningKey
    let ledger: LedgerID
    let directory: String
    let disk: any Disk
    /// What is remembered of the newest heights.
    var window = JournalWindow()
    /// Entries that the next commit makes durable, before its own.
    var waiting: [[UInt8]] = []
    private var records: [RequestID: Record] = [:]
    var reports: [JobID: JobReport] = [:]

    /// Entries and bytes since the journal was opened or cut: how much a cut may leave out.
    private(set) var growth = JournalGrowth()

    /// Where the journal was cut; nil where it is whole.
    package private(set) var cut: JournalCut?
    /// The last checkpoint that was cosigned.
    package private(set) var lastCosigned: TreeHead?
    /// When the journal was begun anew, for it was lost; nil where it was not.
    ///
    /// Of a job that was assigned up to then the validator may have reported what this journal
    /// does not hold.
    package private(set) var begunAnew: Time?
    /// The height through which it says nothing, for its journal was lost; nil where it was not.
    package private(set) var silentThrough: Height?

    /// Opens the journal in a directory.
    ///
    /// Reads all of it: an entry that is no vote, or another's, or contradicts an earlier one,
    /// is an error. Of the messages on heights the first is verified and those of the newest
    /// height, which are sent again.
    package init(
        directory: String, disk: any Disk, key: SigningKey, ledger: LedgerID
    ) throws(JournalError) {
        HostingLimits.check()
        self.key = key
        self.ledger = ledger
        self.directory = directory
        self.disk = disk
        log = try Self.openLog(directory, disk)
        var reading = Reading()
        try log.forEach(from: 0, to: log.size, orThrow: JournalError.log) {
            index, bytes throws(JournalError) in
            growth.note(bytes.count)
            try read(bytes, index, &reading)
        }
        do throws(JournalProblem) { try reading.assembly.end() } catch {
            throw .unusable(entry: log.size, error)
        }
        for (slot, own) in window.ownByEntry { try verify(slot, own) }
        invariant(
            growth.entries <= log.size,
            "a journal of \(log.size) entries has gained \(growth.entries)")
        invariant(
            UInt64(reports.count) <= log.size,
            "\(reports.count) results in a journal of \(log.size) entries")
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

    /// What reading a journal carries from entry to entry.
    private struct Reading {
        var assembly = HeldAssembly(keepsBytes: false)
        var isBegun = false
        var hasOwn = false
    }

    private mutating func read(
        _ bytes: Span<UInt8>, _ index: UInt64, _ reading: inout Reading
    ) throws(JournalError) {
        let entry = try Self.entry(bytes, index)
        let wasBegun = reading.isBegun
        reading.isBegun = false
        if !entry.isPart {
            do throws(JournalProblem) { try reading.assembly.end() } catch {
                throw .unusable(entry: index, error)
            }
        }
        switch entry {
        case .voted(let message): try restore(message, index)
        case .votedList(let list):
            guard list.isWellFormed else { throw .unusable(entry: index, .malformedList) }
            for signed in list.signedVotes { try restore(signed.vote, index) }
        case .cosigned(let head):
            if let last = lastCosigned, head.size < last.size {
                throw .unusable(entry: index, .rollback(from: last.size, to: head.size))
            }
            lastCosigned = head
        case .begunAnew(let time):
            begunAnew = time
            reading.isBegun = true
        case .silentThrough(let height):
            guard wasBegun else { throw .unusable(entry: index, .misplacedHeight) }
            silentThrough = height
            window.silentThrough = height
        case .proposed, .cast:
            guard let (slot, height, own) = entry.own(at: index) else { return }
            do throws(JournalProblem) {
                _ = try window.admit(own: slot, at: height, own)
            } catch {
                throw .unusable(entry: index, error)
            }
            if !reading.hasOwn { try verify(slot, own) }
            reading.hasOwn = true
        case .reported(let message): try restore(message, index)
        case .cut(let cut):
            self.cut = cut
            // What it may have said there is not all in here.
            window.silentThrough = max(window.silentThrough ?? cut.height, cut.height)
            growth = JournalGrowth()
        case .received(let vote): _ = window.admit(received: vote, entry: index)
        case .held(let part): try restore(part, index, &reading.assembly)
        }
    }

    private mutating func restore(
        _ part: HeldPart, _ index: UInt64, _ assembly: inout HeldAssembly
    ) throws(JournalError) {
        do throws(JournalProblem) { _ = try assembly.add(part) } catch {
            throw .unusable(entry: index, error)
        }
        if part.number == 0 {
            _ = window.admit(held: part.value, at: part.height, entry: index)
        }
    }

    static func entry(_ bytes: Span<UInt8>, _ index: UInt64) throws(JournalError) -> JournalEntry {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for position in bytes.indices { copy.append(bytes[position]) }
        do throws(Ledger.DecodingError) {
            return try JournalEntry(decoding: copy)
        } catch {
            throw .unusable(entry: index, .undecodable(error))
        }
    }

    /// Throws `.notSigned` where the message is not the validator's.
    func verify(_ slot: Slot, _ own: JournalWindow.Own) throws(JournalError) {
        let bytes = ConsensusStatement.signedBytes(
            slot, value: own.value, validRound: own.validRound, key: key.publicKey, ledger: ledger)
        guard let bytes, key.publicKey.verifies(own.signature, of: bytes) else {
            throw .unusable(entry: own.entry, .notSigned(slot))
        }
    }

    private mutating func restore(_ message: VoteMessage, _ index: UInt64) throws(JournalError) {
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

    /// Returns signed votes for the verdicts given, after they are durable.
    ///
    /// Where the journal holds a verdict already, that one is said again whatever is given: with
    /// its old timestamp while that is fresh at `now`, else signed again and journaled again. What
    /// is signed with the time of now is one list, or as many as it takes; what stands alone in one
    /// is a single vote, and so is what is said again: whoever does not take a list takes that. All
    /// are made durable by one commit. After an error nothing is said.
    package mutating func votes(
        for verdicts: [(RequestID, Verdict)], at now: Time
    ) throws(JournalError) -> [Message] {
        var messages: [Message] = []
        var changed: [RequestID: Record] = [:]
        var given: [(RequestID, Verdict)] = []
        for (request, verdict) in verdicts {
            let record = changed[request] ?? records[request]
            if let record, Self.isFresh(record.timestamp, at: now) {
                // One that is asked for twice at once is said in its list.
                guard changed[request] == nil else { continue }
                messages.append(.vote(sign(request, record.verdict, record.timestamp)))
                continue
            }
            let verdict = record?.verdict ?? verdict
            changed[request] = Record(verdict: verdict, timestamp: now)
            given.append((request, verdict))
        }
        invariant(
            given.count == changed.count,
            "\(given.count) verdicts are signed on \(changed.count) requests")
        invariant(
            messages.count + given.count <= verdicts.count,
            "\(messages.count) and \(given.count) words on \(verdicts.count) verdicts")
        let signed = stride(from: 0, to: given.count, by: Limits.votesPerListMax).map { start in
            sign(given[start..<min(start + Limits.votesPerListMax, given.count)], now)
        }
        let lists = (given.count + Limits.votesPerListMax - 1) / Limits.votesPerListMax
        invariant(
            signed.count == lists, "\(given.count) verdicts in \(signed.count) lists, not \(lists)")
        let entries = signed.compactMap { JournalEntry(votes: $0)?.encoded }
        invariant(entries.count == signed.count, "a vote is to be said that is in no journal")
        if !entries.isEmpty { try write(waiting + entries) }
        for (request, _) in given {
            invariant(
                records[request].map { $0.verdict.vote == changed[request]?.verdict.vote } ?? true,
                "another word on request \(request.hex)")
            records[request] = changed[request]
        }
        return messages + signed
    }

    /// The votes under one signature.
    private func sign(_ given: ArraySlice<(RequestID, Verdict)>, _ time: Time) -> Message {
        if given.count == 1, let (request, verdict) = given.first {
            return .vote(sign(request, verdict, time))
        }
        let list = VoteListMessage(
            validator: key.publicKey, timestamp: time,
            votes: given.map { .shown(request: $0.0, vote: $0.1.vote, reason: $0.1.reason) },
            signature: .zero)
        // A journal with another list in it could not be opened again.
        invariant(list.isWellFormed, "a list of \(given.count) votes that nobody takes is signed")
        return .votes(list.signed(by: key, in: ledger))
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
        invariant(
            (lastCosigned?.size ?? 0) <= checkpoint.head.size, "a smaller tree is to be cosigned")
        try write(waiting + [JournalEntry.cosigned(checkpoint.head).encoded])
        lastCosigned = checkpoint.head
    }

    /// Makes entries durable by one commit, those that wait among them; after an error the log
    /// holds none of them that anything may rest on.
    mutating func write(_ entries: [[UInt8]]) throws(JournalError) {
        let end = log.size + UInt64(entries.count)
        invariant(
            entries.count >= waiting.count,
            "\(entries.count) entries are written, and \(waiting.count) wait")
        invariant(
            waiting.last.map { $0 == entries[waiting.count - 1] } ?? true,
            "the last of \(waiting.count) that wait is not written where it belongs")
        do throws(LogError) {
            _ = try log.stage(entries[...])
            try log.commit()
            // Nothing is said before this: what was just written is all that it rests on.
            invariant(log.size == end, "a journal of \(log.size) entries, not of \(end)")
        } catch {
            log.discardStaged()
            throw .log(error)
        }
        for entry in entries { growth.note(entry.count) }
        waiting = []
        invariant(
            growth.entries <= log.size,
            "a journal of \(log.size) entries has gained \(growth.entries)")
    }

    /// The requests with what it said last of each, signed as it was then, where `isKept` says so.
    func votes(where isKept: (RequestID) -> Bool) -> [VoteMessage] {
        records.sorted { $0.key < $1.key }.filter { isKept($0.key) }.map { request, record in
            sign(request, record.verdict, record.timestamp)
        }
    }

    static func onDisk<R>(_ body: () throws(DiskError) -> R) throws(LogError) -> R {
        do { return try body() } catch { throw .disk(error) }
    }

    /// Makes what waits durable and closes the log with its end mark.
    package func close() throws(JournalError) {
        var copy = self
        if !waiting.isEmpty { try copy.write(waiting) }
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
