// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// A file of the spool: a signed message, or what is wrong with the file.
package struct SpooledMessage: Sendable {
    /// The name of the file, without its folder.
    package let name: String
    /// The path of the file.
    package let path: String
    /// What is in it.
    package let content: Result<Message, SpoolProblem>
    /// The identity of the message; nil where the file is damaged.
    package let id: Digest?

    /// The message; nil where the file is damaged.
    package var message: Message? {
        if case .success(let message) = content { message } else { nil }
    }

    /// What is wrong with the file, for a person; nil where nothing is.
    package var problem: String? {
        if case .failure(let problem) = content { "\(path): \(problem)" } else { nil }
    }
}
