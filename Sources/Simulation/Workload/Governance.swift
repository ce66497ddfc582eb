// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// What the operators of the validators agree on, one change after another.
struct Governance {
    /// Time between two changes that they think of.
    static let pauseMilliseconds: UInt64 = 8_000

    /// The number of the change that is under way; nil for none.
    var pending: UInt64?
    /// The change that the next turn looks at.
    var turn = 0
}

extension Simulator {
    /// The operators think of a change, unless one is under way.
    func govern() {
        guard healed == nil else { return }
        queue.add(.govern, at: now.adding(milliseconds: Governance.pauseMilliseconds))
        let state = chain.state
        if let pending = governance.pending, state.nextChange <= pending { return }
        governance.turn += 1
        guard let change = nextChange(state) else { return }
        let signers = workload.draw(Int(state.parameters.threshold), of: state.members)
        let keys = signers.compactMap { node(of: $0)?.key }
        governance.pending = state.nextChange
        timeline.add(
            now, events, .change, "the operators of \(keys.count) validators agree: \(change.text)")
        add(workload.makeChange(change, number: state.nextChange, by: keys, in: ledger))
    }

    private func nextChange(_ state: LedgerState) -> Change? {
        switch governance.turn % 4 {
        case 1: return .rootPublished(circuit: CircuitIndex(0), root: workload.makeRoot())
        case 2: return leave(state)
        case 3: return join(state)
        default:
            guard let member = workload.draw(1, of: state.members).first,
                let validator = state.validator(member)
            else { return nil }
            let stake = Stake(500 + UInt64(workload.below(1_000)))
            return .stakeChanged(key: validator.key, stake: stake)
        }
    }

    /// A validator leaves, if those who fail are still no more than may.
    private func leave(_ state: LedgerState) -> Change? {
        let left = state.members.count - 1
        let tolerated = left - Int(state.parameters.threshold)
        guard tolerated > 0 else { return nil }
        let failing = state.members.filter { !(node(of: $0)?.isReliable ?? true) }
        let leaver =
            failing.count > tolerated
            ? failing.first : workload.draw(1, of: state.members).first
        let remaining = failing.count - (leaver.map { failing.contains($0) } == true ? 1 : 0)
        guard let leaver, remaining <= tolerated, let validator = state.validator(leaver) else {
            return nil
        }
        return .validatorLeft(key: validator.key)
    }

    /// The machine that was no validator yet joins, or one that has left returns.
    private func join(_ state: LedgerState) -> Change? {
        let count = state.members.count + 1
        guard Parameters.isSafe(threshold: state.parameters.threshold, of: count) else {
            return nil
        }
        let outside = nodes.filter { node in
            !state.members.contains { state.validator($0)?.key == node.key.publicKey }
        }
        // A liar that left stays away: it would have to be among those that may fail.
        guard let node = outside.first(where: \.isReliable) else { return nil }
        if node.life == 0 { start(node) }
        return .validatorJoined(
            key: node.key.publicKey, name: "validator-\(node.number + 1)",
            stake: Stake(500 + UInt64(workload.below(1_000))))
    }
}

extension Change {
    /// What an account says of it.
    fileprivate var text: String {
        switch self {
        case .validatorJoined(_, let name, _): "\(name) joins"
        case .validatorLeft(let key): "validator \(key.hex.prefix(8)) leaves"
        case .stakeChanged(let key, let stake):
            "the stake of \(key.hex.prefix(8)) becomes \(stake.rawValue)"
        case .rootPublished: "a root is published"
        case .parametersChanged: "the parameters change"
        case .circuitRegistered: "a circuit is registered"
        case .submitterListed: "a submitter is listed"
        }
    }
}
