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

    /// Makes what checks the signatures of the validators fast; takes milliseconds for each.
    package func prepare() {
        memory.checker.prepare(parties.withLock { $0.memberKeys })
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

    /// Checks bytes of peers, and of clients where the peer is nil; what is over a budget, cannot
    /// be read, is by nobody whom the ledger knows, or is not signed, is dropped.
    package func check(
        _ messages: [(bytes: [UInt8], peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [CheckedArrival] { judge(messages, at: uptime).compactMap(\.arrival) }

    /// The same for messages that were admitted and decoded.
    package func check(
        _ messages: [(ArrivedMessage, peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [CheckedArrival] { judge(messages, at: uptime).compactMap(\.arrival) }

    /// What becomes of bytes of peers, and of clients where the peer is nil; in their order.
    package func judge(
        _ messages: [(bytes: [UInt8], peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [IntakeVerdict] {
        var admitted: [(ArrivedMessage, peer: ValidatorIndex?)] = []
        let isAdmitted = messages.map { bytes, peer in
            guard admits(bytes, from: peer, at: uptime) else { return false }
            admitted.append((ArrivedMessage(bytes), peer))
            return true
        }
        let judged = judge(admitted, at: uptime)
        invariant(
            judged.count == admitted.count,
            "\(judged.count) verdicts on \(admitted.count) messages")
        var verdicts = judged.makeIterator()
        return isAdmitted.map { $0 ? verdicts.next() ?? .ignored : .ignored }
    }

    /// The same for messages that were admitted and decoded.
    private func judge(
        _ messages: [(ArrivedMessage, peer: ValidatorIndex?)], at uptime: UInt64
    ) -> [IntakeVerdict] {
        let parties = parties.withLock { $0 }
        var checks: [SignatureCheck] = []
        // The signatures of each message; nil where it is dropped.
        var places: [Range<Int>?] = []
        var found: [SignatureMemory.Found?] = []
        // Where each message that several peers passed on stands first.
        var firsts: [Digest: Int] = [:]
        for (place, (arrived, _)) in messages.enumerated() {
            guard let message = arrived.message, let own = parties.signatures(of: message) else {
                places.append(nil)
                found.append(nil)
                continue
            }
            let known = own.isEmpty ? nil : memory.found(arrived.digest)
            found.append(known)
            if known == nil, !own.isEmpty {
                let first = firsts[arrived.digest, default: place]
                firsts[arrived.digest] = first
                if first < place {
                    places.append(places[first])
                    continue
                }
            }
            let start = checks.count
            if known == nil { checks += own }
            places.append(start..<checks.count)
        }
        let verdicts = memory.checker.verdicts(checks)
        invariant(
            verdicts.count == checks.count,
            "\(verdicts.count) verdicts on \(checks.count) signatures")
        invariant(
            places.count == messages.count && found.count == messages.count,
            "\(places.count) and \(found.count) of \(messages.count) messages are looked at")
        let areSigned = places.map { $0.map { verdicts[$0].allSatisfy { $0 } } }
        let forms = forms(of: messages.map(\.0), areSigned, found, at: uptime)
        return messages.indices.map { place in
            let (arrived, peer) = messages[place]
            guard let message = arrived.message else { return .wrong }
            // It may be by somebody whom this node is to hear of yet.
            guard let signatures = places[place], let isSigned = areSigned[place] else {
                return .ignored
            }
            guard isSigned else { return .wrong }
            let form = forms[arrived.digest] ?? .none
            guard form != .refused else { return .ignored }
            let isProofWellFormed = found[place]?.isProofWellFormed ?? form.isProofWellFormed
            if !signatures.isEmpty {
                memory.note(arrived.digest, .init(isProofWellFormed: isProofWellFormed))
            }
            return .taken(
                CheckedArrival(
                    message: CheckedPeerMessage(
                        unchecked: message, isProofWellFormed: isProofWellFormed),
                    peer: peer, bytes: arrived.bytes.count))
        }
    }

    /// What is known of the form of a request that nobody has looked at.
    private enum Form: Equatable {
        /// There is no proof in it, or it was looked at before.
        case none
        /// Its submitter has had its share.
        case refused
        /// Whether its proof is well formed.
        case judged(Bool)

        var isProofWellFormed: Bool? {
            if case .judged(let isWellFormed) = self { isWellFormed } else { nil }
        }
    }

    /// The forms of the signed requests that nobody has looked at, judged together.
    private func forms(
        of messages: [ArrivedMessage], _ areSigned: [Bool?], _ found: [SignatureMemory.Found?],
        at uptime: UInt64
    ) -> [Digest: Form] {
        var forms: [Digest: Form] = [:]
        var asked: [(digest: Digest, proof: [UInt8])] = []
        for (place, arrived) in messages.enumerated() {
            guard case .command(.request(let request))? = arrived.message,
                areSigned[place] == true, found[place] == nil, forms[arrived.digest] == nil
            else { continue }
            let isAdmitted = submitters.withLock { $0.takes(from: request.submitter, at: uptime) }
            forms[arrived.digest] = .refused
            if isAdmitted { asked.append((arrived.digest, request.proof)) }
        }
        let verdicts = RequestMessage.areWellFormed(proofs: asked.map(\.proof))
        invariant(
            verdicts.count == asked.count, "\(verdicts.count) forms of \(asked.count) proofs")
        for (request, isWellFormed) in zip(asked, verdicts) {
            forms[request.digest] = .judged(isWellFormed)
        }
        return forms
    }
}
