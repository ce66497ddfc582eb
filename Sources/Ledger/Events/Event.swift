// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// One entry of the log. Tags are never renumbered; below 64 are inputs, from 64 on what the rules
/// derive from them.
///
/// Seldom and large ones are boxed: nearly every entry is a vote or a change of reputation, and an
/// event is moved some six times between disk and state.
package enum Event: Hashable, Sendable, BorshCodable {
    indirect case ledgerOpened(LedgerOpened)
    indirect case batchOpened(BatchOpened)
    indirect case requestSubmitted(RequestSubmitted)
    case voteCast(VoteCast)
    indirect case jobSubmitted(JobSubmitted)
    indirect case resultReported(ResultReported)
    case settlementReported(SettlementReported)
    indirect case governanceApproved(GovernanceApproved)
    indirect case evidenceSubmitted(EvidenceSubmitted)
    indirect case messageRefused(MessageRefused)
    indirect case validatorAnnounced(ValidatorAnnounced)
    indirect case votesCast(VotesCast)
    case roundOpened(RoundOpened)
    case outcomeDecided(OutcomeDecided)
    case nullifierSpent(NullifierChanged)
    case nullifierReleased(NullifierChanged)
    case settlementOrdered(SettlementOrdered)
    case reputationChanged(ReputationChanged)
    case reputationDecayed(ReputationDecayed)
    case equivocationFound(EquivocationFound)
    case disagreementRecorded(DisagreementRecorded)
    case roundClosed(RoundClosed)
    case jobAssigned(JobAssigned)
    case jobDecided(JobDecided)
    case batchSealed(BatchSealed)

    /// The first byte of the encoding.
    package var tag: UInt8 {
        switch self {
        case .ledgerOpened: 0
        case .batchOpened: 1
        case .requestSubmitted: 2
        case .voteCast: 3
        case .jobSubmitted: 4
        case .resultReported: 5
        case .settlementReported: 6
        case .governanceApproved: 7
        case .evidenceSubmitted: 8
        case .messageRefused: 9
        case .validatorAnnounced: 10
        case .votesCast: 11
        case .roundOpened: 64
        case .outcomeDecided: 65
        case .nullifierSpent: 66
        case .nullifierReleased: 67
        case .settlementOrdered: 68
        case .reputationChanged: 69
        case .reputationDecayed: 70
        case .equivocationFound: 71
        case .disagreementRecorded: 72
        case .roundClosed: 73
        case .jobAssigned: 74
        case .jobDecided: 75
        case .batchSealed: 76
        }
    }

    /// What people call the kind: the name of the case.
    package var kind: String { Self.kinds[tag] ?? "unknown" }

    /// The kinds by tag.
    package static let kinds: [UInt8: String] = [
        0: "ledgerOpened",
        1: "batchOpened",
        2: "requestSubmitted",
        3: "voteCast",
        4: "jobSubmitted",
        5: "resultReported",
        6: "settlementReported",
        7: "governanceApproved",
        8: "evidenceSubmitted",
        9: "messageRefused",
        10: "validatorAnnounced",
        11: "votesCast",
        64: "roundOpened",
        65: "outcomeDecided",
        66: "nullifierSpent",
        67: "nullifierReleased",
        68: "settlementOrdered",
        69: "reputationChanged",
        70: "reputationDecayed",
        71: "equivocationFound",
        72: "disagreementRecorded",
        73: "roundClosed",
        74: "jobAssigned",
        75: "jobDecided",
        76: "batchSealed",
    ]

    /// Whether the rules derive the event, so that an audit can derive it again.
    package var isDerived: Bool { tag >= 64 }

    package func encode(to writer: inout BorshWriter) {
        writer.write(tag)
        switch self {
        case .ledgerOpened(let event): writer.write(event)
        case .batchOpened(let event): writer.write(event)
        case .requestSubmitted(let event): writer.write(event)
        case .voteCast(let event): writer.write(event)
        case .jobSubmitted(let event): writer.write(event)
        case .resultReported(let event): writer.write(event)
        case .settlementReported(let event): writer.write(event)
        case .governanceApproved(let event): writer.write(event)
        case .evidenceSubmitted(let event): writer.write(event)
        case .messageRefused(let event): writer.write(event)
        case .validatorAnnounced(let event): writer.write(event)
        case .votesCast(let event): writer.write(event)
        case .roundOpened(let event): writer.write(event)
        case .outcomeDecided(let event): writer.write(event)
        case .nullifierSpent(let event): writer.write(event)
        case .nullifierReleased(let event): writer.write(event)
        case .settlementOrdered(let event): writer.write(event)
        case .reputationChanged(let event): writer.write(event)
        case .reputationDecayed(let event): writer.write(event)
        case .equivocationFound(let event): writer.write(event)
        case .disagreementRecorded(let event): writer.write(event)
        case .roundClosed(let event): writer.write(event)
        case .jobAssigned(let event): writer.write(event)
        case .jobDecided(let event): writer.write(event)
        case .batchSealed(let event): writer.write(event)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .ledgerOpened(try LedgerOpened(from: &reader))
        case 1: self = .batchOpened(try BatchOpened(from: &reader))
        case 2: self = .requestSubmitted(try RequestSubmitted(from: &reader))
        case 3: self = .voteCast(try VoteCast(from: &reader))
        case 4: self = .jobSubmitted(try JobSubmitted(from: &reader))
        case 5: self = .resultReported(try ResultReported(from: &reader))
        case 6: self = .settlementReported(try SettlementReported(from: &reader))
        case 7: self = .governanceApproved(try GovernanceApproved(from: &reader))
        case 8: self = .evidenceSubmitted(try EvidenceSubmitted(from: &reader))
        case 9: self = .messageRefused(try MessageRefused(from: &reader))
        case 10: self = .validatorAnnounced(try ValidatorAnnounced(from: &reader))
        case 11: self = .votesCast(try VotesCast(from: &reader))
        case 64: self = .roundOpened(try RoundOpened(from: &reader))
        case 65: self = .outcomeDecided(try OutcomeDecided(from: &reader))
        case 66: self = .nullifierSpent(try NullifierChanged(from: &reader))
        case 67: self = .nullifierReleased(try NullifierChanged(from: &reader))
        case 68: self = .settlementOrdered(try SettlementOrdered(from: &reader))
        case 69: self = .reputationChanged(try ReputationChanged(from: &reader))
        case 70: self = .reputationDecayed(try ReputationDecayed(from: &reader))
        case 71: self = .equivocationFound(try EquivocationFound(from: &reader))
        case 72: self = .disagreementRecorded(try DisagreementRecorded(from: &reader))
        case 73: self = .roundClosed(try RoundClosed(from: &reader))
        case 74: self = .jobAssigned(try JobAssigned(from: &reader))
        case 75: self = .jobDecided(try JobDecided(from: &reader))
        case 76: self = .batchSealed(try BatchSealed(from: &reader))
        case let tag: throw .unknownTag(type: "Event", tag: tag, offset: start)
        }
    }
}
