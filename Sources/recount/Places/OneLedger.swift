// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The argument of commands about one ledger on the disk as a whole, and how they answer.
struct OneLedger: ParsableArguments {
    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Flag(help: "Print one JSON object.")
    var json = false
}
