// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// What clients must know of the parties of a ledger to read and make what stands in it.
extension Routes {
    /// `GET /names` and `GET /circuits`.
    static func addParties(to router: inout Router, _ desk: NodeDesk) {
        router.get("names") { request in
            _ = try Query(request, known: [])
            return try .json(NamesAnswer(try await desk.state { LedgerNames($0) }))
        }
        router.get("circuits") { request in
            _ = try Query(request, known: [])
            let circuits = try await desk.state { state in state.circuits.map(\.circuit) }
            return try .json(CircuitsAnswer(circuits: circuits.map(CircuitAnswer.init)))
        }
    }
}
