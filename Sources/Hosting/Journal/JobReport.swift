// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a validator has said of a job, and will say again.
package struct JobReport: Equatable, Sendable {
    /// How the job ended.
    package let status: JobStatus
    /// SHA-256 of the output; zero where there is none.
    package let output: Digest
    /// Fuel used.
    package let fuel: UInt64

    /// Without an output where the status has none.
    package init(_ status: JobStatus, output: Digest = .zero, fuel: UInt64 = 0) {
        self.status = status
        self.output = output
        self.fuel = fuel
    }

    /// Takes what a message says.
    package init(_ message: ResultMessage) {
        self.init(message.status, output: message.output, fuel: message.fuel)
    }
}
