// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// Two signed messages of one key are evidence as the ledger takes it, and convict in a file too.
///
/// Nobody honest signs both, whether or not it was a member then: what a member may say only once,
/// nobody else says at all.
extension EvidenceMessage: Convicting {
    /// Checks, in order: that both are signed, that they contradict each other.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        guard validator.isValid, isSigned(in: ledger) else {
            throw .notSigned(field: "one of both messages")
        }
        guard slot.ruled.isContradicted(by: first, second) else {
            throw .innocent("the two messages do not contradict each other")
        }
        return [validator]
    }

    func sentence(_ names: [String]) -> String { "\(names.listed) signed \(slot.twice)." }
}

extension EvidenceSlot {
    /// A slot of the same kind, for the rule of what contradicts what.
    var ruled: Slot {
        switch self {
        case .vote: .vote(EntryIndex(0))
        case .result: .result(EntryIndex(0))
        case .settlement: .settlement(EntryIndex(0))
        case .consensus(let slot): slot
        }
    }

    /// What two contradicting messages of this slot are.
    var twice: String {
        switch self {
        case .vote(let request): "an approval and a rejection of request \(request.hex)"
        case .result(let job): "two results of job \(job.hex)"
        case .settlement(let request):
            "that request \(request.hex) is settled, and that it has failed"
        case .consensus(let slot): slot.twice
        }
    }

    /// The height that it is about, where it is about one.
    var height: Height? {
        guard case .consensus(let slot) = self else { return nil }
        switch slot {
        case .proposal(let height, _), .prevote(let height, _), .precommit(let height, _),
            .amnesia(let height, _, _):
            return height
        default: return nil
        }
    }
}

extension Slot {
    fileprivate var twice: String {
        switch self {
        case .proposal(let height, let round):
            "two proposals of height \(height.rawValue), round \(round)"
        case .prevote(let height, let round):
            "two prevotes of height \(height.rawValue), round \(round)"
        case .precommit(let height, let round):
            "two precommits of height \(height.rawValue), round \(round)"
        case .amnesia(let height, let precommit, let prevote):
            "a precommit of one value of height \(height.rawValue) in round \(precommit), and a"
                + " prevote of another in round \(prevote) on a ground before that"
        case .checkpoint(let size): "two checkpoints of \(size) entries with two roots"
        case .vote, .result, .settlement: "two messages about one entry"
        }
    }
}
