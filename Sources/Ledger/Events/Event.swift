// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

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

    /// Which event it is.
    package var type: EventType {
        switch self {
        case .ledgerOpened: .ledgerOpened
        case .batchOpened: .batchOpened
        case .requestSubmitted: .requestSubmitted
        case .voteCast: .voteCast
        case .jobSubmitted: .jobSubmitted
        case .resultReported: .resultReported
        case .settlementReported: .settlementReported
        case .governanceApproved: .governanceApproved
        case .evidenceSubmitted: .evidenceSubmitted
        case .messageRefused: .messageRefused
        case .validatorAnnounced: .validatorAnnounced
        case .votesCast: .votesCast
        case .roundOpened: .roundOpened
        case .outcomeDecided: .outcomeDecided
        case .nullifierSpent: .nullifierSpent
        case .nullifierReleased: .nullifierReleased
        case .settlementOrdered: .settlementOrdered
        case .reputationChanged: .reputationChanged
        case .reputationDecayed: .reputationDecayed
        case .equivocationFound: .equivocationFound
        case .disagreementRecorded: .disagreementRecorded
        case .roundClosed: .roundClosed
        case .jobAssigned: .jobAssigned
        case .jobDecided: .jobDecided
        case .batchSealed: .batchSealed
        }
    }

    /// The first byte of the encoding.
    package var tag: UInt8 { type.rawValue }

    /// What people call the kind: the name of the case.
    package var kind: String { type.jsonName }

    /// Whether the rules derive the event, so that an audit can derive it again.
    package var isDerived: Bool { type.isDerived }

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
        let tag = try reader.integer(UInt8.self)
        guard let type = EventType(rawValue: tag) else {
            throw .unknownTag(type: "Event", tag: tag, offset: start)
        }
        switch type {
        case .ledgerOpened: self = .ledgerOpened(try LedgerOpened(from: &reader))
        case .batchOpened: self = .batchOpened(try BatchOpened(from: &reader))
        case .requestSubmitted: self = .requestSubmitted(try RequestSubmitted(from: &reader))
        case .voteCast: self = .voteCast(try VoteCast(from: &reader))
        case .jobSubmitted: self = .jobSubmitted(try JobSubmitted(from: &reader))
        case .resultReported: self = .resultReported(try ResultReported(from: &reader))
        case .settlementReported: self = .settlementReported(try SettlementReported(from: &reader))
        case .governanceApproved: self = .governanceApproved(try GovernanceApproved(from: &reader))
        case .evidenceSubmitted: self = .evidenceSubmitted(try EvidenceSubmitted(from: &reader))
        case .messageRefused: self = .messageRefused(try MessageRefused(from: &reader))
        case .validatorAnnounced: self = .validatorAnnounced(try ValidatorAnnounced(from: &reader))
        case .votesCast: self = .votesCast(try VotesCast(from: &reader))
        case .roundOpened: self = .roundOpened(try RoundOpened(from: &reader))
        case .outcomeDecided: self = .outcomeDecided(try OutcomeDecided(from: &reader))
        case .nullifierSpent: self = .nullifierSpent(try NullifierChanged(from: &reader))
        case .nullifierReleased: self = .nullifierReleased(try NullifierChanged(from: &reader))
        case .settlementOrdered: self = .settlementOrdered(try SettlementOrdered(from: &reader))
        case .reputationChanged: self = .reputationChanged(try ReputationChanged(from: &reader))
        case .reputationDecayed: self = .reputationDecayed(try ReputationDecayed(from: &reader))
        case .equivocationFound: self = .equivocationFound(try EquivocationFound(from: &reader))
        case .disagreementRecorded:
            self = .disagreementRecorded(try DisagreementRecorded(from: &reader))
        case .roundClosed: self = .roundClosed(try RoundClosed(from: &reader))
        case .jobAssigned: self = .jobAssigned(try JobAssigned(from: &reader))
        case .jobDecided: self = .jobDecided(try JobDecided(from: &reader))
        case .batchSealed: self = .batchSealed(try BatchSealed(from: &reader))
        }
        invariant(self.tag == tag, "tag \(tag) is read as \(self.tag)")
    }
}
