// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// Tells people what the ledger holds, batch by batch.
final class Telling: Duty {
    private let tells: @Sendable (Height) -> Bool
    /// The votes of open rounds, in the order of the log.
    private var votes: [EntryIndex: [VerificationVote]] = [:]

    init(_ host: ReplicaHost, tells: @escaping @Sendable (Height) -> Bool) {
        self.tells = tells
        let state = host.state
        for entry in state.openRounds {
            guard let round = state.openRound(at: entry) else { continue }
            votes[entry] = round.votes.compactMap { $0 }.sorted { $0.entry < $1.entry }
                .compactMap { vote in
                    state.voteMessage(of: vote.event).map {
                        VerificationVote($0, isListed: vote.isListed)
                    }
                }
        }
    }

    func start(_ node: NodeCore) throws(NodeError) {
        let state = node.state
        guard state.unfinishedCount + state.pendingSettlements.count > 0 else { return }
        guard tells(state.height) else { return }
        node.tell(
            .recovered(
                "\(state.openRounds.count) open rounds, \(state.openJobs.count) jobs and"
                    + " \(state.pendingSettlements.count) settlements are taken up again"))
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        let isTold = tells(batch.height)
        // Taken once: the node hands out a copy.
        let state = node.state
        var told: [NodeEvent] = []
        var refusals = 0
        for (entry, event) in batch.entries {
            keep(event, state)
            guard isTold else { continue }
            if case .messageRefused = event { refusals += 1 }
            told += text(event, at: entry, state)
        }
        for case .roundClosed(let event) in batch.events { votes[event.about] = nil }
        guard isTold else { return }
        node.tell(
            .batch(
                batch.height, size: batch.size, root: batch.root, told, refusalsRecorded: refusals))
    }

    private func keep(_ event: Event, _ state: LedgerState) {
        switch event {
        case .roundOpened(let event): votes[event.request] = []
        case .voteCast, .votesCast:
            for (cast, vote) in zip(event.casts, state.signedVotes(of: event)) {
                votes[cast.request, default: []].append(VerificationVote(vote))
            }
        default: break
        }
    }

    private func text(
        _ event: Event, at entry: EntryIndex, _ state: LedgerState
    ) -> [NodeEvent] {
        guard case .votesCast(let list) = event else {
            return one(event, at: entry, state).map { [$0] } ?? []
        }
        let party = state.party(list.validator)
        return state.signedVotes(of: event).map {
            .voted(VerificationVote($0), validator: party)
        }
    }

    private func one(
        _ event: Event, at entry: EntryIndex, _ state: LedgerState
    ) -> NodeEvent? {
        switch event {
        case .roundOpened(let event):
            return state.requestID(at: event.request).map {
                .accepted(line: nil, request: $0, entry: event.request)
            }
        case .voteCast(let event):
            return state.voteMessage(of: event).map {
                .voted(VerificationVote(SignedVote($0)), validator: state.party(event.validator))
            }
        case .outcomeDecided(let event):
            return state.requestID(at: event.request).map {
                .decided(
                    line: nil,
                    ConsensusResult(
                        request: $0, decision: event,
                        votes: votes[event.request] ?? []))
            }
        case .settlementReported(let event):
            return state.requestID(at: event.request).map {
                .settled(
                    request: $0, event.result,
                    reference: String(validating: event.reference, as: UTF8.self)
                        ?? event.reference.hex)
            }
        case .equivocationFound(let event): return text(event, state)
        case .governanceApproved(let event):
            return .changed(number: event.number, entry: entry)
        case .jobSubmitted, .jobAssigned, .resultReported, .jobDecided:
            return text(job: event, at: entry, state)
        default: return nil
        }
    }

    private func text(_ event: EquivocationFound, _ state: LedgerState) -> NodeEvent {
        var request: RequestID?
        if case .vote(let entry) = event.slot { request = state.requestID(at: entry) }
        return .equivocation(
            validator: state.party(event.validator), about: event.slot.kindName,
            request: request)
    }

    private func text(
        job event: Event, at entry: EntryIndex, _ state: LedgerState
    ) -> NodeEvent? {
        switch event {
        case .jobSubmitted:
            return state.jobID(at: entry).map { .jobSubmitted(job: $0, entry: entry) }
        case .jobAssigned(let event):
            return state.jobID(at: event.job).map {
                .jobAssigned(
                    job: $0, validators: event.validators.map(state.party),
                    deadline: event.deadline)
            }
        case .resultReported(let event):
            return state.jobID(at: event.job).map {
                .jobReported(
                    job: $0, validator: state.party(event.validator), event.status,
                    output: event.output, fuel: event.fuel)
            }
        case .jobDecided(let event):
            return state.jobID(at: event.job).map {
                .jobDecided(job: $0, event.decision, event.status, output: event.output)
            }
        default: return nil
        }
    }
}

extension NodeCore {
    /// How a request was decided, with the votes that the ledger holds; nil where it is not.
    func result(of entry: EntryIndex) -> ConsensusResult? {
        guard let id = state.requestID(at: entry), let decided = state.decided(at: entry) else {
            return nil
        }
        var votes: [SignedVote] = []
        do throws(LogError) {
            var place = entry.rawValue
            reading: while place < host.log.size {
                let event = Self.event(try host.log.entry(at: place))
                switch event {
                case .voteCast?, .votesCast?:
                    guard let event, event.casts.contains(where: { $0.request == entry })
                    else { break }
                    votes += state.signedVotes(of: event).filter { $0.vote.request == id }
                case .roundClosed(let close)? where close.about == entry: break reading
                default: break
                }
                place += 1
            }
        } catch {
            tell(.warning("\(name): the votes on \(id.hex) cannot be read: \(error)"))
        }
        return ConsensusResult(
            request: id, decision: decided.decision, votes: votes.map { VerificationVote($0) })
    }

    static func event(_ bytes: [UInt8]) -> Event? {
        do throws(Ledger.DecodingError) { return try Event(decoding: bytes) } catch { return nil }
    }
}

extension Slot {
    /// What people call the kind of the messages in it.
    var kindName: String {
        switch self {
        case .vote: "votes"
        case .proposal: "proposals"
        case .prevote: "prevotes"
        case .precommit: "precommits"
        case .result: "results"
        case .amnesia: "a precommit and a prevote"
        case .checkpoint: "checkpoints"
        case .settlement: "reports of a settlement"
        }
    }
}

extension LedgerState {
    fileprivate func party(_ index: ValidatorIndex) -> NodeEvent.Party {
        index == .bridge
            ? NodeEvent.Party(nil, "bridge") : NodeEvent.Party(index.rawValue, name(of: index))
    }
}
