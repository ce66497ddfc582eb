// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What was handed in for an entry of a log, with the keys behind its indices.
package enum Input: Sendable {
    /// Batch 0 begins.
    case ledger(LedgerOpened)
    /// A batch begins.
    case batch(BatchOpening)
    /// A message that the rules took, or one that they refused and that is recorded.
    case message(Message, isRefused: Bool)

    /// The command that gives the entry and what follows from it; takes the caller's word for the
    /// signatures.
    ///
    /// - Parameters:
    ///   - root: That of the log before the entry; asked for only where a batch begins.
    ///   - isProofWellFormed: See `Checked`.
    package func command(
        root: @autoclosure () -> Digest, isProofWellFormed: Bool? = nil
    ) -> Command {
        switch self {
        case .ledger(let opened): .openLedger(opened)
        case .batch(let opening): .openBatch(Checked(unchecked: opening), root: root())
        case .message(let message, isRefused: true): .recordRefusal(Checked(unchecked: message))
        case .message(let message, isRefused: false):
            .message(Checked(unchecked: message, isProofWellFormed: isProofWellFormed))
        }
    }
}

extension Input: Signed {
    /// Those of the opening or the message. Batch 0 has none that could hold: its hash is the name
    /// of the ledger.
    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        switch self {
        case .ledger: nil
        case .batch(let opening): opening.signatureChecks(in: ledger)
        case .message(let message, isRefused: _): message.signatureChecks(in: ledger)
        }
    }
}

/// An input names a party, request or job that the ledger does not hold.
package struct UnknownParty: Error {}

extension LedgerState {
    /// The input that the next entry of a log stands for; nil where the rules derive it.
    package func input(of event: Event) throws(UnknownParty) -> Input? {
        switch event {
        case _ where event.isDerived: return nil
        case .ledgerOpened(let opened): return .ledger(opened)
        case .batchOpened(let opened):
            guard let opening = opening(of: opened) else { throw UnknownParty() }
            return .batch(opening)
        case .messageRefused(let refused): return .message(refused.message, isRefused: true)
        default:
            guard let message = message(of: event) else { throw UnknownParty() }
            return .message(message, isRefused: false)
        }
    }
}
