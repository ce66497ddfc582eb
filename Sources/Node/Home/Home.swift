// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
internal import Foundation
internal import Groth16
package import Ledger

/// The folder of a node.
///
/// `recount.toml` (the configuration as used), `keys/NAME.key` (sealed keys, mode 0600, of the
/// validators, the submitters and `bridge`), `circuits/` (verifying keys), `ledger/` (the log),
/// `journals/NAME/` (the log of a validator's votes and results), `vault.sqlite` (the bridge's
/// payments), `jobs/` (submitted jobs, see `JobSpool`).
package struct Home: Sendable {
    /// The folder.
    package let path: String
    /// The configuration that the ledger was made from.
    package let configuration: Configuration
    /// The identity of the ledger.
    package let ledger: LedgerID
    /// The validators' keys, by index.
    package let validators: [NamedKey]
    /// The submitters' keys, by index.
    package let submitters: [NamedKey]
    /// The key that signs settlement reports.
    package let bridge: SigningKey
    /// What is to be said aloud about the protection of the keys; nil where nothing is.
    package let protectionNotice: String?

    /// The directory of the ledger's log.
    package var ledgerDirectory: String { Self.ledgerFolder(path) }
    /// The configuration file.
    package var configurationPath: String { Self.configurationFile(path) }
    /// The vault's database.
    package var vaultPath: String { Self.vaultFile(path) }
    /// The directory of the log of a validator's votes.
    package func journalDirectory(of validator: String) -> String {
        "\(path)/journals/\(validator)"
    }

    static func ledgerFolder(_ path: String) -> String { "\(path)/ledger" }
    static func configurationFile(_ path: String) -> String { "\(path)/recount.toml" }
    static func vaultFile(_ path: String) -> String { "\(path)/vault.sqlite" }
    static func keyFile(_ path: String, _ name: String) -> String { "\(path)/keys/\(name).key" }
    static func unlockFile(_ path: String) -> String { "\(path)/keys/unlock.key" }

    /// The directory of the ledger where `path` is a node's folder, else `path` itself.
    package static func ledgerDirectory(of path: String) -> String {
        Files.exists(configurationFile(path)) && Files.exists(ledgerFolder(path))
            ? ledgerFolder(path) : path
    }

    /// Whether the keys of a node are protected by a passphrase.
    package static func needsPassphrase(at path: String) throws(NodeError) -> Bool {
        let file = keyFile(path, "bridge")
        guard Files.exists(file) else { throw .notAHome(path: path, missing: file) }
        let bytes = try Files.read(file, max: 4096)
        return bytes.count > 8 && bytes[8] == 1
    }

    /// Opens a node's folder and decrypts its keys.
    ///
    /// Checks, in order: that the parts are there, the configuration, the modes of the key files,
    /// each key, and that the ledger's first entry names these keys.
    package static func open(
        at path: String, protection: HomeProtection
    ) throws(NodeError) -> Home {
        let path = Files.absolute(path)
        for part in [configurationFile(path), ledgerFolder(path), "\(path)/keys", vaultFile(path)]
        where !Files.exists(part) {
            throw .notAHome(path: path, missing: part)
        }
        let configuration = try Configuration.load(path: configurationFile(path))
        let unlocking = try keyProtection(protection, home: path)
        func key(_ name: String) throws(NodeError) -> SigningKey {
            try openKey(keyFile(path, name), unlocking)
        }
        let opened = try firstEntry(of: ledgerFolder(path))
        try checkUnchanged(configuration, opened)
        var validators: [NamedKey] = []
        for (entry, genesis) in zip(configuration.validators, opened.validators) {
            let found = try key(entry.name)
            try check(entry.name, found, genesis.key)
            validators.append(NamedKey(name: entry.name, key: found))
        }
        var submitters: [NamedKey] = []
        for (entry, genesis) in zip(configuration.submitters, opened.submitters) {
            let found = try key(entry.name)
            try check(entry.name, found, genesis.key)
            submitters.append(NamedKey(name: entry.name, key: found))
        }
        let bridge = try key("bridge")
        try check("bridge", bridge, opened.bridge)
        return Home(
            path: path, configuration: configuration,
            ledger: LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded)),
            validators: validators, submitters: submitters, bridge: bridge,
            protectionNotice: notice(protection, home: path))
    }

    /// The ledger keeps what it was opened with; a file that says otherwise would mislead.
    private static func checkUnchanged(
        _ configuration: Configuration, _ opened: LedgerOpened
    ) throws(NodeError) {
        let changed: String? =
            if configuration.name != opened.name {
                "ledger.name"
            } else if configuration.parameters != opened.parameters {
                "[consensus] or [leader_selection]"
            } else if configuration.validators.map(\.stake)
                != opened.validators.map(\.stake.rawValue)
            {
                "[[validators]]"
            } else if configuration.submitters.map(\.quota) != opened.submitters.map(\.quota) {
                "[[submitters]]"
            } else if configuration.circuits.map(\.name) != opened.circuits.map(\.circuit.name) {
                "[[circuits]]"
            } else { nil }
        if let changed { throw .configurationChanged(what: changed) }
    }

    private static func check(
        _ name: String, _ key: SigningKey, _ expected: PublicKey
    ) throws(NodeError) {
        guard key.publicKey == expected else {
            throw .keyMismatch(name: name, expected: expected, found: key.publicKey)
        }
    }

    private static func firstEntry(of directory: String) throws(NodeError) -> LedgerOpened {
        let bytes: [UInt8]
        do throws(LogError) {
            let log = try EventLog.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly)
            bytes = try log.entry(at: 0)
        } catch {
            throw .log(of: "the ledger", path: directory, error)
        }
        do throws(Ledger.DecodingError) {
            if case .ledgerOpened(let opened) = try Event(decoding: bytes) { return opened }
        } catch {
            throw .entryUnusable(entry: 0, problem: "\(error)")
        }
        throw .entryUnusable(entry: 0, problem: "it does not open a ledger")
    }
}

// MARK: - Protection

extension Home {
    /// What seals and opens the keys.
    static func keyProtection(
        _ protection: HomeProtection, home: String
    ) throws(NodeError) -> KeyProtection {
        switch protection {
        case .passphrase(let text):
            guard !text.isEmpty else { throw .emptyPassphrase }
            return .passphrase(SecretBytes(copying: Array(text.utf8)))
        case .keyFile(let path):
            let path = path ?? unlockFile(home)
            let text = try Files.readSecret(path, max: 4096)
            guard let bytes = SecretBytes(hexDigits: text), bytes.count == 32 else {
                throw .unlockKeyMalformed(path: path)
            }
            return .keyFile(bytes)
        }
    }

    /// What is to be said aloud.
    static func notice(_ protection: HomeProtection, home: String) -> String? {
        guard protection == .keyFile(path: nil) else { return nil }
        return "the keys are unlocked by \(unlockFile(home)), which stands beside them: whoever"
            + " reads that folder has the keys; use a passphrase, or a key file kept elsewhere,"
            + " for anything of value"
    }

    private static func openKey(
        _ path: String, _ protection: KeyProtection
    ) throws(NodeError) -> SigningKey {
        try Files.checkSecret(path)
        let bytes = try Files.read(path, max: 4096)
        do throws(SealedKeyError) {
            return try SealedKey.open(bytes, with: protection)
        } catch {
            throw .key(path: path, error)
        }
    }
}
