// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// Files that tests compare with, made by a script under `Tools` or by a test on request.
enum Golden {
    private static let folder = Vectors.repository.appendingPathComponent(
        "Tests/LedgerTests/Golden")

    /// Whether golden files are to be written anew: `RECOUNT_REGENERATE=1`.
    static let isRegenerating =
        ProcessInfo.processInfo.environment["RECOUNT_REGENERATE"] == "1"

    static func read(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(name))
    }

    static func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
}
