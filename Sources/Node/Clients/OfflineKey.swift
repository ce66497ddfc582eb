// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Foundation

/// The sealed key of a validator by itself, where there is neither its home nor a ledger.
package struct OfflineKey: Sendable {
    private let folder: KeyFolder
    private let name: String

    /// Takes the file of a key, as homes have it: `keys/NAME.key`.
    ///
    /// Throws where no such key signs anything of a ledger, by its name, and where it is absent.
    package init(_ path: String) throws(NodeError) {
        let file = Files.absolute(path) as NSString
        let last = file.lastPathComponent
        let suffix = ".key"
        guard last.hasSuffix(suffix), last != suffix else {
            throw .cannot("\(path) is no key as homes have it: keys/NAME.key")
        }
        name = String(last.dropLast(suffix.count))
        folder = KeyFolder(path: file.deletingLastPathComponent)
        guard name != KeyFolder.transportName else {
            throw .cannot(
                "\(path) names a node to its peers, and signs nothing of a ledger; name the key of"
                    + " the validator, beside it")
        }
        guard folder.unlockFile != file as String else {
            throw .cannot("\(path) unlocks keys and is none; name the key that it unlocks")
        }
        guard Files.exists(file as String) else { throw .cannot("there is no key at \(path)") }
    }

    /// Whether the key is sealed by a passphrase.
    package func needsPassphrase() throws(NodeError) -> Bool {
        try folder.needsPassphrase(name)
    }

    /// Decrypts the key; without another file, by the one that unlocks keys beside it.
    package func open(_ protection: HomeProtection) throws(NodeError) -> SigningKey {
        try folder.open(name, protection)
    }
}
