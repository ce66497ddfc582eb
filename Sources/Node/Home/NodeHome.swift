// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Foundation
package import Ledger

/// The folder of one validator, or of an observer, who follows the ledger and has no say.
///
/// `recount.toml` (the configuration as used; `[node]` says whose home it is), `circuits/`
/// (verifying keys), `keys/` (its keys alone, sealed, mode 0600), `ledger/` (the log), `journal/`
/// (what it has signed, an observer nothing), `jobs/` (what clients hand in, see `Spool`). It is
/// the `directory` of a `ReplicaHost`.
package struct NodeHome: Sendable {
    /// The path of the folder.
    package let path: String
    /// The configuration that the ledger was made from.
    package let configuration: Configuration
    /// The identity of the ledger.
    package let ledger: LedgerID
    /// The name of the validator, or of the observer.
    package let validator: String
    /// Whether it is an observer's.
    package let isObserver: Bool
    /// Its index where it stands in the first entry; nil for one that joined, or is to join.
    package let index: ValidatorIndex?
    /// Its key; of an observer one that nobody knows, and that is made anew at each opening.
    package let key: SigningKey
    /// What is to be said aloud about the protection of the key; nil where nothing is.
    package let protectionNotice: String?

    /// The directory of the ledger's log.
    package var ledgerDirectory: String { Self.ledgerFolder(path) }
    /// The directory of the log of what the validator has signed.
    package var journalDirectory: String { Self.journalFolder(path) }
    /// The directory of what clients hand in.
    package var spoolDirectory: String { Self.spoolFolder(path) }
    /// The configuration file.
    package var configurationPath: String { Self.configurationFile(path) }

    static func ledgerFolder(_ path: String) -> String { "\(path)/ledger" }
    static func journalFolder(_ path: String) -> String { "\(path)/journal" }
    static func spoolFolder(_ path: String) -> String { "\(path)/jobs" }
    static func configurationFile(_ path: String) -> String { "\(path)/recount.toml" }

    /// Whether there is a validator's home at `path`, as far as can be seen from outside.
    ///
    /// One that has lost parts is still a home while two are left of configuration, keys, ledger,
    /// journal and spool, not only ledger and journal; keys are not to be the bridge's.
    package static func isHome(_ path: String) -> Bool {
        let keys = KeyFolder(home: path)
        guard !Files.exists(keys.file(PublicParty.bridgeName)) else { return false }
        let own = [configurationFile(path), keys.path, spoolFolder(path)].filter(Files.exists)
        let logs = [ledgerFolder(path), journalFolder(path)].filter(Files.exists)
        return !own.isEmpty && own.count + logs.count > 1
    }

    /// Whether a home holds a log, damaged or not.
    package static func hasLedger(_ path: String) -> Bool {
        Files.exists("\(ledgerFolder(path))/segments")
    }

    /// Whether the key of the home is sealed by a passphrase.
    package static func needsPassphrase(at path: String) throws(NodeError) -> Bool {
        let path = Files.absolute(path)
        let configuration = try configuration(of: path)
        return try KeyFolder(home: path).needsPassphrase(
            configuration.observer == nil
                ? name(in: configuration, of: path) : KeyFolder.transportName)
    }

    /// Opens a home and decrypts its key.
    ///
    /// Checks, in order: that the parts are there, the configuration, whose home it is, that the
    /// ledger's first entry says what the configuration says, the modes of the key files, the key,
    /// and that the first entry names it where it names the validator.
    package static func open(
        at path: String, protection: HomeProtection
    ) throws(NodeError) -> NodeHome {
        let path = Files.absolute(path)
        let keys = KeyFolder(home: path)
        let configuration = try configuration(of: path)
        let validator = try name(in: configuration, of: path)
        for part in [HomePart.journal, .ledger, .keys] { try part.check(in: path) }
        let opened = try FirstEntry.read(ledgerFolder(path))
        try FirstEntry.check(configuration, opened)
        let isObserver = configuration.observer != nil
        let key = isObserver ? SigningKey() : try keys.open(validator, protection)
        let place =
            isObserver ? nil : configuration.validators.firstIndex { $0.name == validator }
        if let place, opened.validators[place].key != key.publicKey {
            throw .keyMismatch(
                name: validator, expected: opened.validators[place].key, found: key.publicKey)
        }
        return NodeHome(
            path: path, configuration: configuration,
            ledger: LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded)),
            validator: validator, isObserver: isObserver,
            index: place.map { ValidatorIndex(UInt16($0)) }, key: key,
            protectionNotice: keys.notice(protection))
    }

    /// Opens the key that names the node to its peers; nothing of the ledger is signed with it.
    package func openTransportKey(_ protection: HomeProtection) throws(NodeError) -> SigningKey {
        try KeyFolder(home: path).open(KeyFolder.transportName, protection)
    }

    /// Reads the configuration of a home.
    static func configuration(of path: String) throws(NodeError) -> Configuration {
        let file = configurationFile(path)
        guard Files.exists(file) else {
            guard !isHome(path) else { throw HomePart.configuration.loss(in: path) }
            throw .notAHome(path: path, missing: file)
        }
        return try Configuration.load(path: file)
    }

    /// Whom a configuration says the home is of: a validator, or an observer.
    static func name(
        in configuration: Configuration, of path: String
    ) throws(NodeError) -> String {
        guard let name = configuration.validator ?? configuration.observer else {
            throw .configuration(path: configurationFile(path), .missing("node.validator"))
        }
        return name
    }
}
