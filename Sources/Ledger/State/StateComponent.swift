// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The parts of the state, in the order in which the state root names them.
package enum StateComponent: UInt8, CaseIterable, Sendable {
    case parameters, validators, submitters, circuits, roots, rounds, outcomes, nullifiers
    case leaders, jobs, evidence, outbox, time

    /// The label that stands before the component's root, and what people call it.
    package var label: String {
        switch self {
        case .parameters: "parameters"
        case .validators: "validators"
        case .submitters: "submitters"
        case .circuits: "circuits"
        case .roots: "roots"
        case .rounds: "rounds"
        case .outcomes: "outcomes"
        case .nullifiers: "nullifiers"
        case .leaders: "leaders"
        case .jobs: "jobs"
        case .evidence: "evidence"
        case .outbox: "outbox"
        case .time: "time"
        }
    }
}

/// How component roots make the state root.
package enum StateRoot {
    /// SHA-256 of Borsh of `recount/state/v1`, then label and root of each component in order.
    package static func combined(_ components: [Digest]) -> Digest {
        var writer = BorshWriter(domain: "recount/state/v1")
        for (component, root) in zip(StateComponent.allCases, components) {
            writer.write(component.label)
            writer.write(root)
        }
        return Digest(hashing: writer.bytes)
    }
}
