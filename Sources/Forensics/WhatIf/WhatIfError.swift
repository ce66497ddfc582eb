// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit

/// Why it cannot be said what would have been.
package enum WhatIfError: Error {
    /// The entries cannot be read.
    case reading(ReadingError)
    /// The log holds no sealed batch.
    case empty
    /// Run by its own rules, the ledger is not the one that is stored.
    case control(entry: UInt64, _ derived: String, _ stored: String)
    /// The ledger never had a validator of this name.
    case unknownValidator(String, known: [String])
    /// So many approvals can never be there, or none is needed.
    case threshold(UInt32, validators: Int)
}

extension WhatIfError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .reading(let error): "\(error)"
        case .empty: "the ledger holds no sealed batch, so nothing was decided"
        case .control(let entry, let derived, let stored):
            "run by its own rules, the ledger is not the one that is stored, so nothing can be said"
                + " of other rules: entry \(entry) should be \(derived) and is \(stored); run"
                + " recount audit"
        case .unknownValidator(let name, let known):
            "without \(name): no validator was ever called so; the first were"
                + " \(Words.list(known))"
        case .threshold(let threshold, let validators):
            "threshold \(threshold): with \(validators) validators it is from 1 to \(validators)"
        }
    }
}
