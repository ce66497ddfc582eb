// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import EventLog
package import Ledger

/// Why there is no certificate of a decision.
package enum CertificateMakingError: Error {
    /// The request cannot be found.
    case history(HistoryError)
    /// The request is not decided; votes end at the deadline.
    case undecided(entry: UInt64, deadline: Time)
    /// The log cannot be read.
    case log(LogError)
    /// An entry that should be there is not.
    case missing(entry: UInt64, kind: String)
    /// The checkpoint signs fewer entries than are needed.
    case notCovered(neededEntries: UInt64, size: UInt64)
    /// The checkpoint is not of this log.
    case otherLog(String)
    /// The certificate would be longer than one may be.
    case tooLong(bytes: Int, max: Int)
    /// No line of the note is of a key that a reader of the certificate could know.
    case note(NoteError)
    /// An index of the log names an entry for something that it is not.
    case index(entry: UInt64, kind: String)
}

/// What a certificate needs of a log, apart from the checkpoint.
package struct CertificateMaker {
    /// The request.
    package let subject: DecidedRound
    /// The request whose approval rejected it, where that is so.
    package let other: DecidedRound?
    /// The entries that it takes, rising.
    package let indices: [UInt64]

    private let log: EventLog
    /// The ways of votes that were signed in lists.
    private let paths: [Certificate.ListedPath]

    /// The number of entries that a checkpoint must sign at least.
    package var neededEntries: UInt64 { (indices.last ?? 0) + 1 }

    /// Finds a decided request and what its decision rests on.
    ///
    /// Folds the log, once, and for a request that lost to a conflicting one twice.
    package init(
        _ selector: RequestSelector, in log: EventLog
    ) throws(CertificateMakingError) {
        try self.init(try DecidedRound(try Self.find(selector, log)), log) {
            entry throws(CertificateMakingError) in
            try DecidedRound(try Self.find(.entry(entry), log))
        } id: { _ in
            nil
        }
    }

    /// Takes a decided request from where an index of the log says that it stands; reads the
    /// entries that it needs, and no others.
    ///
    /// - Parameters:
    ///   - places: Where the request stands.
    ///   - other: Where the request of an entry stands whose approval rejected it; asked only where
    ///     that is so.
    ///   - id: The identity of the request of an entry; asked only of those on which a validator
    ///     voted in one list with one of these.
    package init(
        _ places: CertificatePlaces, in log: EventLog,
        other: (UInt64) throws(CertificateMakingError) -> CertificatePlaces,
        id: (UInt64) throws(CertificateMakingError) -> RequestID?
    ) throws(CertificateMakingError) {
        try self.init(
            try DecidedRound(places, in: log), log,
            find: { entry throws(CertificateMakingError) in
                try DecidedRound(try other(entry), in: log)
            }, id: id)
    }

    private init(
        _ subject: DecidedRound, _ log: EventLog,
        find: (UInt64) throws(CertificateMakingError) -> DecidedRound,
        id: (UInt64) throws(CertificateMakingError) -> RequestID?
    ) throws(CertificateMakingError) {
        self.log = log
        self.subject = subject
        let other: DecidedRound?
        let deciding = subject.decision.deciding.rawValue
        switch subject.decision.reason {
        case .quorumApproved, .approvalOutOfReach:
            other = nil
            let batch = try Self.batch(of: subject, log)
            indices = Self.ascending([0, batch] + Self.indices(of: subject))
        case .deadlineWithQuorum, .deadlineWithoutQuorum:
            other = nil
            guard let close = subject.closed else {
                throw .missing(entry: subject.decided + 1, kind: EventType.roundClosed.jsonName)
            }
            indices = [0] + Array(subject.entry...close)
        case .nullifierSpent:
            let found = try Self.approved(by: deciding, against: subject, log, find)
            other = found
            let batch = try Self.batch(of: subject, log)
            indices = Self.ascending(
                [0, batch] + Self.indices(of: subject) + Self.indices(of: found))
        }
        self.other = other
        paths = try Self.paths([subject] + (other.map { [$0] } ?? []), indices, log, id)
    }

    /// Joins everything under a checkpoint.
    ///
    /// Signature lines are left out that no reader of the certificate could check: those of keys
    /// that are neither the validators' nor `keeping`. A line that does not hold goes as well.
    package func certificate(
        under signed: SignedCheckpoint, keeping keys: [PolicyKey] = []
    ) throws(CertificateMakingError) -> Certificate {
        let head = signed.head
        guard head.size >= neededEntries else {
            throw .notCovered(neededEntries: neededEntries, size: head.size)
        }
        let entries = try entries()
        let genesis = entries[0].bytes
        let origin = Checkpoint.origin(ofLedger: Digest(hashing: genesis))
        guard signed.checkpoint.origin == origin else {
            throw .otherLog("it is of \(signed.checkpoint.origin), and the ledger is \(origin)")
        }
        let proof = try logged { () throws(LogError) -> [Digest]? in
            guard head.size <= log.size, try log.root(at: head.size) == head.root else {
                return nil
            }
            return try log.multiProof(indices: indices, size: head.size)
        }
        guard let proof else {
            throw .otherLog("the log has another root at size \(head.size), or is shorter")
        }
        let certificate = Certificate(
            note: try note(signed, origin, keys).bytes, subject: Self.part(subject),
            conflict: other.map(Self.part), entries: entries, proof: proof,
            paths: paths)
        let size = certificate.bytes.count
        guard size <= Certificate.bytesMax else {
            throw .tooLong(bytes: size, max: Certificate.bytesMax)
        }
        return certificate
    }

    /// How many different keys that a reader could know signed a checkpoint.
    package func signerCount(
        of signed: SignedCheckpoint, keeping keys: [PolicyKey] = []
    ) throws(CertificateMakingError) -> Int {
        let signers = try signers(signed.checkpoint.origin, keys)
        let text = signed.note.text
        return Set(signed.note.signatures.compactMap { signers.signer(of: $0, text: text) }).count
    }

    // MARK: What goes in

    private static func part(_ round: DecidedRound) -> Certificate.Part {
        Certificate.Part(
            request: EntryIndex(round.entry), circuit: round.circuit, submitter: round.submitter,
            pinned: round.pinned)
    }

    /// The request that a vote, or one of a list, approved, so that this one lost to it.
    private static func approved(
        by deciding: UInt64, against subject: DecidedRound, _ log: EventLog,
        _ find: (UInt64) throws(CertificateMakingError) -> DecidedRound
    ) throws(CertificateMakingError) -> DecidedRound {
        let entries = EntryLookup(log)
        let nullifiers = try entries.nullifiers(ofRequestAt: subject.entry)
        for cast in try entries.event(deciding).casts {
            let request = cast.request.rawValue
            guard request != subject.entry,
                try !nullifiers.isDisjoint(with: entries.nullifiers(ofRequestAt: request))
            else { continue }
            let found = try find(request)
            if found.decision.deciding.rawValue == deciding, found.decision.outcome == .approved {
                return found
            }
        }
        throw .missing(entry: deciding, kind: EventType.voteCast.jsonName)
    }

    /// The ways to the root of their lists of the votes that are counted, by request and entry.
    private static func paths(
        _ rounds: [DecidedRound], _ indices: [UInt64], _ log: EventLog,
        _ id: (UInt64) throws(CertificateMakingError) -> RequestID?
    ) throws(CertificateMakingError) -> [Certificate.ListedPath] {
        let entries = EntryLookup(log)
        let taken = Set(indices)
        var paths: [Certificate.ListedPath] = []
        for round in rounds {
            for vote in round.votes where taken.contains(vote) {
                guard case .votesCast(let list) = try entries.event(vote) else { continue }
                let path = try round.path(in: list, id)
                paths.append(
                    Certificate.ListedPath(
                        request: EntryIndex(round.entry), entry: vote, path: path))
            }
        }
        return paths.sorted { ($0.request, $0.entry) < ($1.request, $1.entry) }
    }

    /// Request, round, the votes before the decision, and the decision.
    private static func indices(of round: DecidedRound) -> [UInt64] {
        [round.entry, round.entry + 1] + round.votes.filter { $0 < round.decided }
            + [round.decided]
    }

    private static func ascending(_ indices: [UInt64]) -> [UInt64] { Set(indices).sorted() }

    /// The entries, read run by run.
    private func entries() throws(CertificateMakingError) -> [Certificate.Entry] {
        var result: [Certificate.Entry] = []
        var bytes = 0
        var place = 0
        while place < indices.count {
            var end = place + 1
            while end < indices.count, indices[end] == indices[end - 1] + 1 { end += 1 }
            var reader = EntryReader(log, from: indices[place], to: indices[end - 1] + 1)
            while let entry = try Self.read(&reader) {
                bytes += entry.bytes.count
                guard bytes <= Certificate.bytesMax else {
                    throw .tooLong(bytes: bytes, max: Certificate.bytesMax)
                }
                result.append(Certificate.Entry(index: entry.index, bytes: entry.bytes))
            }
            place = end
        }
        guard result.count == indices.count else {
            throw .missing(entry: indices.last ?? 0, kind: "entry")
        }
        return result
    }

    private func signers(
        _ origin: String, _ keys: [PolicyKey]
    ) throws(CertificateMakingError) -> CertificateSigners {
        guard case .ledgerOpened(let opened) = try EntryLookup(log).event(0) else {
            throw .missing(entry: 0, kind: EventType.ledgerOpened.jsonName)
        }
        let rounds = [subject] + (other.map { [$0] } ?? [])
        let pinned = rounds.flatMap { $0.pinned.map(\.key) }
        return CertificateSigners(
            origin: origin, validators: opened.validators.map(\.key) + pinned, keeping: keys)
    }

    private func note(
        _ signed: SignedCheckpoint, _ origin: String, _ keys: [PolicyKey]
    ) throws(CertificateMakingError) -> SignedNote {
        let signers = try signers(origin, keys)
        let note = signed.note
        let lines = note.signatures.filter { signers.signer(of: $0, text: note.text) != nil }
        do throws(NoteError) {
            return try SignedNote(text: note.text, signatures: lines)
        } catch {
            throw .note(error)
        }
    }

    // MARK: Reading

    private static func find(
        _ selector: RequestSelector, _ log: EventLog
    ) throws(CertificateMakingError) -> RequestHistory {
        do throws(HistoryError) {
            return try RequestHistory.find(selector, in: log)
        } catch {
            throw .history(error)
        }
    }

    private func logged<Value>(
        _ body: () throws(LogError) -> Value
    ) throws(CertificateMakingError) -> Value {
        do throws(LogError) {
            return try body()
        } catch {
            throw .log(error)
        }
    }

    private static func read(
        _ reader: inout EntryReader
    ) throws(CertificateMakingError) -> LoggedEntry? {
        do throws(ReadingError) {
            return try reader.entry()
        } catch {
            throw .history(.replay(.reading(error)))
        }
    }

    private static func batch(
        of round: DecidedRound, _ log: EventLog
    ) throws(CertificateMakingError) -> UInt64 {
        if let batch = round.batch { return batch }
        return try batch(before: round.decision.deciding.rawValue, log)
    }

    /// The opening of the batch in which an entry stands: the last one before it.
    private static func batch(
        before entry: UInt64, _ log: EventLog
    ) throws(CertificateMakingError) -> UInt64 {
        var end = entry
        while end > 0 {
            let start = end > 512 ? end - 512 : 0
            var reader = EntryReader(log, from: start, to: end)
            var last: UInt64?
            while let entry = try read(&reader) {
                if case .batchOpened = entry.event { last = entry.index }
            }
            if let last { return last }
            end = start
        }
        throw .missing(entry: entry, kind: EventType.batchOpened.jsonName)
    }
}

extension CertificateMakingError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .history(let error): "\(error)"
        case .undecided(let entry, let deadline):
            "the request of entry \(entry) is not decided; votes on it end at"
                + " \(UTC.text(deadline)) of ledger time"
        case .log(let error): "\(error)"
        case .missing(let entry, let kind): "there is no \(kind) at entry \(entry)"
        case .notCovered(let needed, let size):
            "the checkpoint signs \(size) entries, and the decision needs \(needed)"
        case .otherLog(let reason): "the checkpoint is not of this ledger: \(reason)"
        case .tooLong(let bytes, let max):
            "the certificate would have \(bytes) bytes, and \(max) are the most: between the"
                + " opening of the round and its close the log is too long"
        case .index(let entry, let kind):
            "the projections name entry \(entry) for a \(kind) of the request, and the log says"
                + " otherwise: recount projections verify tells more, and rebuild makes them anew"
        case .note(let error):
            "the checkpoint has no signature of a validator that the certificate names: \(error)"
        }
    }
}
