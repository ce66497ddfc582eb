// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension UInt64 {
    /// Reads a whole number in the one way in which it is written: digits alone, no sign, and no
    /// zero before another digit; nil for anything else.
    package init?(plain text: some StringProtocol) {
        guard let value = UInt64(text), "\(value)" == text else { return nil }
        self = value
    }
}
