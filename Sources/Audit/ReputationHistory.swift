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
    /// A change of one reputation, or a day's decay of it.
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

    /// One validator's way from joining to the end.
    package struct Way: Sendable {
        package let key: PublicKey
        package let name: String
        package let isMember: Bool
        /// The entry by which it joined first.
        package let joined: UInt64
        package let steps: [Step]
        package let reputation: Reputation
    }

    private let found: FlattenSequence<[[EntryPicker.Picked]]>
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
        var found = try Self.read(log, to: end, guess)
        roster = try Roster(found)
        meant = roster.validators(called: name)
        if let index = meant.first, index != guess {
            found = try Self.read(log, to: end, index)
        }
        self.found = found
    }

    /// What says who there is, the time, days of decay, and what moved this validator.
    private static func read(
        _ log: EventLog, to end: UInt64, _ index: ValidatorIndex?
    ) throws(ReplayError) -> FlattenSequence<[[EntryPicker.Picked]]> {
        var beginnings: [[UInt8]] = [[0], [1], [7], [70]]
        if let index { beginnings.append([69] + index.encoded) }
        do throws(FoldFailure) {
            return try EntryPicker.pick(beginnings, from: log, in: 0..<end)
        } catch { throw ReplayError(error) }
    }

    /// The way of the validator who is meant; nil where there is none.
    package func way() throws(ReplayError) -> Way? {
        guard let index = meant.first else { return nil }
        var walk = Walk(index: index)
        for picked in found { try walk.fold(picked) }
        let validator = roster.validators[Int(index.rawValue)]
        return Way(
            key: validator.key, name: validator.name, isMember: validator.isMember,
            joined: walk.joined ?? 0, steps: walk.steps, reputation: walk.reputation)
    }

    /// A pass over the facts for one validator.
    private struct Walk {
        let index: ValidatorIndex
        var joined: UInt64?
        var steps: [Step] = []
        var reputation = Limits.reputationAtJoining
        private var roster: Roster?
        private var time = Time(0)
        private var decayDay: UInt64 = 0

        init(index: ValidatorIndex) { self.index = index }

        mutating func fold(_ picked: EntryPicker.Picked) throws(ReplayError) {
            try Roster.fold(picked, into: &roster)
            switch picked.event {
            case .ledgerOpened(let opened):
                time = opened.time
                decayDay = time.day
            case .batchOpened(let opened): time = opened.time
            case .reputationChanged(let changed) where changed.validator == index:
                guard joined != nil, changed.before == reputation,
                    changed.after <= Limits.reputationMax
                else {
                    throw .cannotFollow(
                        entry: picked.index,
                        .contradicts(kind: .reputationChanged, field: "reputation"))
                }
                step(picked.index, changed.cause, to: changed.after)
            case .reputationChanged: return
            case .reputationDecayed(let decayed):
                guard decayed.day == decayDay + 1, decayed.day <= time.day else {
                    throw .cannotFollow(
                        entry: picked.index,
                        .contradicts(kind: .reputationDecayed, field: "day"))
                }
                decayDay = decayed.day
                if let member, member.isMember, let roster {
                    step(picked.index, nil, to: roster.parameters.decayed(reputation))
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

        private mutating func step(
            _ entry: UInt64, _ cause: ReputationCause?, to after: Reputation
        ) {
            guard let roster else { return }
            steps.append(
                Step(
                    entry: entry, cause: cause, before: reputation, after: after, time: time,
                    parameters: roster.parameters))
            reputation = after
        }
    }
}
