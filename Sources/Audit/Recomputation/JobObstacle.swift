// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a job cannot be run again.
package enum JobObstacle: String, Codable, CaseIterable, Sendable {
    /// The module or the input is not in the blob store.
    case payloadMissing
    /// The module or the input is not what its name says.
    case payloadDamaged
    /// The module or the input cannot be read.
    case payloadUnreadable
    /// The job pins another engine, or another version.
    case otherEngine
    /// There is no engine.
    case noEngine
    /// The clock stopped it.
    case timeGuard
    /// The native stack came to its end.
    case stackEnd
    /// The module could not be compiled within the limits of time and memory.
    case compilationGuard
    /// The job may have more memory than the rules admit.
    case beyondCapacity
    /// Something else failed on this machine.
    case localError

    /// What stands behind an abstention; its code may be one that has no name.
    init(_ status: JobStatus) {
        self =
            switch JobAbstention(rawValue: status.code) {
            case .noEngine: .noEngine
            case .otherEngine: .otherEngine
            case .timeGuard: .timeGuard
            case .stackEnd: .stackEnd
            case .compilationGuard: .compilationGuard
            case .beyondCapacity: .beyondCapacity
            case .payloadMissing: .payloadMissing
            case .localError, nil: .localError
            }
    }

    /// What to do, as one sentence without its end.
    package var advice: String {
        switch self {
        case .payloadMissing: "copy the blob from another validator's ledger, and audit again"
        case .payloadDamaged:
            "remove the damaged blob, copy it from another validator's ledger, and audit again"
        case .payloadUnreadable: "see to it that the blob can be read, and audit again"
        case .otherEngine: "audit with the version of Recount that has the pinned engine"
        case .noEngine: "install the engine with Tools/setup, and audit again"
        case .timeGuard, .compilationGuard:
            "audit again on a machine that is faster or has less to do"
        case .stackEnd: "nobody can judge it: the module goes deeper than any native stack"
        case .beyondCapacity: "nobody can judge it: the rules admit no such job"
        case .localError: "audit again; where it stays, report it as a fault of Recount"
        }
    }
}

/// Why a module or an input is not at hand.
struct PayloadProblem: Error {
    let obstacle: JobObstacle
    let reason: String

    init(_ error: LogError, _ part: String, _ hash: Digest) {
        switch error {
        case .blobMissing:
            obstacle = .payloadMissing
            reason = "the \(part) \(hash.hex) is not in the blob store"
        case .damaged:
            obstacle = .payloadDamaged
            reason = "the blob of the \(part) \(hash.hex) is damaged"
        default:
            obstacle = .payloadUnreadable
            reason = "the \(part) \(hash.hex) cannot be read: \(error)"
        }
    }
}
