// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The folder of a submitter: `keys/NAME.key`.
package struct SubmitterHome: Sendable {
    /// The folder; its name is that of the submitter.
    package let path: String
    /// The name of the submitter.
    package let name: String
    /// The key that signs its requests and jobs.
    package let key: SigningKey

    /// The key with its name.
    package var named: NamedKey { NamedKey(name: name, key: key) }

    /// Whether the key is sealed by a passphrase.
    package static func needsPassphrase(at path: String) throws(NodeError) -> Bool {
        let path = Files.absolute(path)
        return try KeyFolder(home: path).needsPassphrase(name(of: path))
    }

    /// Opens the folder and decrypts the key.
    package static func open(
        at path: String, protection: HomeProtection
    ) throws(NodeError) -> SubmitterHome {
        let path = Files.absolute(path)
        let keys = KeyFolder(home: path)
        let name = name(of: path)
        guard Files.exists(keys.file(name)) else {
            throw .notAHome(path: path, missing: keys.file(name))
        }
        return SubmitterHome(path: path, name: name, key: try keys.open(name, protection))
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? path
    }
}
