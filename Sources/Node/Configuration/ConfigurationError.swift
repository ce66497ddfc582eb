// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a configuration cannot be used. Names are full, such as `consensus.threshold`.
package enum ConfigurationError: Error, Equatable, Sendable {
    /// The text is no TOML.
    case notTOML(String, line: Int, column: Int)
    /// The text is not well-formed UTF-8, or holds a NUL.
    case notText
    /// The file has more bytes than a configuration may have.
    case tooLong(max: Int)
    /// No such key or section exists.
    case unknownKey(String, suggestion: String)
    /// A key must be given and is not.
    case missing(String)
    /// A value is of another type than the key takes.
    case wrongType(String, expected: String, found: String)
    /// A value is not one that the key takes; `wanted` says what would be right.
    case wrongValue(String, value: String, wanted: String)
    /// The verifying key of a circuit cannot be read or used.
    case verifyingKey(circuit: String, path: String, problem: String)
    /// A decimal has more than six decimals, or cannot be told exactly.
    case notExact(String, value: String)
    /// Two quorums would not always share an honest validator.
    case unsafeThreshold(threshold: UInt64, validators: Int, smallestSafe: Int)
    /// The weights do not add up to 1; in millionths.
    case weights(stake: UInt32, reputation: UInt32)
    /// The bounds are the wrong way round, exclude the starting value, or exceed what can be.
    case reputationBounds(low: UInt64, high: UInt64)
    /// `total_validators` is not the number of `[[validators]]`.
    case validatorCount(stated: Int, listed: Int)
    /// Two of a kind have the same name.
    case duplicateName(String, name: String)
    /// No validator has any stake, or all together have too much.
    case stakeTotal
}

extension ConfigurationError: CustomStringConvertible {
    /// What is wrong and what would be right, for a person.
    package var description: String {
        switch self {
        case .notTOML(let problem, let line, let column):
            "line \(line), column \(column): \(problem)"
        case .notText: "the file is not text in UTF-8"
        case .tooLong(let max): "the file is longer than \(max) bytes"
        case .unknownKey(let name, let suggestion):
            "\(name) is not known\(suggestion); `recount config` lists what is"
        case .missing(let name): "\(name) is missing"
        case .wrongType(let name, let expected, let found):
            "\(name) must be \(expected), and is \(found)"
        case .wrongValue(let name, let value, let wanted):
            "\(name) = \(value) cannot be: \(wanted)"
        case .verifyingKey(let circuit, let path, let problem):
            "circuits.verifying_key of the circuit \(circuit), \(path), cannot be: \(problem)"
        case .notExact(let name, let value):
            "\(name) = \(value) has more than six decimals; round it to six"
        case .unsafeThreshold(let threshold, let validators, let smallest):
            "consensus.threshold = \(threshold) is not possible with \(validators) validators:"
                + " two quorums must always share an honest one (3T > 2N, T <= N); the smallest"
                + " safe threshold is \(smallest)"
        case .weights(let stake, let reputation):
            "leader_selection.stake_weight = \(Decimals.text(millionths: UInt64(stake))) and"
                + " leader_selection.reputation_weight ="
                + " \(Decimals.text(millionths: UInt64(reputation))) add up to"
                + " \(Decimals.text(millionths: UInt64(stake) + UInt64(reputation))); they must"
                + " add up to 1, as 0.7 and 0.3 do"
        case .reputationBounds(let low, let high):
            "consensus.reputation_bounds = [\(low), \(high)] cannot be: the first is at most 1000"
                + " points, where validators start, the second from 1000 to 100000"
        case .validatorCount(let stated, let listed):
            "consensus.total_validators = \(stated), but there are \(listed) [[validators]]; set"
                + " total_validators = \(listed)"
        case .duplicateName(let key, let name): "\(key) = \"\(name)\" stands twice; names differ"
        case .stakeTotal: "validators.stake: all together must be above 0 and below 2^64"
        }
    }
}
