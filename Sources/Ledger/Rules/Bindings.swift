// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Circuit {
    /// Whether a request has as many inputs and nullifiers as the circuit, every one canonical and
    /// no nullifier twice, and its inputs are what its own fields bind them to.
    ///
    /// What the ledger asks of a request without its state: neither root nor spent nullifiers.
    package func admits(_ request: RequestMessage) -> Bool {
        request.publicInputs.count == inputs.count
            && request.nullifiers.count == nullifierCount
            && request.publicInputs.allSatisfy(isCanonical)
            && request.nullifiers.allSatisfy(isCanonical)
            && isSatisfied(by: request)
            && Set(request.nullifiers).count == request.nullifiers.count
    }
}
