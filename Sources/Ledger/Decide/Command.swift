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

    func decide(
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
}
