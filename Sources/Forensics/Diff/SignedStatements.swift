// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import Ledger

/// The statements in a batch that a party may make only once, by what they are about.
///
/// Entries name requests and jobs by index, and an index may mean another request in another
/// history: so they are told apart by identity.
struct SignedStatements {
    struct Matter: Hashable {
        let validator: ValidatorIndex
        let slot: EvidenceSlot
    }

    private var statements: [Matter: Statement] = [:]
    private(set) var matters: [Matter] = []

    /// Collects the votes, results and reports among entries of a copy; what they are about stands
    /// there, or before them in the other copy, which has the same entries before.
    init(
        _ entries: ArraySlice<LoggedEntry>, in copy: HistoryCopy, or other: HistoryCopy,
        _ roll: PartyRoll
    ) throws(CopyError) {
        let start = entries.first?.index ?? 0
        func identity(of about: EntryIndex) throws(CopyError) -> Digest? {
            try Self.subject(of: about.rawValue, before: start, in: copy, or: other)
                .flatMap { roll.identity(of: $0) }
        }
        for entry in entries {
            if case .votesCast(let list) = entry.event {
                var ids: [EntryIndex: RequestID] = [:]
                for cast in list.casts {
                    ids[cast.request] = try identity(of: cast.request).map { RequestID($0) }
                }
                for (request, statement) in list.statements({ ids[$0] }) {
                    note(statement, of: list.validator, on: .vote(request))
                }
                continue
            }
            guard let said = entry.event.said, let id = try identity(of: said.about) else {
                continue
            }
            let slot: EvidenceSlot
            switch entry.event {
            case .voteCast: slot = .vote(RequestID(id))
            case .resultReported: slot = .result(JobID(id))
            default: slot = .settlement(RequestID(id))
            }
            note(said.statement, of: said.author, on: slot)
        }
    }

    private mutating func note(
        _ statement: Statement, of author: ValidatorIndex, on slot: EvidenceSlot
    ) {
        let matter = Matter(validator: author, slot: slot)
        if statements.updateValue(statement, forKey: matter) == nil { matters.append(matter) }
    }

    private static func subject(
        of entry: UInt64, before start: UInt64, in copy: HistoryCopy, or other: HistoryCopy
    ) throws(CopyError) -> Event? {
        if let found = try copy.entry(at: entry) { return found.event }
        return entry < start ? try other.entry(at: entry)?.event : nil
    }

    /// Every contradiction between statements of two histories, in the order of the first.
    static func contradictions(
        _ one: SignedStatements, _ other: SignedStatements, _ roll: PartyRoll
    ) -> [SignatureProof] {
        one.matters.compactMap { matter in
            guard let first = one.statements[matter], let second = other.statements[matter],
                matter.slot.ruled.isContradicted(by: first, second)
            else { return nil }
            return .evidence(
                .contradiction, of: matter.validator, round: nil, matter.slot, first, second, roll)
        }
    }
}

extension VotesCast {
    /// What each vote says of its request; none where a request has no id.
    fileprivate func statements(
        _ id: (EntryIndex) -> RequestID?
    ) -> [(RequestID, Statement)] {
        guard let tree = tree(id) else { return [] }
        return casts.compactMap { cast in
            guard let request = id(cast.request), let place = index(of: cast.request) else {
                return nil
            }
            return (
                request,
                .listedVote(
                    cast.vote, cast.reason, cast.timestamp, VotePath(of: place, in: tree),
                    cast.signature)
            )
        }
    }
}

extension Event {
    /// Who says what about which request or job, where it is a vote, a result or a report.
    fileprivate var said: (author: ValidatorIndex, about: EntryIndex, statement: Statement)? {
        switch self {
        case .voteCast(let cast):
            (
                cast.validator, cast.request,
                .vote(cast.vote, cast.reason, cast.timestamp, cast.signature)
            )
        case .resultReported(let result):
            (
                result.validator, result.job,
                .result(result.status, output: result.output, fuel: result.fuel, result.signature)
            )
        case .settlementReported(let report):
            (
                .bridge, report.request,
                .settlement(report.result, reference: report.reference, report.signature)
            )
        default: nil
        }
    }
}
