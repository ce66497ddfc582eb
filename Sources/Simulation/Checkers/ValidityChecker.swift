// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// Whether what is approved may be: counted here, apart from the rules of the ledger.
struct ValidityChecker {
    private struct Request {
        var id: RequestID
        var votes: [ValidatorIndex: Vote] = [:]
        var threshold = Int.max
        var nullifiers: [Bytes32]
    }

    private var requests: [EntryIndex: Request] = [:]
    private var spent: Set<Bytes32> = []
    private var paid: Set<Bytes32> = []

    /// Looks at a batch that starts at an entry; `state` is that after it.
    mutating func look(
        at events: [Event], from first: UInt64, after state: LedgerState, verdicts: Verdicts
    ) -> [Violation] {
        var found: [String] = []
        for (place, event) in events.enumerated() {
            let entry = EntryIndex(first + UInt64(place))
            switch event {
            case .requestSubmitted(let request):
                guard let id = state.requestID(at: entry) else { continue }
                requests[entry] = Request(id: id, nullifiers: request.nullifiers)
            case .roundOpened(let opened):
                requests[opened.request]?.threshold = Int(opened.threshold)
            case .voteCast, .votesCast:
                for cast in event.casts {
                    requests[cast.request]?.votes[cast.validator] = cast.vote
                }
            case .outcomeDecided(let decided):
                if let facts = check(decided, verdicts) { found.append(facts) }
            case .nullifierSpent(let change):
                if !spent.insert(change.nullifier).inserted {
                    found.append("nullifier \(change.nullifier.hex) is spent twice")
                }
            case .nullifierReleased(let change):
                spent.remove(change.nullifier)
            case .settlementReported(let report) where report.result == .settled:
                for nullifier in requests[report.request]?.nullifiers ?? []
                where !paid.insert(nullifier).inserted {
                    found.append("nullifier \(nullifier.hex) is paid twice")
                }
            default: break
            }
        }
        return found.map { Violation(.validity, height: state.height.rawValue, $0) }
    }

    private func check(_ decided: OutcomeDecided, _ verdicts: Verdicts) -> String? {
        guard decided.outcome == .approved else { return nil }
        guard let request = requests[decided.request] else {
            return "entry \(decided.request.rawValue) is approved and was never submitted"
        }
        let approvals = request.votes.count { $0.value == .approve }
        if approvals < request.threshold {
            return "request \(request.id.hex) is approved by \(approvals) of \(request.threshold)"
        }
        if verdicts.holds(request.id) == false {
            return "request \(request.id.hex) is approved and its proof is false"
        }
        return nil
    }
}
