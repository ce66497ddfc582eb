// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Hosting
package import Ledger

/// What a client hears of a message that it handed in.
package enum ClientAnswer: Sendable {
    /// The ledger holds it already; what was decided of a request, where it is decided.
    case known(ConsensusResult?)
    /// It is on its way into the ledger.
    case taken
    /// The ledger holds it now.
    case recorded
    /// It will not come into the ledger as it is.
    case refused(Refusal)
    /// The node has too much under way; it may come again.
    case busy
}

/// The messages of this node's clients, from their arrival until the ledger holds them.
///
/// What the rules refuse for good is answered so, after a batch has recorded the refusal where one
/// is to be recorded. What waits for room waits here as well.
final class Clients: Duty {
    private struct Waiting {
        let message: Message
        let answer: @Sendable (ClientAnswer) -> Void
        /// Until when its refusal may be recorded; nil where none is expected.
        var refusedAt: UInt64?
        var refusal: Refusal?
        let since: UInt64
        /// When it was handed in last: what waits for others long enough is forgotten there.
        var handedInAt: UInt64
    }

    private static let lookMilliseconds: UInt64 = 500

    /// Told of the payloads of jobs that are not taken.
    private let drop: ([Digest]) -> Void
    /// By identity (`Spool.identity`).
    private var waiting: [Digest: Waiting] = [:]
    private var lookAt: UInt64 = .max

    /// - Parameter drop: Is given the payloads of jobs that are not taken.
    init(drop: @escaping ([Digest]) -> Void) { self.drop = drop }

    /// Whether clients wait.
    var isBusy: Bool { !waiting.isEmpty }

    /// Messages that are under way.
    var count: Int { waiting.count }

    var nextWake: UInt64 { waiting.isEmpty ? .max : lookAt }

    /// Modules and inputs of the jobs that wait.
    var payloads: [Digest] {
        waiting.values.flatMap { Self.payloads(of: $0.message) }
    }

    private static func payloads(of message: Message) -> [Digest] {
        if case .job(let job) = message { [job.module, job.input] } else { [] }
    }

    /// Hands a message in.
    func handIn(
        _ message: Message, _ node: NodeCore, answer: @escaping @Sendable (ClientAnswer) -> Void
    ) throws(NodeError) {
        guard !node.isStopped else { return answer(.busy) }
        let id = Spool.identity(of: message, in: node.ledger)
        if let known = known(message, node) { return answer(known) }
        guard waiting[id] == nil else { return answer(.taken) }
        guard waiting.count < NodeLimits.clientMessagesMax else {
            answer(.busy)
            return drop(Self.payloads(of: message))
        }
        let uptime = node.uptime
        var entry = Waiting(message: message, answer: answer, since: uptime, handedInAt: uptime)
        if let refusal = node.state.refusal(of: Checked(unchecked: message)) {
            switch Self.fate(of: refusal) {
            case .final:
                answer(.refused(refusal))
                return drop(Self.payloads(of: message))
            case .recorded:
                entry.refusal = refusal
                entry.refusedAt = uptime + NodeLimits.refusalMilliseconds
            case .passing: break
            }
        }
        waiting[id] = entry
        lookAt = min(lookAt, uptime + Self.lookMilliseconds)
        answer(.taken)
        try node.handIn(message)
    }

    private func known(_ message: Message, _ node: NodeCore) -> ClientAnswer? {
        switch message {
        case .request(let request):
            guard let entry = node.state.entry(of: request.id(in: node.ledger)) else { return nil }
            return .known(node.result(of: entry))
        case .job(let job):
            return node.state.entry(of: job.id(in: node.ledger)) == nil ? nil : .known(nil)
        default: return nil
        }
    }

    private enum Fate {
        case passing
        case recorded
        case final
    }

    /// What becomes of a message that is refused: it waits, the log shows it, or neither.
    private static func fate(of refusal: Refusal) -> Fate {
        switch refusal {
        case .quotaExceeded, .tooManyUnclosed, .batchFull: .passing
        case .unknownCircuit, .unknownRoot, .tooFewValidators, .unknownSubmitter, .wrongNumber,
            .signerNotMember, .nullifierSpent, .alreadyRecorded, .roundClosed:
            .final
        default: refusal.isAnswer ? .final : .recorded
        }
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        guard !waiting.isEmpty else { return }
        for event in batch.events {
            switch event {
            case .messageRefused(let event):
                let id = Spool.identity(of: event.message, in: node.ledger)
                refuse(id, event.refusal)
            case .roundOpened(let event):
                if let id = node.state.requestID(at: event.request) { recorded(id.digest) }
            case .governanceApproved:
                guard let message = node.state.message(of: event) else { continue }
                recorded(Spool.identity(of: message, in: node.ledger))
            case .nullifierSpent: refuseSpent(node)
            default: break
            }
        }
        for (entry, event) in batch.entries {
            guard case .jobSubmitted = event, let id = node.state.jobID(at: entry) else { continue }
            recorded(id.digest)
        }
    }

    private func recorded(_ id: Digest) {
        waiting.removeValue(forKey: id)?.answer(.recorded)
    }

    private func refuse(_ id: Digest, _ refusal: Refusal) {
        guard let entry = waiting.removeValue(forKey: id) else { return }
        entry.answer(.refused(refusal))
        drop(Self.payloads(of: entry.message))
    }

    /// Answers requests whose nullifier another has spent: no batch will say more of them.
    private func refuseSpent(_ node: NodeCore) {
        let spent = waiting.filter { _, entry in
            guard case .request(let request) = entry.message,
                node.state.entry(of: request.id(in: node.ledger)) == nil
            else { return false }
            return request.nullifiers.contains { node.state.condition(of: $0)?.isSpent == true }
        }
        for id in spent.keys.sorted() { refuse(id, .nullifierSpent) }
    }

    func attend(_ node: NodeCore) throws(NodeError) {
        let uptime = node.uptime
        lookAt = uptime + Self.lookMilliseconds
        for id in waiting.keys.sorted() {
            guard let entry = waiting[id] else { continue }
            if known(entry.message, node) != nil {
                recorded(id)
            } else if let at = entry.refusedAt, let refusal = entry.refusal, uptime >= at {
                refuse(id, refusal)
            } else if entry.refusedAt == nil, uptime >= entry.since + 4 * Self.lookMilliseconds {
                try lookAgain(id, entry, node, uptime)
            }
        }
    }

    /// Asks the rules once more about a message that has waited long, and hands it in again.
    private func lookAgain(
        _ id: Digest, _ entry: Waiting, _ node: NodeCore, _ uptime: UInt64
    ) throws(NodeError) {
        guard let refusal = node.state.refusal(of: Checked(unchecked: entry.message)) else {
            guard uptime >= entry.handedInAt + NodeLimits.handInAgainMilliseconds else { return }
            waiting[id]?.handedInAt = uptime
            return try node.handIn(entry.message)
        }
        switch Self.fate(of: refusal) {
        case .passing: break
        case .final: refuse(id, refusal)
        case .recorded:
            waiting[id]?.refusal = refusal
            waiting[id]?.refusedAt = uptime + NodeLimits.refusalMilliseconds
        }
    }
}
