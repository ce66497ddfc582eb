// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The kinds of entries, by the first byte of their encoding: below 64 inputs, from 64 on what the
/// rules derive from them. The one table of their numbers and names; none is ever renumbered.
package enum EventType: UInt8, NamedCase {
    case ledgerOpened = 0
    case batchOpened = 1
    case requestSubmitted = 2
    case voteCast = 3
    case jobSubmitted = 4
    case resultReported = 5
    case settlementReported = 6
    case governanceApproved = 7
    case evidenceSubmitted = 8
    case messageRefused = 9
    case validatorAnnounced = 10
    case votesCast = 11
    case roundOpened = 64
    case outcomeDecided = 65
    case nullifierSpent = 66
    case nullifierReleased = 67
    case settlementOrdered = 68
    case reputationChanged = 69
    case reputationDecayed = 70
    case equivocationFound = 71
    case disagreementRecorded = 72
    case roundClosed = 73
    case jobAssigned = 74
    case jobDecided = 75
    case batchSealed = 76

    package static let names = namesOfCases()

    /// Whether the rules derive the event, so that an audit can derive it again.
    package var isDerived: Bool { rawValue >= 64 }
}
