// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Byzantine {
    /// Every way of lying, in an order that seeds rest on: new ones go to the end.
    package static let catalogue: [any Strategy.Type] = []
}
