// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import Ledger

/// Which entries of a log are wanted.
struct LogFilter {
    /// A request, by its entry and identity.
    struct RequestName {
        let entry: UInt64
        let id: String
    }

    /// A validator, by its number and key.
    struct ValidatorName {
        let number: UInt64
        let key: String
    }

    /// Kinds of events; none for all.
    var kinds: Set<String> = []
    /// Only what is about this request.
    var request: RequestName?
    /// Only what is about this validator, or said by it.
    var validator: ValidatorName?

    /// Whether every entry is wanted.
    var takesAll: Bool { kinds.isEmpty && request == nil && validator == nil }

    /// Whether an entry is wanted.
    func takes(_ entry: LoggedEntry) -> Bool {
        guard kinds.isEmpty || kinds.contains(entry.event.kind) else { return false }
        if let request, !Self.isAbout(entry, request) { return false }
        if let validator, !Self.isAbout(entry.event, validator) { return false }
        return true
    }

    private static func isAbout(_ entry: LoggedEntry, _ request: RequestName) -> Bool {
        if entry.index == request.entry { return true }
        if case .messageRefused(let refused) = entry.event {
            return refused.message.requests.contains { $0.hex == request.id }
        }
        return entry.event.requests.contains { $0.rawValue == request.entry }
    }

    private static func isAbout(_ event: Event, _ validator: ValidatorName) -> Bool {
        func isIt(_ index: ValidatorIndex) -> Bool { UInt64(index.rawValue) == validator.number }
        func isIt(_ key: PublicKey) -> Bool { key.hex == validator.key }
        return switch event {
        case .ledgerOpened(let event): event.validators.contains { isIt($0.key) }
        case .batchOpened(let event):
            isIt(event.proposer) || event.precommits.contains { isIt($0.validator) }
        case .voteCast(let event): isIt(event.validator)
        case .votesCast(let event): isIt(event.validator)
        case .resultReported(let event): isIt(event.validator)
        case .governanceApproved(let event):
            event.change.key.map(isIt) ?? false
                || event.signatures.contains { isIt($0.validator) }
        case .evidenceSubmitted(let event): isIt(event.validator)
        case .messageRefused(let event): event.message.sender.map(isIt) ?? false
        case .validatorAnnounced(let event): isIt(event.validator)
        case .roundOpened(let event): isIt(event.leader)
        case .settlementOrdered(let event): isIt(event.leader)
        case .reputationChanged(let event): isIt(event.validator)
        // The tick lowers every validator.
        case .reputationDecayed: true
        case .equivocationFound(let event): isIt(event.validator)
        case .disagreementRecorded(let event):
            event.sides.contains { $0.validators.contains(where: isIt) }
        case .jobAssigned(let event): event.validators.contains(where: isIt)
        default: false
        }
    }
}

extension Change {
    /// The validator that the change is about.
    fileprivate var key: PublicKey? {
        switch self {
        case .validatorJoined(let key, _, _), .validatorLeft(let key), .stakeChanged(let key, _):
            key
        case .parametersChanged, .circuitRegistered, .rootPublished, .submitterListed: nil
        }
    }
}
