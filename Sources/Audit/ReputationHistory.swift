// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
internal import Storage

/// How reputations moved, read from the entries that move them and from no others.
///
/// A fold would need every entry, of which one in some twenty-five moves a reputation. What is
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

    /// The kinds of event that are read.
    private static let tags: [UInt8] = [0, 1, 7, 69, 70]

    private let found: FlattenSequence<[[EntryPicker.Picked]]>
    private let roster: Roster

    /// What the ledger calls those in it, at the end.
    package var names: LedgerNames { roster.names }

    /// Reads a log up to an entry and with it; to its end where that is nil.
    package init(_ log: EventLog, to entry: UInt64? = nil) throws(ReplayError) {
        let size = log.size
        if let entry, entry >= size { throw .beyond(entry: entry, size: size) }
        do throws(FoldFailure) {
            found = try EntryPicker.pick(
                Self.tags, from: log, in: 0..<(entry.map { $0 + 1 } ?? size))
        } catch { throw ReplayError(error) }
        var roster: Roster?
        for picked in found { try Roster.take(picked, into: &roster) }
        guard let roster else { throw .beyond(entry: 0, size: size) }
        self.roster = roster
    }

    /// Those who are called so: by name or number, or else by the first digits of their keys.
    package func validators(called name: String) -> [ValidatorIndex] {
        if let index = names.validator(name) { return [index] }
        guard !name.isEmpty else { return [] }
        let digits = name.lowercased()
        return roster.validators.indices.filter {
            roster.validators[$0].key.hex.hasPrefix(digits)
        }.map { ValidatorIndex(UInt16($0)) }
    }

    /// The way of one validator.
    ///
    /// - Precondition: The ledger has it.
    package func way(of index: ValidatorIndex) throws(ReplayError) -> Way {
        var walk = Walk(index: index)
        for picked in found { try walk.take(picked) }
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

        mutating func take(_ picked: EntryPicker.Picked) throws(ReplayError) {
            try Roster.take(picked, into: &roster)
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
                        .contradicts(kind: "reputationChanged", field: "reputation"))
                }
                step(picked.index, changed.cause, to: changed.after)
            case .reputationChanged: return
            case .reputationDecayed(let decayed):
                guard decayed.day == decayDay + 1, decayed.day <= time.day else {
                    throw .cannotFollow(
                        entry: picked.index,
                        .contradicts(kind: "reputationDecayed", field: "day"))
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
