// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// Everything that the log says about one request.
package struct RequestHistory: Sendable {
    /// A vote with its entry and the number of the validator.
    package struct CountedVote: Sendable {
        /// The entry.
        package let entry: UInt64
        /// The validator.
        package let validator: ValidatorIndex
        /// The message that was signed.
        package let message: VoteMessage
        /// Whether its signature covers a list that it is in.
        package let isListed: Bool
        /// The version that the validator had announced by then; nil where it never did.
        package let program: String?
    }

    /// A message about the request that the rules refused.
    package struct RefusedMessage: Sendable {
        /// The entry.
        package let entry: UInt64
        /// The message.
        package let message: Message
        /// Why it was refused.
        package let refusal: Refusal
    }

    /// The ledger.
    package let ledger: LedgerID
    /// The entry that introduced the request.
    package let entry: UInt64
    /// The batch of that entry.
    package let height: Height
    /// The round as it opened: identity, request, pinned validators, leader, threshold, deadline.
    package let round: Round
    /// The request as it was signed.
    package let message: RequestMessage
    /// The circuit.
    package let circuit: Circuit
    /// The name of the circuit.
    package var circuitName: String { circuit.name }
    /// What the log calls those who stand in its entries.
    package internal(set) var names = LedgerNames(validators: [])
    /// The votes, by entry.
    package internal(set) var votes: [CountedVote] = []
    /// The decision and its entry.
    package internal(set) var decision: (entry: UInt64, event: OutcomeDecided)?
    /// Refused messages about it.
    package internal(set) var refused: [RefusedMessage] = []
    /// The identities of requests on which validators voted in one list with this one; nothing
    /// where the history was not folded.
    package internal(set) var neighbours: [EntryIndex: RequestID] = [:]
    /// Every other event about it, by entry.
    package internal(set) var events: [LoggedEntry] = []

    /// All votes of the round; nil while it is open.
    package var closing: ClosingTally? {
        let isClosed = events.contains { logged in
            if case .roundClosed = logged.event { true } else { false }
        }
        guard isClosed else { return nil }
        let approvals = votes.count { $0.message.vote == .approve }
        return ClosingTally(
            approvals: UInt32(approvals), others: UInt32(votes.count - approvals),
            members: UInt32(round.pinned.members.count), threshold: UInt32(round.threshold))
    }
}

/// Which request is meant.
package enum RequestSelector: Sendable, Equatable {
    /// The entry that introduced it.
    case entry(UInt64)
    /// The first digits of its identity, lower-case.
    case prefix(String)

    /// The entry, or the digits.
    package var name: String {
        switch self {
        case .entry(let entry): "\(entry)"
        case .prefix(let digits): digits
        }
    }

    /// Reads up to twenty decimal digits as an entry where `size` entries hold it, anything else
    /// hexadecimal as the first digits of an identity; nil for other texts.
    package init?(_ text: String, size: UInt64) {
        if let entry = UInt64(plain: text), entry < size {
            self = .entry(entry)
        } else if !text.isEmpty, text.utf8.count <= 64, text.allSatisfy(\.isHexDigit) {
            self = .prefix(text.lowercased())
        } else {
            return nil
        }
    }
}

/// Why a request cannot be shown.
package enum HistoryError: Error {
    /// The log cannot be replayed.
    case replay(ReplayError)
    /// No request is meant.
    case notFound
    /// Several are meant; these are the first, by entry.
    case ambiguous([(entry: UInt64, id: RequestID)])
}

extension RequestHistory {
    /// Collects what a log says about a request; one pass.
    package static func find(
        _ selector: RequestSelector, in log: EventLog
    ) throws(HistoryError) -> RequestHistory {
        var search = Search(selector)
        let names: LedgerNames
        do throws(ReplayError) {
            let state = try Replay.state(of: log) { entry, state in
                search.see(LoggedEntry(index: state.size - 1, entry: entry), state)
            }
            names = LedgerNames(state)
        } catch {
            throw .replay(error)
        }
        let found = search.found.keys.sorted().compactMap { search.found[$0] }
        guard var first = found.first else { throw .notFound }
        first.names = names
        guard found.count == 1 else {
            throw .ambiguous(found.prefix(5).map { ($0.entry, $0.round.id) })
        }
        return first
    }
}

private struct Search {
    private static let candidatesMax = 64

    let selector: RequestSelector
    var found: [UInt64: RequestHistory] = [:]

    init(_ selector: RequestSelector) { self.selector = selector }

    mutating func see(_ entry: LoggedEntry, _ state: LedgerState) {
        if case .roundOpened(let opened) = entry.event { open(opened, entry, state) }
        guard !found.isEmpty else { return }
        if case .messageRefused = entry.event {
            for about in found.keys.sorted() { found[about]?.fold(entry) { _ in nil } }
        } else {
            for about in entry.event.requests {
                found[about.rawValue]?.fold(entry) {
                    state.validator($0)?.announced?.announcement.program
                }
                guard case .votesCast(let list) = entry.event, found[about.rawValue] != nil else {
                    continue
                }
                for cast in list.casts {
                    found[about.rawValue]?.neighbours[cast.request] = state.requestID(
                        at: cast.request)
                }
            }
        }
    }

    private mutating func open(_ opened: RoundOpened, _ entry: LoggedEntry, _ state: LedgerState) {
        guard found.count < Self.candidatesMax, let round = state.openRound(at: opened.request),
            isMeant(round),
            case .request(let message)? = state.message(of: .requestSubmitted(round.request)),
            let circuit = state.circuit(round.request.circuit)?.circuit
        else { return }
        found[opened.request.rawValue] = RequestHistory(
            ledger: state.ledger, entry: opened.request.rawValue, height: state.height,
            round: round, message: message, circuit: circuit)
    }

    private func isMeant(_ round: Round) -> Bool {
        switch selector {
        case .entry(let entry): round.entry.rawValue == entry
        case .prefix(let digits): round.id.hex.hasPrefix(digits)
        }
    }
}

extension RequestHistory {
    /// Folds an entry, where it is about the request; they come in order.
    ///
    /// - Parameter program: The version that a validator has announced by then.
    mutating func fold(_ logged: LoggedEntry, program: (ValidatorIndex) -> String?) {
        if case .messageRefused(let refused) = logged.event {
            guard refused.message.requests.contains(round.id) else { return }
            self.refused.append(
                RefusedMessage(
                    entry: logged.index, message: refused.message, refusal: refused.refusal))
            return
        }
        guard logged.event.requests.contains(EntryIndex(entry)) else { return }
        switch logged.event {
        case .voteCast(let cast): add(cast, logged.index, isListed: false, program(cast.validator))
        case .votesCast(let list):
            for cast in list.casts where cast.request.rawValue == entry {
                add(cast, logged.index, isListed: true, program(cast.validator))
            }
        case .outcomeDecided(let decided): decision = (logged.index, decided)
        default: events.append(logged)
        }
    }

    private mutating func add(
        _ cast: VoteCast, _ entry: UInt64, isListed: Bool, _ program: String?
    ) {
        guard let place = round.pinned.position(of: cast.validator) else { return }
        votes.append(
            CountedVote(
                entry: entry, validator: cast.validator,
                message: VoteMessage(
                    request: round.id, validator: round.pinned.members[place].key,
                    vote: cast.vote, reason: cast.reason, timestamp: cast.timestamp,
                    signature: cast.signature), isListed: isListed, program: program))
    }
}

extension Message {
    /// The requests that votes or a settlement name.
    package var requests: [RequestID] {
        switch self {
        case .vote(let message): [message.request]
        case .votes(let list):
            list.votes.compactMap { vote in
                if case .shown(let request, _, _) = vote { request } else { nil }
            }
        case .settlement(let message): [message.request]
        default: []
        }
    }
}

extension Event {
    /// The entries of the requests that the event is about: those of a list of votes, or one.
    package var requests: [EntryIndex] {
        if case .votesCast(let list) = self { return list.casts.map(\.request) }
        return request.map { [$0] } ?? []
    }

    /// The entry of the request that the event is about, where it is about one or a job.
    package var request: EntryIndex? {
        switch self {
        case .voteCast(let event): event.request
        case .settlementReported(let event): event.request
        case .roundOpened(let event): event.request
        case .outcomeDecided(let event): event.request
        case .nullifierSpent(let event), .nullifierReleased(let event): event.request
        case .settlementOrdered(let event): event.request
        case .reputationChanged(let event): event.about
        case .disagreementRecorded(let event): event.about
        case .roundClosed(let event): event.about
        case .evidenceSubmitted(let event): event.slot.request
        case .equivocationFound(let event): event.slot.request
        default: nil
        }
    }
}

extension Slot {
    fileprivate var request: EntryIndex? {
        if case .vote(let request) = self { return request }
        return nil
    }
}
