// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger

/// Where an index of a log says that a closed request stands, so that no fold is needed.
///
/// Nothing of it is believed. Every entry from the opening of the batch to the close is read, so
/// that no vote can be left out; the round commits to who could vote, with stakes and reputations;
/// and changes are numbered. All that a wrong index can hide is a last announcement of a version,
/// and what came after the close.
package struct RequestPlaces: Sendable {
    /// The entry that introduced the request.
    package var request: UInt64
    /// The opening of its batch.
    package var opening: UInt64
    /// The entry that closed its round.
    package var closed: UInt64
    /// The changes agreed on before it, rising.
    package var changes: [UInt64]
    /// The reputations of those in office before it.
    package var reputations: [ValidatorIndex: Reputation]
    /// What each validator announced last before that batch, rising.
    package var announcements: [UInt64]
    /// The inputs about it after the close, rising; what the rules derived from each follows it.
    package var later: [UInt64]

    /// Entries count from 0; what is made of them holds them against the log.
    package init(
        request: UInt64, opening: UInt64, closed: UInt64, changes: [UInt64],
        reputations: [ValidatorIndex: Reputation], announcements: [UInt64], later: [UInt64]
    ) {
        self.request = request
        self.opening = opening
        self.closed = closed
        self.changes = changes
        self.reputations = reputations
        self.announcements = announcements
        self.later = later
    }
}

/// Why places do not give a history.
package enum PlacesError: Error {
    /// The log cannot be read.
    case reading(ReadingError)
    /// At this entry the log says something else than the index.
    case otherwise(entry: UInt64)
    /// More entries would have to be read than are this way.
    case tooFarApart(entries: UInt64)

    /// Entries in a row that are read; a fold is no slower beyond it.
    private static let windowEntriesMax = 1 << 17

    static func check(window: Range<UInt64>) throws(PlacesError) {
        guard window.count <= windowEntriesMax else {
            throw .tooFarApart(entries: UInt64(window.count))
        }
    }
}

extension EntryReader {
    /// The next entry; nil at the end.
    mutating func placed() throws(PlacesError) -> LoggedEntry? {
        do throws(ReadingError) { return try entry() } catch { throw .reading(error) }
    }
}

extension EventLog {
    /// One entry.
    func read(_ index: UInt64) throws(PlacesError) -> LoggedEntry {
        var reader = EntryReader(self, from: index, to: index + 1)
        guard let found = try reader.placed() else { throw .otherwise(entry: index) }
        return found
    }
}

extension Roster {
    /// The ledger, and who and what it knew before an entry, by the changes of an index.
    static func read(
        _ changes: [UInt64], before entry: UInt64, in log: EventLog
    ) throws(PlacesError) -> (LedgerID, Roster) {
        let first = try log.read(0)
        guard case .ledgerOpened(let opened) = first.event else { throw .otherwise(entry: 0) }
        var roster = Roster(opened)
        for place in changes {
            guard place < entry, case .governanceApproved(let approved) = try log.read(place).event,
                roster.fold(approved)
            else { throw .otherwise(entry: place) }
        }
        return (LedgerID(Digest(hashing: first.bytes)), roster)
    }
}

extension RequestHistory {
    /// Collects what a log says about a request, at the places that an index names.
    ///
    /// - Parameter refusals: Messages refused after the close, of which some may be about it.
    package static func read(
        _ places: RequestPlaces, in log: EventLog, refusals: [UInt64] = []
    ) throws(PlacesError) -> RequestHistory {
        guard places.opening < places.request, places.request < places.closed,
            places.closed < log.size
        else { throw .otherwise(entry: places.request) }
        try PlacesError.check(window: places.opening..<places.closed)
        var reading = PlacedReading(places, log)
        var history = try reading.read()
        for place in refusals {
            let logged = try log.read(place)
            guard case .messageRefused = logged.event, place > places.closed else {
                throw .otherwise(entry: place)
            }
            history.fold(logged) { _ in nil }
        }
        return history
    }
}

/// Reads a log at the places of an index.
private struct PlacedReading {
    private let places: RequestPlaces
    private let log: EventLog
    private var ledger: LedgerID?
    private var programs: [ValidatorIndex: String] = [:]
    private var height: Height?
    private var submitted: RequestSubmitted?
    private var history: RequestHistory?

    init(_ places: RequestPlaces, _ log: EventLog) {
        self.places = places
        self.log = log
    }

    mutating func read() throws(PlacesError) -> RequestHistory {
        let (ledger, roster) = try Roster.read(
            places.changes, before: places.request, in: log)
        self.ledger = ledger
        try readAnnouncements()
        var reader = EntryReader(log, from: places.opening, to: places.closed + 1)
        while let logged = try reader.placed() { try fold(logged, roster) }
        guard var found = history else { throw .otherwise(entry: places.request) }
        guard found.decision != nil, case .roundClosed? = found.events.last?.event,
            found.events.last?.index == places.closed
        else { throw .otherwise(entry: places.closed) }
        var last = places.closed
        for place in places.later {
            guard place > last else { throw .otherwise(entry: place) }
            last = place
            try readInput(place, into: &found)
        }
        return found
    }

    private mutating func readAnnouncements() throws(PlacesError) {
        for place in places.announcements {
            guard place < places.opening,
                case .validatorAnnounced(let announced) = try log.read(place).event
            else { throw .otherwise(entry: place) }
            programs[announced.validator] = announced.announcement.program
        }
    }

    /// Folds the next entry from the opening on.
    private mutating func fold(_ logged: LoggedEntry, _ roster: Roster) throws(PlacesError) {
        let isOpening = logged.index == places.opening
        switch logged.event {
        case .batchOpened(let opened) where logged.index < places.request:
            guard isOpening else { throw .otherwise(entry: logged.index) }
            height = opened.height
        case .requestSubmitted(let event) where logged.index == places.request: submitted = event
        case .roundOpened(let event) where logged.index == places.request + 1:
            history = try opened(event, roster)
            history?.fold(logged) { programs[$0] }
        case .validatorAnnounced(let event):
            programs[event.validator] = event.announcement.program
        case _ where isOpening: throw .otherwise(entry: logged.index)
        default: history?.fold(logged) { programs[$0] }
        }
    }

    /// The request as its round opened, where the round's own words bear the places out.
    private func opened(
        _ opened: RoundOpened, _ roster: Roster
    ) throws(PlacesError) -> RequestHistory {
        guard let submitted, let height, let ledger, let pinned = roster.pinned(places.reputations),
            pinned.digest == opened.pinnedSet, opened.request.rawValue == places.request,
            roster.circuits.indices.contains(Int(submitted.circuit.rawValue)),
            roster.submitters.indices.contains(Int(submitted.submitter.rawValue))
        else { throw .otherwise(entry: places.request) }
        let circuit = roster.circuits[Int(submitted.circuit.rawValue)]
        let message = RequestMessage(
            circuit: circuit.id, nullifiers: submitted.nullifiers, amount: submitted.amount,
            recipient: submitted.recipient, proof: submitted.proof,
            publicInputs: submitted.publicInputs, timestamp: submitted.timestamp,
            submitter: roster.submitters[Int(submitted.submitter.rawValue)].key,
            signature: submitted.signature)
        let round = Round(
            entry: opened.request, id: message.id(in: ledger), request: submitted, pinned: pinned,
            opened: opened, settlementMilliseconds: roster.parameters.settlementMilliseconds)
        var history = RequestHistory(
            ledger: ledger, entry: places.request, height: height, round: round,
            message: message, circuit: circuit)
        history.names = roster.names
        return history
    }

    /// Folds an input about the request, and what was derived from it.
    private func readInput(
        _ place: UInt64, into history: inout RequestHistory
    ) throws(PlacesError) {
        var reader = EntryReader(log, from: place)
        guard let input = try reader.placed(), !input.event.isDerived,
            input.event.requests.contains(EntryIndex(history.entry))
        else { throw .otherwise(entry: place) }
        history.fold(input) { programs[$0] }
        while let derived = try reader.placed(), derived.event.isDerived {
            history.fold(derived) { programs[$0] }
        }
    }
}
