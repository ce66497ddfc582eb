// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What protects the keys of a node at rest.
package enum HomeProtection: Sendable {
    /// A passphrase, from `RECOUNT_PASSPHRASE` or a prompt.
    case passphrase(SecretBytes)
    /// Thirty-two bytes in a file; nil for `keys/unlock.key` in the node's own folder.
    case keyFile(path: String?)
}
