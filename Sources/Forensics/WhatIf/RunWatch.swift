// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Sees the events of a run, and keeps what a comparison asks for.
struct RunWatch {
    /// The input of the log that is being decided on.
    var input: UInt64 = 0
    /// The requests closed since they were last taken away.
    var closed: [(id: RequestID, decision: RunDecision)] = []
    /// The requests decided since they were last taken away.
    var decided: [(id: RequestID, outcome: Outcome)] = []
    /// The requests whose payment was ordered since they were last taken away.
    var ordered: [RequestID] = []
    /// Requests in whose settlement a validator was first in rank, by its number.
    private(set) var led: [UInt64] = []
    /// After which input each open round could end no other way.
    private var inevitable: [EntryIndex: UInt64] = [:]

    /// Sees an event, with the state before it.
    mutating func see(_ event: Event, _ state: LedgerState) {
        switch event {
        case .roundOpened(let opened): countLeader(opened.leader)
        case .outcomeDecided(let event):
            inevitable[event.request] = input
            if let id = state.requestID(at: event.request) { decided.append((id, event.outcome)) }
        case .settlementOrdered(let order):
            if let id = state.requestID(at: order.request) { ordered.append(id) }
        case .roundClosed(let event):
            // A job's close is none of a round.
            guard let round = state.openRound(at: event.about) else { return }
            closed.append((round.id, decision(on: round, in: state)))
            inevitable[event.about] = nil
        default: return
        }
    }

    /// What the open round shows so far.
    func decision(on round: Round, in state: LedgerState) -> RunDecision {
        RunDecision(
            round, leader: state.name(of: round.opened.leader),
            inevitable: inevitable[round.entry])
    }

    private mutating func countLeader(_ leader: ValidatorIndex) {
        let place = Int(leader.rawValue)
        while led.count <= place { led.append(0) }
        led[place] += 1
    }
}
