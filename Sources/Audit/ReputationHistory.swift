// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
internal import Storage

/// How one reputation moved, read from the entries that move it and from no others.
///
/// A fold would need every entry, of which one in some twenty-five moves this reputation. What is
/// lost: whether the others follow one another, which an audit says. What is kept: each change
/// begins where the one before it ended, changes of the membership and decays are numbered, and an
/// entry that breaks this is named.
package struct ReputationHistory: Sendable {
    /// A change of one reputation, or a day's decay of it, that no bound clamped.
    package struct Step: Sendable {
        package let entry: UInt64
        /// Nil for a decay.
        package let cause: ReputationCause?
        package let before: Reputation
        package let after: Reputation
        /// The time of the batch.
        package let time: Time
        /// Those in force.
        package let parameters: Parameters
    }

    /// One validator's way from where its reputation begins to the end.
    package struct Way: Sendable {
        package let key: PublicKey
        package let name: String
        package let isMember: Bool
        /// The entry by which it joined first.
        package let joined: UInt64
        /// The entry by which a bound clamped it last, whatever it was before; that of joining
        /// where none has.
        package let origin: UInt64
        /// What it was after that entry.
        package let start: Reputation
        /// What moved it since, without gaps from `start` to `reputation`.
        package let steps: [Step]
        package let reputation: Reputation
    }

    /// The first entry and changes of the membership, where what came before `found` is not read.
    private let earlier: [EntryPicker.Picked]
    private let found: FlattenSequence<[[EntryPicker.Picked]]>
    /// The opening of the batch that `found` begins with, where `earlier` stands for the others.
    private let opening: UInt64?
    private let roster: Roster

    /// What the ledger calls those in it, at the end.
    package var names: LedgerNames { roster.names }

    /// The validators who are called so, at the end.
    package let meant: [ValidatorIndex]

    /// Reads how the reputation of a validator moved, up to an entry and with it; to the end of the
    /// log where that is nil.
    ///
    /// Who is meant is known when all changes of the membership are read. So the changes of whoever
    /// is called so in the first entry are read with these, and where another is meant the log is
    /// read again.
    /// - Parameter name: Its name or number, or else the first digits of its key.
    package init(
        of name: String, in log: EventLog, to entry: UInt64? = nil
    ) throws(ReplayError) {
        let size = log.size
        if let entry, entry >= size { throw .beyond(entry: entry, size: size) }
        let end = entry.map { $0 + 1 } ?? size
        let (_, opened) = try Roster.read(log, in: 0..<min(1, end))
        let guess = opened.validators(called: name).first
        var found = try Self.read(log, 0..<end, guess)
        roster = try Roster(found)
        meant = roster.validators(called: name)
        if let index = meant.first, index != guess { found = try Self.read(log, 0..<end, index) }
        self.found = found
        earlier = []
        opening = nil
    }

    /// Reads how the reputation of a validator moved since a bound clamped it, where an index says
    /// that it did.
    package init(
        of name: String, at places: ReputationPlaces, in log: EventLog
    ) throws(PlacesError) {
        let index = places.validator
        earlier = try places.changesBefore(in: log)
        do throws(ReplayError) {
            found = try Self.read(log, places.opening..<log.size, index)
            var roster: Roster?
            for picked in earlier { try Roster.fold(picked, into: &roster) }
            for picked in found { try Roster.fold(picked, into: &roster) }
            guard let roster else { throw .beyond(entry: 0, size: log.size) }
            self.roster = roster
        } catch { throw .otherwise(entry: places.opening) }
        opening = places.opening
        meant = roster.validators(called: name)
        guard meant == [index] else { throw .otherwise(entry: places.opening) }
        let way: Way?
        do throws(ReplayError) { way = try self.way() } catch {
            throw .otherwise(entry: places.opening)
        }
        guard let way, way.origin > places.opening else {
            throw .otherwise(entry: places.opening)
        }
    }

    /// What says who there is, the time, days of decay, and what moved this validator.
    private static func read(
        _ log: EventLog, _ range: Range<UInt64>, _ index: ValidatorIndex?
    ) throws(ReplayError) -> FlattenSequence<[[EntryPicker.Picked]]> {
        var beginnings: [[UInt8]] = [[0], [1], [7], [70]]
        if let index { beginnings.append([69] + index.encoded) }
        do throws(FoldFailure) {
            return try EntryPicker.pick(beginnings, from: log, in: range)
        } catch { throw ReplayError(error) }
    }

    /// The way of the validator who is meant; nil where there is none.
    package func way() throws(ReplayError) -> Way? {
        guard let index = meant.first else { return nil }
        var walk = Walk(index: index, opening: opening)
        for picked in earlier { try walk.fold(picked) }
        for picked in found { try walk.fold(picked) }
        guard let joined = walk.joined, let reputation = walk.reputation else { return nil }
        let validator = roster.validators[Int(index.rawValue)]
        let origin = walk.clamped ?? (joined, Limits.reputationAtJoining)
        return Way(
            key: validator.key, name: validator.name, isMember: validator.isMember,
            joined: joined, origin: origin.entry, start: origin.after, steps: walk.steps,
            reputation: reputation)
    }

    /// A pass over the facts for one validator.
    private struct Walk {
        let index: ValidatorIndex
        /// The entry before which not all is read.
        let opening: UInt64?
        var joined: UInt64?
        var clamped: (entry: UInt64, after: Reputation)?
        var steps: [Step] = []
        /// Nil from `opening` to the first change.
        var reputation: Reputation? = Limits.reputationAtJoining
        private var roster: Roster?
        private var time = Time(0)
        /// Nil from `opening` to the first decay.
        private var decayDay: UInt64?

        init(index: ValidatorIndex, opening: UInt64?) {
            (self.index, self.opening) = (index, opening)
        }

        mutating func fold(_ picked: EntryPicker.Picked) throws(ReplayError) {
            try Roster.fold(picked, into: &roster)
            switch picked.event {
            case .ledgerOpened(let opened):
                time = opened.time
                decayDay = time.day
            case .batchOpened(let opened):
                time = opened.time
                if picked.index == opening { (reputation, decayDay) = (nil, nil) }
            case .reputationChanged(let changed) where changed.validator == index:
                guard joined != nil, reputation ?? changed.before == changed.before,
                    changed.after <= Limits.reputationMax
                else {
                    throw .cannotFollow(
                        entry: picked.index,
                        .contradicts(kind: .reputationChanged, field: "reputation"))
                }
                let points = changed.cause.points * ReputationScale.thousandthsPerPoint
                step(
                    picked.index, changed.cause, from: changed.before,
                    freely: Int64(changed.before.rawValue) + points, to: changed.after)
            case .reputationChanged: return
            case .reputationDecayed(let decayed):
                guard decayed.day == decayDay.map({ $0 + 1 }) ?? decayed.day,
                    decayed.day <= time.day
                else {
                    throw .cannotFollow(
                        entry: picked.index,
                        .contradicts(kind: .reputationDecayed, field: "day"))
                }
                decayDay = decayed.day
                if let member, member.isMember, let roster, let reputation {
                    step(
                        picked.index, nil, from: reputation,
                        freely: ReputationScale.standard.decayed(reputation),
                        to: roster.parameters.decayed(reputation))
                }
            default: break
            }
            if joined == nil, member != nil { joined = picked.index }
        }

        private var member: Roster.Member? {
            let place = Int(index.rawValue)
            guard let roster, roster.validators.indices.contains(place) else { return nil }
            return roster.validators[place]
        }

        /// Takes in a step to `free`, or to the bound that clamped it: then nothing before it
        /// counts any more.
        private mutating func step(
            _ entry: UInt64, _ cause: ReputationCause?, from before: Reputation,
            freely free: Int64, to after: Reputation
        ) {
            guard let roster else { return }
            reputation = after
            guard free == Int64(after.rawValue) else {
                clamped = (entry, after)
                return steps.removeAll(keepingCapacity: true)
            }
            steps.append(
                Step(
                    entry: entry, cause: cause, before: before, after: after, time: time,
                    parameters: roster.parameters))
        }
    }
}
