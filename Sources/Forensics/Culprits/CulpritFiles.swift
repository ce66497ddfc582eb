// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
package import EventLog
internal import Hosting
internal import Ledger
internal import Storage

/// Where a journal lies.
package enum JournalPlace {
    /// The directory of a journal: `path` itself, or `journal` in it where `path` is a home, or
    /// beside it where `path` is the ledger of one.
    package static func locate(_ path: String, disk: any Disk = POSIXDisk()) -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if holdsLog("\(trimmed)/journal", disk) { return "\(trimmed)/journal" }
        let beside = "\(disk.parent(of: trimmed))/journal"
        if trimmed.hasSuffix("/ledger"), holdsLog(beside, disk) { return beside }
        return trimmed
    }

    private static func holdsLog(_ path: String, _ disk: any Disk) -> Bool {
        do throws(DiskError) {
            _ = try disk.list(path + "/segments")
            return true
        } catch {
            return false
        }
    }
}

/// A file of precommits that was handed in.
enum PrecommitFile {
    static func read(_ file: CulpritInputs.File) throws(PrecommitDamage) -> Precommits {
        try PrecommitStore.precommits(in: file.bytes, of: file.name)
    }
}

extension JournalError {
    /// What a person is told of a journal that was handed in.
    package var words: String {
        switch self {
        case .log(let error): "\(error)"
        case .cosign(let refusal): "\(refusal)"
        case .unusable(let entry, let problem): "entry \(entry): \(problem)"
        }
    }
}

extension Certificate {
    /// The votes that it shows on its requests, as they were signed; signatures are not looked at.
    func votes(in ledger: LedgerID) -> [(slot: EvidenceSlot, key: PublicKey, Statement)] {
        ([subject] + (conflict.map { [$0] } ?? [])).flatMap { part in
            guard let id = requestID(of: part, in: ledger) else {
                return [(EvidenceSlot, PublicKey, Statement)]()
            }
            return entries.compactMap { entry in
                guard
                    let cast = Self.event(entry)?.casts.first(where: {
                        $0.request == part.request
                    }), let voter = part.pinned.first(where: { $0.index == cast.validator })
                else { return nil }
                let path = paths.first { $0.request == part.request && $0.entry == entry.index }
                return (.vote(id), voter.key, Self.statement(cast, path?.path))
            }
        }
    }

    private static func statement(_ cast: VoteCast, _ path: VotePath?) -> Statement {
        guard let path else {
            return .vote(cast.vote, cast.reason, cast.timestamp, cast.signature)
        }
        return .listedVote(cast.vote, cast.reason, cast.timestamp, path, cast.signature)
    }

    private func requestID(of part: Part, in ledger: LedgerID) -> RequestID? {
        guard let entry = entry(part.request.rawValue),
            case .requestSubmitted(let request)? = Self.event(entry)
        else { return nil }
        return request.naming(circuit: part.circuit.id, submitter: part.submitter)
            .id(in: ledger)
    }

    private static func event(_ entry: Entry) -> Event? {
        do throws(DecodingError) { return try Event(decoding: entry.bytes) } catch { return nil }
    }
}
