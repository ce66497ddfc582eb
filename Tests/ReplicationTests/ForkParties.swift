// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Whose fork it is, of a ledger that is only a name.
enum ForkParties {
    static let ledger = LedgerID(Digest(hashing: [1]))
    static let height = Height(5)
    static let signers: [SigningKey] = (0..<ForkHistory.count).map { number in
        SigningKey(seed: Bytes32([UInt8](repeating: UInt8(number + 1), count: 32)) ?? .zero)
    }
}
