// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a message between nodes is, told from its first bytes.
package enum MessageKind: Int, CaseIterable, Sendable {
    case proposal, prevote, precommit, request, vote, job, result, settlement, governance
    case evidence, announcement, votes, status, want, batch, other

    /// Looks at the tags of `PeerMessage` and of what it holds; no more is read.
    init(_ bytes: [UInt8]) {
        let inner = bytes.count > 1 ? bytes[1] : 0xFF
        switch bytes.first {
        case 0: self = .proposal
        case 1: self = inner == 0 ? .prevote : .precommit
        case 2:
            let commands: [MessageKind] = [
                .request, .vote, .job, .result, .settlement, .governance, .evidence,
                .announcement, .votes,
            ]
            self = Int(inner) < commands.count ? commands[Int(inner)] : .other
        case 3: self = .status
        case 4: self = .want
        case 5: self = .batch
        default: self = .other
        }
    }

    /// What an account calls it.
    package var name: String { "\(self)" }
}

/// Messages and bytes on the wire, by kind. What is lost on the way counts, copies do not.
package struct Traffic: Sendable {
    /// Messages, by `MessageKind.rawValue`.
    package private(set) var messages = [UInt64](repeating: 0, count: MessageKind.allCases.count)
    /// Bytes, by `MessageKind.rawValue`.
    package private(set) var bytes = [UInt64](repeating: 0, count: MessageKind.allCases.count)
    /// Messages that the network lost, or found nobody to give to.
    package internal(set) var lost: UInt64 = 0

    mutating func count(_ kind: MessageKind, size: Int) {
        messages[kind.rawValue] += 1
        bytes[kind.rawValue] += UInt64(size)
    }

    /// Messages in all.
    package var messageCount: UInt64 { messages.reduce(0, +) }
    /// Bytes in all.
    package var byteCount: UInt64 { bytes.reduce(0, +) }
}
