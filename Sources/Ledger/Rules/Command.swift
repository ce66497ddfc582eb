// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What the ledger is asked to do next.
package enum Command: Sendable {
    /// Start a ledger; a seal follows.
    case openLedger(LedgerOpened)
    /// Open the next batch. `root` is that of the log so far, which the opening must name.
    case openBatch(Checked<BatchOpening>, root: Digest)
    /// Decide on a message.
    case message(Checked<Message>)
    /// Record that a message is refused.
    case recordRefusal(Checked<Message>)
    /// Decide and close what is due by batch time; before every seal.
    case closeDue
    /// Seal the batch. `size` and `root` are those of the log so far.
    case seal(size: UInt64, root: Digest)
}

/// Events as they are derived, and what they have changed so far.
struct Derivation {
    private(set) var events: [Event] = []
    private let first: UInt64
    private var reputations: [ValidatorIndex: Reputation] = [:]
    /// The votes that a list adds to rounds, with their places in them, by request.
    var listed: [EntryIndex: (place: Int, vote: RecordedVote)] = [:]
    /// Requests that were decided here.
    private(set) var decided: Set<EntryIndex> = []

    init(at size: UInt64) { first = size }

    /// The entry that the next event will be.
    var next: EntryIndex { EntryIndex(first + UInt64(events.count)) }

    mutating func emit(_ event: Event) {
        if case .outcomeDecided(let outcome) = event { decided.insert(outcome.request) }
        events.append(event)
    }

    func reputation(of validator: ValidatorIndex, in state: LedgerState) -> Reputation {
        reputations[validator] ?? state.validators[Int(validator.rawValue)].reputation
    }

    /// Changes a reputation by whole points, clamped, and says so.
    mutating func change(
        _ validator: ValidatorIndex, points: Int64, _ cause: ReputationCause, about: EntryIndex,
        in state: LedgerState
    ) {
        let before = reputation(of: validator, in: state)
        let after = state.parameters.clamped(Int64(before.rawValue) + points * 1000)
        reputations[validator] = after
        emit(
            .reputationChanged(
                ReputationChanged(
                    validator: validator, cause: cause, about: about, before: before, after: after)
            ))
    }

    /// Applies one day's decay to every member, and says so.
    mutating func decay(day: UInt64, in state: LedgerState) {
        for member in state.members {
            reputations[member] = state.parameters.decayed(
                reputation(of: member, in: state), by: state.scale)
        }
        emit(.reputationDecayed(ReputationDecayed(day: day)))
    }
}

extension LedgerState {
    /// Returns the events that a command gives, the input first and then what follows from it.
    ///
    /// Pure: the state stays as it is until the events are applied, in order. Each rule states the
    /// order in which it checks; of two faults the earlier is thrown.
    package func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .openLedger(let opened): return try openLedger(opened)
        case .openBatch(let opening, let root):
            return try openBatch(opening.content.event, root: root)
        case .message(let message):
            try checkRoom()
            return try decide(message.content, isProofWellFormed: message.isProofWellFormed)
        case .recordRefusal(let message):
            try checkRoom()
            return try recordRefusal(message.content)
        case .closeDue:
            guard case .open(let batch) = phase else { throw .noBatch }
            return closeDue(in: batch)
        case .seal(let size, let root): return [try seal(size: size, root: root)]
        }
    }

    private func checkRoom() throws(Refusal) {
        guard case .open(let batch) = phase else { throw .noBatch }
        guard !batch.isClosing else { throw .batchClosing }
        guard batch.commands < Limits.commandsPerBatchMax,
            batch.bytes + Limits.entryBytesMax <= Limits.commandBytesPerBatchMax,
            batch.closeBytes < Limits.closeBytesPerBatchMax
        else { throw .batchFull }
    }

    private func decide(
        _ message: Message, isProofWellFormed: Bool? = nil
    ) throws(Refusal) -> [Event] {
        switch message {
        case .request(let message):
            try decide(request: message, isProofWellFormed: isProofWellFormed)
        case .vote(let message): try decide(vote: message)
        case .job(let message): try decide(job: message)
        case .result(let message): try decide(result: message)
        case .settlement(let message): try decide(settlement: message)
        case .governance(let message): try decide(governance: message)
        case .evidence(let message): try decide(evidence: message)
        case .announcement(let message): try decide(announcement: message)
        case .votes(let message): try decide(votes: message)
        }
    }

    /// Returns why the rules would refuse a message in the state as it is; nil if they would not.
    ///
    /// Leaves aside whether a batch is open and has room: what a node asks before it works on a
    /// message that no batch holds yet.
    package func refusal(of message: Checked<Message>) -> Refusal? {
        do throws(Refusal) {
            _ = try decide(message.content, isProofWellFormed: message.isProofWellFormed)
            return nil
        } catch { return error }
    }

    /// Returns why the rules would not have the refusal of a message recorded in the state as it
    /// is; nil if they would. Leaves aside what `refusal(of:)` does.
    package func refusal(ofRecording message: Checked<Message>) -> Refusal? {
        do throws(Refusal) {
            _ = try recordRefusal(message.content)
            return nil
        } catch { return error }
    }

    /// Whether a key is or was a validator or a submitter, or is the bridge's.
    package func isParty(_ key: PublicKey) -> Bool {
        validatorIndices[key] != nil || submitterIndices[key] != nil || key == bridge
    }

    /// Whether what is written can be read again: no list or text over its bound.
    private static func isReadable(_ event: Event) -> Bool {
        do throws(DecodingError) {
            return try Event(decoding: event.encoded) == event
        } catch { return false }
    }

    /// Checks, in order: a sender that is or was a party of the ledger, its limit, that the rules
    /// refuse the message, and that an entry can hold it.
    private func recordRefusal(_ message: Message) throws(Refusal) -> [Event] {
        guard let sender = message.sender, isParty(sender) else { throw .noSender }
        if let counted = refusals.first(where: { $0.sender == sender }) {
            guard counted.count < parameters.refusalsPerMinute else { throw .refusalsExhausted }
        } else {
            guard refusals.count < Limits.refusedSendersMax else { throw .refusalsExhausted }
        }
        let refusal: Refusal
        do throws(Refusal) {
            _ = try decide(message)
            throw Refusal.notRefused
        } catch {
            refusal = error
        }
        guard !refusal.isAnswer, refusal != .notRefused else { throw .notRefused }
        let event = Event.messageRefused(MessageRefused(message: message, refusal: refusal))
        guard Self.isReadable(event) else { throw .oversized }
        return [event]
    }
}
