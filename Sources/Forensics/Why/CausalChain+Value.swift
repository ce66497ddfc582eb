// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
package import Ledger

/// The rules by which a chain gives its value, counted from its links alone.
extension CausalChain {
    /// By the rules of the page Rules, "Reputation".
    package var reputation: Reputation? {
        var value: Reputation?
        for link in links {
            switch link.fact {
            case .origin(let start): value = start
            case .change(let points, let bounds):
                value = value.map { bounds.clamped(Int64($0.rawValue) + points * 1_000) }
            case .decay(let bounds): value = value.map { bounds.decayed($0) }
            default: return nil
            }
        }
        return value
    }

    /// By those of "Rounds".
    var outcome: String? {
        var amount: Amount?
        var round: (members: Int, threshold: Int)?
        var votes: [Vote] = []
        for link in links {
            switch link.fact {
            case .request(let asked): amount = asked
            case .opened(let members, let threshold): round = (members, threshold)
            case .vote(let vote): votes.append(vote)
            default: continue
            }
        }
        guard let amount, let (members, threshold) = round else { return nil }
        let approvals = votes.count { $0 == .approve }
        let rejections = votes.count { $0 == .reject }
        let abstentions = votes.count { $0 == .abstain }
        let counts =
            "\(approvals) approve, \(rejections) reject, \(abstentions) abstain, margin"
            + " \(approvals - threshold)"
        let decision =
            if has(.conflict) {
                "rejected (nullifierSpent)"
            } else if approvals >= threshold {
                "approved (quorumApproved)"
            } else if members - rejections - abstentions < threshold {
                "rejected (approvalOutOfReach)"
            } else if has(.deadline) {
                votes.count >= threshold
                    ? "rejected (deadlineWithQuorum)" : "timedOut (deadlineWithoutQuorum)"
            } else {
                "open"
            }
        return "\(decision) for \(amount.rawValue): \(counts)"
    }

    /// What became of a nullifier, by the outcome of the request that spent it.
    var condition: String? {
        guard let outcome else { return nil }
        guard has(.spent) else { return "unspent: \(outcome)" }
        switch (has(.failed), has(.released)) {
        case (true, true): return "released after it was spent: \(outcome)"
        case (true, false): return "spent, its payment failed: \(outcome)"
        case (false, true): return "released without a failed payment: \(outcome)"
        case (false, false): return "spent: \(outcome)"
        }
    }

    /// By those of "Leaders": the ranking by number.
    var ranking: String? {
        var seed: (Digest, Parameters)?
        var candidates: [Candidate] = []
        for link in links {
            switch link.fact {
            case .seed(let digest, let parameters): seed = (digest, parameters)
            case .candidate(let candidate): candidates.append(candidate)
            default: continue
            }
        }
        guard let (digest, parameters) = seed else { return nil }
        return parameters.ranking(candidates, seed: digest).map { "\($0.rawValue)" }
            .joined(separator: " ")
    }

    /// By those of "Jobs".
    var jobResult: String? {
        var module: Digest?
        var drawn: Int?
        var results: [(status: JobStatus, output: Digest)] = []
        for link in links {
            switch link.fact {
            case .job(let asked): module = asked
            case .drawn(let count): drawn = count
            case .result(let status, let output): results.append((status, output))
            default: continue
            }
        }
        guard let module else { return nil }
        guard let drawn else { return "module \(module.hex) not drawn" }
        let sizes = results.map { one in
            one.status.kind == .abstained
                ? 0 : results.count { $0.status == one.status && $0.output == one.output }
        }
        let largest = sizes.max() ?? 0
        let decision: String
        if let place = sizes.firstIndex(where: { $0 >= Limits.jobAgreement }) {
            let agreed = results[place]
            decision = "agreed on \(agreed.status.kind), output \(agreed.output.hex)"
        } else if largest + drawn - results.count < Limits.jobAgreement {
            decision = "disagreed"
        } else {
            decision = has(.deadline) ? "timed out" : "open"
        }
        return "module \(module.hex) \(decision): \(results.count) of \(drawn) reported"
    }

    /// The root of the log after a batch, and how many signed it.
    var order: String? {
        var frontier: MerkleFrontier?
        var signed = 0
        for link in links {
            switch link.fact {
            case .before(let edge): frontier = edge
            case .leaf(let hash): frontier?.append(leafHash: hash)
            case .precommit: signed += 1
            default: continue
            }
        }
        return frontier.map { "root \($0.root.hex) signed by \(signed)" }
    }

    private func has(_ fact: LinkFact) -> Bool {
        links.contains { link in
            switch (link.fact, fact) {
            case (.deadline, .deadline), (.conflict, .conflict), (.spent, .spent),
                (.failed, .failed), (.released, .released):
                true
            default: false
            }
        }
    }
}
