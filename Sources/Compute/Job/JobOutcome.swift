// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What became of a job on one validator.
package struct JobOutcome: Sendable, Equatable {
    /// How it ended.
    package let status: JobStatus
    /// The output; empty unless it succeeded.
    package let output: [UInt8]
    /// Fuel used.
    package let fuel: UInt64
    /// What the module has logged. No part of the result.
    package let log: JobLog
    /// What a person should know of a failure. No part of the result.
    package let detail: String?

    /// Without output, fuel and log where nothing was run.
    package init(
        _ status: JobStatus, output: [UInt8] = [], fuel: UInt64 = 0, log: JobLog = JobLog(),
        detail: String? = nil
    ) {
        self.status = status
        self.output = output
        self.fuel = fuel
        self.log = log
        self.detail = detail
    }

    /// SHA-256 of the output; zero unless the job succeeded.
    package var outputHash: Digest {
        status.kind == .success ? Digest(hashing: output) : .zero
    }
}

/// What a module has logged, within bounds.
package struct JobLog: Sendable, Equatable {
    /// The first lines, in order.
    package private(set) var lines: [String] = []
    /// Lines beyond `EngineLimits.logLinesMax`.
    package private(set) var dropped: UInt64 = 0

    /// Starts empty.
    package init() {}

    /// Adds a line, in which characters that a terminal would obey are made visible.
    mutating func add(_ line: String) {
        guard lines.count < EngineLimits.logLinesMax else {
            dropped += 1
            return
        }
        lines.append(line.visible)
    }
}
