// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import Ledger

/// Ledger times as people read them.
package enum TimeText {
    /// The time in UTC, as `2026-01-31T12:00:00.000Z`; the bare number beyond the year 9999.
    package static func of(_ time: Time) -> String {
        guard time.rawValue < 253_402_300_800_000 else { return "\(time.rawValue) ms" }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return Date(timeIntervalSince1970: Double(time.rawValue) / 1000).formatted(style)
    }
}
