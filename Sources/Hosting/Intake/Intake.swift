// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Replication
internal import Synchronization

/// What stands between the wire and a host: budgets, decoding, and the signatures of many messages
/// at once.
///
/// It needs nothing of the host's state but who its parties are, so that it may run on any thread,
/// and on several.
package final class Intake: Sendable {
    private let parties: Mutex<Parties>
    private let budget = Mutex(PeerBudget())
    private let submitters = Mutex(SubmitterBudget())
    private let memory: SignatureMemory

    init(_ parties: Parties, memory: SignatureMemory) {
        self.parties = Mutex(parties)
        self.memory = memory
    }

    /// Takes in that validators have agreed on changes.
    func update(_ state: LedgerState) {
        guard parties.withLock({ $0.changes != state.nextChange || $0.ledger != state.ledger })
        else { return }
        let next = Parties(state)
        parties.withLock { $0 = next }
    }

    /// What a sender is to the ledger; nil where it has no business with a node.
    package func party(_ sender: PublicKey) -> Parties.Party? {
        parties.withLock { $0 }.party(sender)
    }

    /// Messages that were dropped before they were decoded.
    package var droppedCount: UInt64 { budget.withLock { $0.dropped } }

    /// Whether the budget of a sender takes a message, told from its first byte and its length.
    package func admits(
        _ bytes: [UInt8], from peer: ValidatorIndex?, at uptime: UInt64
    ) -> Bool {
        let kind = bytes.first.flatMap(PeerMessageKind.init(rawValue:))
        return budget.withLock { $0.takes(kind, bytes: bytes.count, from: peer, at: uptime) }
    }

    /// Takes in bytes of peers, and of clients where the peer is nil; what is over a budget, can
    /// not be read, is by nobody whom the ledger knows, or is not signed, is dropped.
    package func take(
        _ messages: [(bytes: [UInt8], peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [CheckedArrival] {
        check(
            messages.compactMap { bytes, peer in
                admits(bytes, from: peer, at: uptime) ? (ArrivedMessage(bytes), peer) : nil
            }, at: uptime)
    }

    /// The same for messages that were admitted and decoded.
    package func check(
        _ messages: [(ArrivedMessage, peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [CheckedArrival] {
        let parties = parties.withLock { $0 }
        var checks: [SignatureCheck] = []
        // Where the signatures of each message end; nil where it is dropped.
        var ends: [Int?] = []
        var found: [SignatureMemory.Found?] = []
        for (arrived, _) in messages {
            guard let message = arrived.message, let own = parties.signatures(of: message) else {
                ends.append(nil)
                found.append(nil)
                continue
            }
            let known = own.isEmpty ? nil : memory.found(arrived.digest)
            if known == nil { checks += own }
            ends.append(checks.count)
            found.append(known)
        }
        let verdicts = memory.checker.verdicts(checks)
        var result: [CheckedArrival] = []
        var start = 0
        for (place, end) in ends.enumerated() {
            guard let end else { continue }
            let holds = verdicts[start..<end].allSatisfy { $0 }
            let isSigned = end > start
            start = end
            let (arrived, peer) = messages[place]
            guard holds, let message = arrived.message else { continue }
            var isProofWellFormed = found[place]?.isProofWellFormed
            if found[place] == nil, case .command(.request(let request)) = message {
                guard
                    submitters.withLock({ $0.takes(from: request.submitter, at: uptime) })
                else { continue }
                isProofWellFormed = RequestMessage.isWellFormed(proof: request.proof)
            }
            if isSigned {
                memory.note(
                    arrived.digest, .init(isProofWellFormed: isProofWellFormed))
            }
            result.append(
                CheckedArrival(
                    message: CheckedPeerMessage(
                        unchecked: message, isProofWellFormed: isProofWellFormed),
                    peer: peer, bytes: arrived.bytes.count))
        }
        return result
    }
}
