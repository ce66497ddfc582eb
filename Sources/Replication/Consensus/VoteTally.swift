// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A set of members by position, of a size that is fixed when it is made.
struct MemberSet: Hashable, Sendable {
    private var words: [UInt64]
    private(set) var count = 0

    /// The empty set of up to `size` members.
    init(size: Int) { words = [UInt64](repeating: 0, count: (size + 63) / 64) }

    /// Whether the member at `position` is in it.
    func contains(_ position: Int) -> Bool {
        words[position / 64] & (1 << UInt64(position % 64)) != 0
    }

    /// Puts the member at `position` in it; false if it was there.
    @discardableResult
    mutating func insert(_ position: Int) -> Bool {
        guard !contains(position) else { return false }
        words[position / 64] |= 1 << UInt64(position % 64)
        count += 1
        invariant(count <= 64 * words.count, "\(count) members in \(words.count) words")
        return true
    }
}

/// The votes of one kind in one round, by value, with the distinct members who cast them.
///
/// A member that votes for several values counts once for each, and once among the votes for any.
/// Every figure that a rule asks for is kept up as votes come in.
///
/// Invariants: `choices[c].voters.count <= voters.count <= size`; `choices` and `places` have the
/// same values, each once; `hasChosen` is whether some `choices[c].voters.count >= threshold`;
/// `allowanceUsed[m] <= valuesPerVoterMax`.
struct VoteTally: Hashable, Sendable {
    /// The members who voted for one value.
    struct Choice: Hashable, Sendable {
        let value: Digest?
        var voters: MemberSet
    }

    /// The members who voted for whatever value.
    private(set) var voters: MemberSet
    /// Whether any value has `threshold` votes.
    private(set) var hasChosen = false

    private let threshold: Int
    /// How many members there are.
    let size: Int
    private var choices: [Choice] = []
    /// Where each value is in `choices`; it is looked up, and never iterated.
    private var places: [Digest?: Int] = [:]
    /// By member, the values other than nil that were taken from it within its allowance.
    private var allowanceUsed: [UInt8]

    /// No votes of `size` members.
    init(size: Int, threshold: Int) {
        invariant(
            threshold >= 1 && threshold <= size, "a quorum of \(threshold) of \(size) votes")
        voters = MemberSet(size: size)
        self.size = size
        self.threshold = threshold
        allowanceUsed = [UInt8](repeating: 0, count: size)
    }

    /// Whether the votes for whatever value come from `threshold` members (L34, L47).
    var isQuorum: Bool { voters.count >= threshold }

    /// How many members voted for `value`.
    func count(of value: Digest?) -> Int {
        places[value].map { choices[$0].voters.count } ?? 0
    }

    /// The members who voted for `value`.
    func voters(for value: Digest?) -> MemberSet {
        places[value].map { choices[$0].voters } ?? MemberSet(size: size)
    }

    /// A value, other than nil, that a quorum votes for: the first that anybody voted for.
    var chosenValue: Digest? {
        guard hasChosen else { return nil }
        return choices.first { $0.value != nil && $0.voters.count >= threshold }?.value
    }

    /// Whether `threshold` members voted for `value`.
    func isChosen(_ value: Digest?) -> Bool { hasChosen && count(of: value) >= threshold }

    /// Whether the member at `position` voted for `value`.
    func has(_ value: Digest?, from position: Int) -> Bool {
        places[value].map { choices[$0].voters.contains(position) } ?? false
    }

    /// Counts a vote, unless it was counted or the member has voted for too many other values.
    ///
    /// Beyond its allowance a member's vote is taken for a value that `isNamed`, and for one that
    /// has as many votes as a quorum has of honest members, 2T - N: so no member can, by voting for
    /// many values, keep a quorum that it was part of elsewhere from being seen here. Few values
    /// get there, since that takes so many allowances.
    mutating func insert(_ value: Digest?, from position: Int, isNamed: Bool) {
        guard takes(value, from: position, isNamed: isNamed) else { return }
        if value != nil, Int(allowanceUsed[position]) < ReplicationLimits.valuesPerVoterMax {
            allowanceUsed[position] += 1
        }
        voters.insert(position)
        let place = places[value] ?? choices.count
        if place == choices.count {
            places[value] = place
            choices.append(Choice(value: value, voters: MemberSet(size: size)))
        }
        choices[place].voters.insert(position)
        if choices[place].voters.count == threshold { hasChosen = true }
        check(choices[place], of: value, from: position)
    }

    /// Stops the process where a vote is not counted once, for its value, within its allowance.
    private func check(_ choice: Choice, of value: Digest?, from position: Int) {
        invariant(choice.value == value, "a vote is counted for another value")
        invariant(choice.voters.contains(position), "a vote is counted for another member")
        invariant(choices.count == places.count, "\(choices.count) values, \(places.count) found")
        invariant(choice.voters.count <= voters.count, "more votes for one value than votes")
        invariant(voters.count <= size, "\(voters.count) votes of \(size) members")
        invariant(
            hasChosen || choice.voters.count < threshold,
            "\(choice.voters.count) votes of \(threshold) choose nothing")
        invariant(allowance(of: position) >= 0, "a member has voted beyond its allowance")
    }

    /// Whether `insert` would count this vote.
    func takes(_ value: Digest?, from position: Int, isNamed: Bool) -> Bool {
        guard !has(value, from: position) else { return false }
        return value == nil || isNamed || allowance(of: position) > 0
            || count(of: value) >= max(1, 2 * threshold - size)
    }

    /// For how many more values, other than nil, any vote of a member is counted.
    func allowance(of position: Int) -> Int {
        ReplicationLimits.valuesPerVoterMax - Int(allowanceUsed[position])
    }
}
