// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// Who and what a ledger knows after its first entry and some changes: all of a state that only T
/// validators move. Reputations are none of it.
struct Roster {
    /// A validator, by its number.
    struct Member {
        let key: PublicKey
        let name: String
        var stake: Stake
        var isMember: Bool
    }

    private(set) var validators: [Member]
    private(set) var submitters: [(key: PublicKey, name: String)]
    private(set) var circuits: [Circuit]
    private(set) var parameters: Parameters
    /// The number of the next change; the first is 0.
    private(set) var nextChange: UInt64 = 0

    init(_ opened: LedgerOpened) {
        validators = opened.validators.map {
            Member(key: $0.key, name: $0.name, stake: $0.stake, isMember: true)
        }
        submitters = opened.submitters.map { ($0.key, $0.name) }
        circuits = opened.circuits.map(\.circuit)
        parameters = opened.parameters
    }

    /// Folds the next change; false where it is not the next one, or names nobody.
    mutating func fold(_ approved: GovernanceApproved) -> Bool {
        guard approved.number == nextChange else { return false }
        nextChange += 1
        switch approved.change {
        case .validatorJoined(let key, let name, let stake):
            guard let place = place(of: key) else {
                validators.append(Member(key: key, name: name, stake: stake, isMember: true))
                return true
            }
            validators[place].stake = stake
            validators[place].isMember = true
        case .validatorLeft(let key):
            guard let place = place(of: key) else { return false }
            validators[place].isMember = false
        case .stakeChanged(let key, let stake):
            guard let place = place(of: key) else { return false }
            validators[place].stake = stake
        case .parametersChanged(let parameters): self.parameters = parameters
        case .circuitRegistered(let circuit): circuits.append(circuit)
        case .rootPublished: break
        case .submitterListed(let key, let name, _):
            if !submitters.contains(where: { $0.key == key }) { submitters.append((key, name)) }
        }
        return true
    }

    private func place(of key: PublicKey) -> Int? { validators.firstIndex { $0.key == key } }

    /// Those in office, with these reputations; nil where one of theirs is lacking.
    func pinned(_ reputations: [ValidatorIndex: Reputation]) -> PinnedSet? {
        var members: [PinnedMember] = []
        for (place, validator) in validators.enumerated() where validator.isMember {
            let index = ValidatorIndex(UInt16(place))
            guard let reputation = reputations[index] else { return nil }
            members.append(
                PinnedMember(
                    index: index, key: validator.key, stake: validator.stake,
                    reputation: reputation))
        }
        return PinnedSet(members: members)
    }

    /// What they are called.
    var names: LedgerNames {
        LedgerNames(
            validators: validators.map(\.name), submitters: submitters.map(\.name),
            circuits: circuits.map(\.name))
    }
}

extension Roster {
    /// The ledger, and who and what it knows after a range of entries from the first on.
    static func read(
        _ log: EventLog, in range: Range<UInt64>
    ) throws(ReplayError) -> (LedgerID, Roster) {
        let found: FlattenSequence<[[EntryPicker.Picked]]>
        do throws(FoldFailure) {
            found = try EntryPicker.pick([[0], [7]], from: log, in: range)
        } catch { throw ReplayError(error) }
        guard let first = found.first else { throw .beyond(entry: 0, size: range.upperBound) }
        return (LedgerID(Digest(hashing: first.event.encoded)), try Roster(found))
    }

    /// That of entries from the first on, of which none that changes it is lacking.
    init(_ found: FlattenSequence<[[EntryPicker.Picked]]>) throws(ReplayError) {
        var roster: Roster?
        for picked in found { try Self.fold(picked, into: &roster) }
        guard let roster else { throw .beyond(entry: 0, size: 0) }
        self = roster
    }

    /// Folds an entry: the first makes the roster, changes follow in their order, and others say
    /// nothing about it.
    static func fold(
        _ picked: EntryPicker.Picked, into roster: inout Roster?
    ) throws(ReplayError) {
        switch picked.event {
        case .ledgerOpened(let opened):
            guard roster == nil else {
                throw .cannotFollow(entry: picked.index, .outOfPlace(kind: .ledgerOpened))
            }
            roster = Roster(opened)
        case .governanceApproved(let approved):
            guard roster?.fold(approved) == true else {
                throw .cannotFollow(
                    entry: picked.index,
                    .contradicts(kind: .governanceApproved, field: "number"))
            }
        default: return
        }
    }

    /// Those who are called so: by name or number, or else by the first digits of their keys.
    func validators(called name: String) -> [ValidatorIndex] {
        if let index = names.validator(name) { return [index] }
        guard !name.isEmpty else { return [] }
        let digits = name.lowercased()
        return validators.indices.filter { validators[$0].key.hex.hasPrefix(digits) }.map {
            ValidatorIndex(UInt16($0))
        }
    }
}
