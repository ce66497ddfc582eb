// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Everybody who is or was a validator, and who may propose the next batches.
///
/// Invariants:
/// - `indices[all[i].key] == i`, and `names` holds the name of each, none of which stands twice;
/// - `members` rises strictly, and holds `i` exactly where `all[i].isMember`, which holds exactly
///   where its last term has no end; `0 < members.count <= Limits.membersMax` once opened;
/// - the stakes of the members, and those of each sealed set, add up to more than 0 and less than
///   2^64; the parameters of each set suit so many members;
/// - `all[i].reputation <= Limits.reputationMax`, and moves by no more than the rules say;
/// - `decayDay` is at most the day of batch time, and rises by one;
/// - members of `sealedLast` and `sealedBefore` rise strictly by index and are in `all`.
struct ValidatorsComponent: Component {
    static let kind = StateComponent.validators

    /// Every key that is or was a validator, by index.
    private(set) var all: [Validator] = []
    private(set) var indices: [PublicKey: ValidatorIndex] = [:]
    /// The names of all that are or were validators.
    private(set) var names: Set<String> = []
    /// The validators now, by index.
    private(set) var members: [ValidatorIndex] = []
    /// The last UTC day whose decay is applied.
    private(set) var decayDay: UInt64 = 0
    /// What the batch before the last one opened sealed: who may propose the next.
    private(set) var sealedLast = SealedMembers(members: [], parameters: .standard)
    /// What the batch before that sealed: who ordered the last one opened.
    private(set) var sealedBefore = SealedMembers(members: [], parameters: .standard)

    /// Nobody.
    init() {}

    /// A validator by its number; nil where there is none of this number.
    subscript(index: ValidatorIndex) -> Validator? {
        all.indices.contains(Int(index.rawValue)) ? all[Int(index.rawValue)] : nil
    }

    /// The validators whose votes would count in a round that opens now.
    var pinnedSet: PinnedSet {
        PinnedSet(
            members: members.map { index in
                let validator = all[Int(index.rawValue)]
                return PinnedMember(
                    index: index, key: validator.key, stake: validator.stake,
                    reputation: validator.reputation)
            })
    }

    /// The members and stakes now, with these parameters.
    func sealed(with parameters: Parameters) -> SealedMembers {
        SealedMembers(
            members: members.map { index in
                let validator = all[Int(index.rawValue)]
                return RankedMember(index: index, key: validator.key, stake: validator.stake)
            }, parameters: parameters)
    }
}

// MARK: - Its part of `apply`

extension ValidatorsComponent {
    mutating func open(_ event: LedgerOpened, at height: Height) {
        decayDay = event.time.day
        for validator in event.validators {
            join(validator.key, validator.name, validator.stake, at: height)
        }
        sealedLast = sealed(with: event.parameters)
        sealedBefore = sealedLast
    }

    /// A batch begins: what is now is what the last one sealed.
    mutating func openBatch(_ parameters: Parameters) {
        sealedBefore = sealedLast
        sealedLast = sealed(with: parameters)
    }

    /// Lets a validator join, or return with its index, name and reputation.
    mutating func join(_ key: PublicKey, _ name: String, _ stake: Stake, at height: Height) {
        let index: ValidatorIndex
        if let known = indices[key] {
            index = known
            all[Int(index.rawValue)].stake = stake
            if !members.contains(index) { all[Int(index.rawValue)].begin(at: height) }
        } else {
            index = ValidatorIndex(UInt16(all.count))
            invariant(index != .bridge, "a validator takes the number that stands for the bridge")
            indices[key] = index
            names.insert(name)
            all.append(
                Validator(
                    key: key, name: name, stake: stake, reputation: Limits.reputationAtJoining,
                    isMember: true, terms: [Term(joined: height, left: nil)]))
        }
        guard !members.contains(index) else { return }
        let place = members.firstIndex { $0 > index } ?? members.count
        members.insert(index, at: place)
        invariant(members.count <= Limits.membersMax, "\(members.count) members")
        invariant(
            all[Int(index.rawValue)].isMember, "validator \(index.rawValue) joins and is no member")
        invariant(
            indices.count == all.count, "\(indices.count) keys of \(all.count) validators")
        invariant(names.count == all.count, "\(names.count) names of \(all.count) validators")
    }

    mutating func leave(_ key: PublicKey, at height: Height) throws(FoldError) {
        leave(try known(key), at: height)
    }

    private mutating func leave(_ index: ValidatorIndex, at height: Height) {
        all[Int(index.rawValue)].end(at: height)
        let count = members.count
        members.removeAll { $0 == index }
        invariant(members.count == count - 1, "\(count) members are \(members.count) without one")
    }

    mutating func change(stakeOf key: PublicKey, to stake: Stake) throws(FoldError) {
        all[Int(try known(key).rawValue)].stake = stake
    }

    private func known(_ key: PublicKey) throws(FoldError) -> ValidatorIndex {
        guard let index = indices[key] else {
            throw .contradicts(kind: .governanceApproved, field: "key")
        }
        return index
    }

    mutating func announce(_ event: ValidatorAnnounced, at time: Time) throws(FoldError) {
        let place = try place(of: event.validator, in: .validatorAnnounced)
        all[place].announced = RecordedAnnouncement(event.announcement, time: time)
    }

    mutating func change(_ event: ReputationChanged) throws(FoldError) {
        let place = try place(of: event.validator, in: .reputationChanged)
        guard event.before == all[place].reputation, event.after <= Limits.reputationMax
        else { throw .contradicts(kind: .reputationChanged, field: "reputation") }
        all[place].reputation = event.after
    }

    private func place(of index: ValidatorIndex, in kind: EventType) throws(FoldError) -> Int {
        let place = Int(index.rawValue)
        guard all.indices.contains(place) else {
            throw .unknown(kind: kind, field: "validator", value: UInt64(index.rawValue))
        }
        return place
    }

    mutating func decay(
        _ event: ReputationDecayed, at time: Time, _ numbers: ParametersComponent
    ) throws(FoldError) {
        guard event.day == decayDay + 1, event.day <= time.day else {
            throw .contradicts(kind: .reputationDecayed, field: "day")
        }
        decayDay = event.day
        for index in members {
            let place = Int(index.rawValue)
            all[place].reputation = numbers.parameters.decayed(
                all[place].reputation, by: numbers.scale)
        }
    }

    /// Goes on as if some had never been validators; see `LedgerState.assume`.
    mutating func assume(
        without absent: [ValidatorIndex], _ parameters: Parameters, at height: Height
    ) {
        for index in absent where members.contains(index) { leave(index, at: height) }
        sealedLast = sealed(with: parameters)
        sealedBefore = sealedLast
    }
}

// MARK: - Its root and its part of a snapshot

extension ValidatorsComponent {
    func encodeRoot(to writer: inout BorshWriter) {
        writer.write(UInt32(all.count))
        for validator in all {
            writer.write(validator.key)
            writer.write(validator.name)
            writer.write(validator.stake)
            writer.write(validator.reputation)
            writer.write(UInt8(validator.isMember ? 1 : 0))
            writer.write(validator.terms)
            writer.write(optional: validator.announced)
        }
        writer.write(decayDay)
        for sealed in [sealedBefore, sealedLast] {
            writer.write(UInt32(sealed.members.count))
            for member in sealed.members {
                writer.write(member.index)
                writer.write(member.stake)
            }
            writer.write(sealed.parameters)
        }
    }

    /// The same as for its root.
    func encodeFixed(to writer: inout BorshWriter) { encodeRoot(to: &writer) }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        for number in 0..<(try reader.count(of: "validators", bound: Limits.validatorsMax)) {
            let start = reader.offset
            let key = try reader.publicKey()
            let name = try reader.text(of: "name", bound: Limits.partyNameBytesMax)
            let stake = try Stake(from: &reader)
            let reputation = try Reputation(from: &reader)
            let member = try reader.integer(UInt8.self)
            let index = ValidatorIndex(UInt16(number))
            let terms = try reader.list(of: Term.self, bound: Limits.termsMax)
            let announced = try reader.optional(RecordedAnnouncement.self)
            let isOpen = terms.last.map { $0.left == nil } ?? false
            guard member <= 1, isOpen == (member == 1),
                indices.updateValue(index, forKey: key) == nil, names.insert(name).inserted
            else {
                throw .notCanonical(type: "validators", offset: start)
            }
            all.append(
                Validator(
                    key: key, name: name, stake: stake, reputation: reputation,
                    isMember: member == 1, terms: terms, announced: announced))
            if member == 1 { members.append(index) }
        }
        decayDay = try reader.integer()
        sealedBefore = try readSealed(&reader)
        sealedLast = try readSealed(&reader)
    }

    private func readSealed(_ reader: inout BorshReader) throws(DecodingError) -> SealedMembers {
        var sealed: [RankedMember] = []
        for _ in 0..<(try reader.count(of: "members", bound: Limits.membersMax)) {
            let start = reader.offset
            let index = try ValidatorIndex(from: &reader)
            guard let validator = self[index], (sealed.last?.index).map({ $0 < index }) ?? true
            else { throw .notCanonical(type: "members", offset: start) }
            sealed.append(
                RankedMember(index: index, key: validator.key, stake: try Stake(from: &reader)))
        }
        return SealedMembers(members: sealed, parameters: try Parameters(from: &reader))
    }
}

// MARK: - Its soundness

extension ValidatorsComponent {
    /// Whether stakes, reputations, sets and days are such as the rules admit.
    func isWithinBounds(_ parameters: Parameters, at time: Time) -> Bool {
        guard decayDay <= time.day, !members.isEmpty, members.count <= Limits.membersMax else {
            return false
        }
        let now = sealed(with: parameters)
        return [now, sealedBefore, sealedLast].allSatisfy { set in
            StateBounds.admit(set.members.map(\.stake)) && set.parameters.fault == nil
                && set.parameters.fault(members: set.members.count) == nil
        } && all.allSatisfy { $0.reputation <= Limits.reputationMax }
            && all.allSatisfy(\.key.isValid)
    }

    /// See `LedgerState.checkSoundness`.
    func checkSoundness(at height: Height, _ time: Time) throws(Unsoundness) {
        try Self.believe(all.count <= Limits.validatorsMax, "\(all.count) validators, too many")
        try Self.believe(indices.count == all.count, "each validator has a key of its own")
        try Self.believe(names.count == all.count, "each validator has a name of its own")
        for (place, validator) in all.enumerated() {
            let index = ValidatorIndex(UInt16(place))
            try Self.believe(indices[validator.key] == index, "key \(place) has number \(place)")
            try Self.believe(names.contains(validator.name), "name \(place) is among the names")
            try Self.believe(PartyName.isValid(validator.name), "name \(place) is well formed")
            try Self.believe(
                (validator.announced?.time ?? time) <= time, "\(place) has not announced yet")
            try Self.checkTerms(of: validator, place, at: height)
        }
        try Self.believe(
            members.count == all.count { $0.isMember }, "members are those who have not left")
        try Self.believe(
            members.allSatisfy { self[$0]?.isMember == true }, "each member is a validator")
        try Self.believe(isRising(members), "members rise by number")
        for sealed in [sealedBefore, sealedLast] {
            try Self.believe(isRising(sealed.members.map(\.index)), "sealed members rise by number")
            try Self.believe(
                sealed.members.allSatisfy { self[$0.index]?.key == $0.key },
                "each sealed member has the key of its number")
        }
    }

    private func isRising(_ members: [ValidatorIndex]) -> Bool {
        zip(members, members.dropFirst()).allSatisfy { $0 < $1 }
    }

    private static func checkTerms(
        of validator: Validator, _ place: Int, at height: Height
    ) throws(Unsoundness) {
        let terms = validator.terms
        try believe(
            (1...Limits.termsMax).contains(terms.count), "\(place) has \(terms.count) terms")
        for term in terms {
            try believe(term.joined <= height, "\(place) has joined by now")
            guard let left = term.left else { continue }
            try believe(term.joined <= left, "\(place) joined before it left")
            try believe(left <= height, "\(place) has left by now")
        }
        for (one, next) in zip(terms, terms.dropFirst()) {
            try believe(
                one.left.map { $0 <= next.joined } ?? false, "\(place) left before it returned")
        }
        try believe(
            validator.isMember == (terms.last.map { $0.left == nil } ?? false),
            "\(place) is a member while its last term lasts")
    }

    /// Whether all of these are or were validators.
    func hold(_ wanted: some Sequence<ValidatorIndex>) -> Bool {
        wanted.allSatisfy { Int($0.rawValue) < all.count }
    }
}
