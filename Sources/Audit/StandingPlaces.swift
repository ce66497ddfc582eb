// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger

/// Who could lead and order a batch, and how they stood before it.
package struct Standing: Sendable {
    /// The ledger.
    package let ledger: LedgerID
    /// The members, stakes and parameters that rank them: those that the batch before the last
    /// sealed.
    package let sealed: SealedMembers
    /// The reputations of members before the batch.
    package let reputations: [ValidatorIndex: Reputation]
    /// The last entry that changed each, without decays; none of those that nothing has changed.
    package let moved: [ValidatorIndex: UInt64]
    /// What the ledger calls them.
    package let names: LedgerNames

    /// That of a state that has taken the opening of the batch in.
    package init(_ state: LedgerState, moved: [ValidatorIndex: UInt64]) {
        ledger = state.ledger
        sealed = state.sealedBefore
        var reputations: [ValidatorIndex: Reputation] = [:]
        for member in state.sealedBefore.members {
            reputations[member.index] = state.validator(member.index)?.reputation
        }
        self.reputations = reputations
        self.moved = moved
        names = LedgerNames(state)
    }

    init(
        ledger: LedgerID, sealed: SealedMembers, reputations: [ValidatorIndex: Reputation],
        moved: [ValidatorIndex: UInt64], names: LedgerNames
    ) {
        self.ledger = ledger
        self.sealed = sealed
        self.reputations = reputations
        self.moved = moved
        self.names = names
    }
}

/// Where an index of a log says what the standing before a batch rests on.
///
/// Nothing of it is believed. A round that opened shortly before commits to who was in office, with
/// stakes and reputations; every entry from there to the batch is read; changes are numbered.
package struct StandingPlaces: Sendable {
    /// The opening of the batch.
    package var opening: UInt64
    /// That of the batch before; the same for batch 1.
    package var previous: UInt64
    /// The last request before `previous`.
    package var request: UInt64
    /// The changes agreed on before the batch, rising.
    package var changes: [UInt64]
    /// The reputations of those in office before the request.
    package var reputations: [ValidatorIndex: Reputation]
    /// The last entry before the batch that changed the reputation of each of them.
    package var moved: [ValidatorIndex: UInt64]

    /// Entries count from 0; what is made of them holds them against the log.
    package init(
        opening: UInt64, previous: UInt64, request: UInt64, changes: [UInt64],
        reputations: [ValidatorIndex: Reputation], moved: [ValidatorIndex: UInt64]
    ) {
        self.opening = opening
        self.previous = previous
        self.request = request
        self.changes = changes
        self.reputations = reputations
        self.moved = moved
    }
}

extension Standing {
    /// Reads at the places of an index how validators stood before a batch.
    ///
    /// Who was in office must not have changed since the request: such a batch is folded.
    package static func read(
        _ places: StandingPlaces, in log: EventLog
    ) throws(PlacesError) -> Standing {
        guard places.request < places.previous, places.previous <= places.opening,
            places.opening < log.size
        else { throw .otherwise(entry: places.opening) }
        try PlacesError.check(window: places.request..<places.opening)
        let (ledger, roster) = try Roster.read(places.changes, before: places.request, in: log)
        guard let pinned = roster.pinned(places.reputations),
            case .roundOpened(let round) = try log.read(places.request + 1).event,
            pinned.digest == round.pinnedSet
        else { throw .otherwise(entry: places.request) }
        var reputations = places.reputations
        var moved = try checked(places.moved, before: places.opening, in: log)
        var reader = EntryReader(log, from: places.request + 2, to: places.opening)
        while let logged = try reader.placed() {
            switch logged.event {
            case .reputationChanged(let changed):
                guard reputations[changed.validator] == changed.before else {
                    throw .otherwise(entry: logged.index)
                }
                reputations[changed.validator] = changed.after
                moved[changed.validator] = logged.index
            case .reputationDecayed:
                reputations = reputations.mapValues { roster.parameters.decayed($0) }
            case .governanceApproved: throw .otherwise(entry: logged.index)
            default: continue
            }
        }
        let members = pinned.members.map {
            RankedMember(index: $0.index, key: $0.key, stake: $0.stake)
        }
        return Standing(
            ledger: ledger,
            sealed: SealedMembers(members: members, parameters: roster.parameters),
            reputations: reputations, moved: moved, names: roster.names)
    }

    private static func checked(
        _ moved: [ValidatorIndex: UInt64], before opening: UInt64, in log: EventLog
    ) throws(PlacesError) -> [ValidatorIndex: UInt64] {
        for (validator, entry) in moved.sorted(by: { $0.key < $1.key }) {
            guard entry < opening,
                case .reputationChanged(let changed) = try log.read(entry).event,
                changed.validator == validator
            else { throw .otherwise(entry: entry) }
        }
        return moved
    }
}
