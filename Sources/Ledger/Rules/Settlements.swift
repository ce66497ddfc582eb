// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: bridge, request, order, an earlier report, the length of the reference.
    func decide(settlement message: SettlementMessage) throws(Refusal) -> [Event] {
        guard message.bridge == bridge else { throw .notTheBridge }
        guard let entry = requestEntries[message.request] else { throw .unknownRequest }
        guard let decided = decided(at: entry), decided.settlement != nil else { throw .notOrdered }
        if let report = decided.report {
            throw report.result == message.result ? .alreadyRecorded : .settlementChanged
        }
        guard message.reference.count <= Limits.referenceBytesMax else { throw .oversized }
        var derivation = Derivation(at: size)
        derivation.emit(
            .settlementReported(
                SettlementReported(
                    request: entry, reference: message.reference, result: message.result,
                    signature: message.signature)))
        if message.result == .failed {
            for nullifier in decided.nullifiers {
                derivation.emit(
                    .nullifierReleased(NullifierChanged(request: entry, nullifier: nullifier)))
            }
        }
        return derivation.events
    }
}
