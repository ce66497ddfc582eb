// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger

/// The folder of the bridge, a party of its own: `recount.toml`, `keys/bridge.key`,
/// `vault.sqlite` (see `Vault`).
package struct BridgeHome: Sendable {
    /// The path of the folder.
    package let path: String
    /// The identity of the ledger that it pays for.
    package let ledger: LedgerID
    /// The key that signs settlement reports.
    package let key: SigningKey
    /// The configuration in the folder.
    package let configuration: Configuration
    /// What is to be said aloud about the protection of the key; nil where nothing is.
    package let protectionNotice: String?

    /// What the vault may pay in all; nil for no limit.
    package var balance: UInt64? { configuration.vaultBalance }

    /// Whether there is a bridge's folder at `path`, as far as can be seen from outside.
    package static func isHome(_ path: String) -> Bool {
        let path = Files.absolute(path)
        return Files.exists(KeyFolder(home: path).file(PublicParty.bridgeName))
            && !NodeHome.isHome(path)
    }

    /// Opens the folder alone: the ledger is the one that the vault says it pays for.
    package static func open(
        at path: String, protection: HomeProtection
    ) throws(NodeError) -> BridgeHome {
        try open(
            at: path, ledger: try Vault.ledger(at: vaultFile(Files.absolute(path))),
            protection: protection)
    }

    /// Opens the key that names the bridge to its peers; nothing of the ledger is signed with it.
    package func openTransportKey(_ protection: HomeProtection) throws(NodeError) -> SigningKey {
        try KeyFolder(home: path).open(KeyFolder.transportName, protection)
    }

    /// The vault's database.
    package var vaultPath: String { Self.vaultFile(path) }

    static func vaultFile(_ path: String) -> String { "\(path)/vault.sqlite" }
    static func configurationFile(_ path: String) -> String { "\(path)/recount.toml" }

    /// Whether the key is sealed by a passphrase.
    package static func needsPassphrase(at path: String) throws(NodeError) -> Bool {
        try KeyFolder(home: Files.absolute(path)).needsPassphrase(PublicParty.bridgeName)
    }

    /// Opens the folder and decrypts the key. The vault itself is opened by `openVault`.
    ///
    /// Checks, in order: that the parts are there, the configuration, the modes of the key files,
    /// the key.
    /// - Parameter ledger: The ledger that it pays for.
    package static func open(
        at path: String, ledger: LedgerID, protection: HomeProtection
    ) throws(NodeError) -> BridgeHome {
        let path = Files.absolute(path)
        let keys = KeyFolder(home: path)
        guard Files.exists(configurationFile(path)) else {
            throw .cannot(
                "\(configurationFile(path)) is missing: what the bridge may pay, and for which"
                    + " ledger; restore a copy, or take a validator's without [node] and with"
                    + " the [bridge] that it had")
        }
        guard Files.exists(keys.path) else {
            throw .cannot(
                "\(keys.path) is missing: the key of the bridge, which the first entry of the"
                    + " ledger names for ever and nobody can make again; find a copy of the folder."
                    + " Without it nothing that the ledger orders is paid; its nodes go on, with"
                    + " the folder \(path) moved away")
        }
        let configuration = try Configuration.load(path: configurationFile(path))
        return BridgeHome(
            path: path, ledger: ledger, key: try keys.open(PublicParty.bridgeName, protection),
            configuration: configuration, protectionNotice: keys.notice(protection))
    }

    /// Opens the vault; throws where it is of another ledger or key, or lost.
    package func openVault() throws(NodeError) -> Vault {
        guard Files.exists(vaultPath) else {
            throw .cannot(
                "the vault \(vaultPath) is missing; restore the newest copy, or make it anew from a"
                    + " ledger with `recount bridge rebuild \(POSIXDisk().parent(of: path))`")
        }
        return try Vault.open(path: vaultPath, ledger: ledger, balance: balance, key: key)
    }
}
