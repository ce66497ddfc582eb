// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation

/// The sealed keys of a home: `keys/NAME.key`, and `keys/unlock.key` where nothing else unlocks
/// them.
struct KeyFolder {
    /// The folder of the keys.
    let path: String

    /// The keys of the home in the folder `home`.
    init(home: String) { self.init(path: "\(home)/keys") }

    /// The keys in a folder.
    init(path: String) { self.path = path }

    /// The file of a key.
    func file(_ name: String) -> String { "\(path)/\(name).key" }

    /// The name of the key that names a node to its peers; nothing of the ledger is signed with it.
    static let transportName = "transport"

    /// The file that unlocks the keys where no other is named.
    var unlockFile: String { "\(path)/unlock.key" }

    // MARK: Making

    /// Makes the folder with new keys of these names, and what unlocks them where it is absent.
    func create(_ names: [String], _ protection: HomeProtection) throws(NodeError) -> [SigningKey] {
        try Files.makeFolder(path, isSecret: true)
        if case .keyFile(let named) = protection { try makeUnlockKey(unlockPath(named)) }
        let sealing = try keyProtection(protection)
        var keys: [SigningKey] = []
        for name in names {
            let key = SigningKey()
            let sealed: [UInt8]
            do throws(SealedKeyError) {
                sealed = try SealedKey.seal(key, with: sealing)
            } catch {
                throw .key(path: file(name), error)
            }
            try Files.writeSecret(sealed, to: file(name))
            keys.append(key)
        }
        try Files.syncFolder(path)
        return keys
    }

    private func makeUnlockKey(_ path: String) throws(NodeError) {
        guard !Files.exists(path) else { return }
        try Files.writeSecret(SecretBytes(random: 32).hexLine, to: path)
        try Files.syncFolder((path as NSString).deletingLastPathComponent)
    }

    // MARK: Opening

    /// Opens a key, after a look at who may read it.
    func open(_ name: String, _ protection: HomeProtection) throws(NodeError) -> SigningKey {
        let unlocking = try keyProtection(protection)
        guard Files.exists(file(name)) else {
            throw .cannot(
                "\(file(name)) is missing: a key that nobody can make again; find a copy of the"
                    + " folder \(path)")
        }
        try Files.checkSecret(file(name))
        let bytes = try Files.read(file(name), max: 4096)
        do throws(SealedKeyError) {
            return try SealedKey.open(bytes, with: unlocking)
        } catch {
            throw .key(path: file(name), error)
        }
    }

    /// Whether a key is sealed by a passphrase.
    func needsPassphrase(_ name: String) throws(NodeError) -> Bool {
        let bytes = try Files.read(file(name), max: 4096)
        return bytes.count > 8 && bytes[8] == 1
    }

    /// What is to be said aloud; nil where the keys are well kept.
    func notice(_ protection: HomeProtection) -> String? {
        guard case .keyFile(nil) = protection else { return nil }
        return "the keys are unlocked by \(unlockFile), which stands beside them: whoever reads"
            + " that folder has the keys; use a passphrase, or a key file kept elsewhere, for"
            + " anything of value"
    }

    /// The file that unlocks the keys, by its whole path.
    private func unlockPath(_ named: String?) -> String { named.map(Files.absolute) ?? unlockFile }

    private func keyProtection(_ protection: HomeProtection) throws(NodeError) -> KeyProtection {
        switch protection {
        case .passphrase(let text):
            guard text.count > 0 else { throw .emptyPassphrase }
            return .passphrase(text)
        case .keyFile(let named):
            let path = unlockPath(named)
            guard Files.exists(path) else {
                throw .cannot(
                    "\(path) does not exist: what unlocks the keys in \(self.path), which nobody"
                        + " can make again; find it, or name where it is (--key-file)")
            }
            let text = try Files.readSecret(path, max: 4096)
            guard let bytes = SecretBytes(hexDigits: text), bytes.count == 32 else {
                throw .unlockKeyMalformed(path: path)
            }
            return .keyFile(bytes)
        }
    }
}
