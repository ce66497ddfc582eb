// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// This program once more, in a process that shares no memory with this one.
enum FreshProcess {
    /// How long it may take, in seconds: to read a whole log again.
    private static let secondsMax = 600.0

    /// Has it derive a case again, and waits until it has, or has failed: the case says which.
    static func derive(_ path: String) {
        guard let program = Bundle.main.executablePath else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["case", "derive", path]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        do { try process.run() } catch { return }
        let deadline = Date(timeIntervalSinceNow: secondsMax)
        while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
        if process.isRunning { process.terminate() }
    }
}
