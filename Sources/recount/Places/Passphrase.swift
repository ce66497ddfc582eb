// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Node
import Synchronization

/// Where a passphrase comes from.
enum Passphrase {
    private static let variable = "RECOUNT_PASSPHRASE"
    private static let known = Mutex<SecretBytes?>(nil)

    /// Whether it can be had without asking anybody.
    static var isAtHand: Bool {
        known.withLock { $0 != nil } || ProcessInfo.processInfo.environment[variable] != nil
    }

    /// Takes `RECOUNT_PASSPHRASE` out of the environment, or asks on a terminal; twice for a new
    /// one. Once for a program: later calls give the same.
    static func read(isNew: Bool) throws(NodeError) -> SecretBytes {
        if let known = known.withLock({ $0 }) { return known }
        let text: SecretBytes
        if let given = SecretInput.takeVariable(variable) {
            text = given
        } else {
            text = try askPerson(isNew: isNew)
        }
        known.withLock { $0 = text }
        return text
    }

    private static func askPerson(isNew: Bool) throws(NodeError) -> SecretBytes {
        guard isatty(STDIN_FILENO) == 1 else {
            throw .input(
                path: variable,
                problem: "the keys need a passphrase; set this variable, or use a terminal")
        }
        let text = try ask("Passphrase: ")
        if isNew, !text.equals(try ask("Again: ")) {
            throw .input(path: "the terminal", problem: "the two passphrases differ")
        }
        return text
    }

    private static func ask(_ prompt: String) throws(NodeError) -> SecretBytes {
        guard let answer = SecretInput.ask(prompt) else {
            throw .input(path: "the terminal", problem: "no passphrase could be read")
        }
        return answer
    }

    /// What opens the key of a validator's home.
    static func protection(
        ofNode home: String, keyFile: String?
    ) throws(NodeError) -> HomeProtection {
        try protection(keyFile, needsPassphrase: try NodeHome.needsPassphrase(at: home))
    }

    /// What opens the key of a submitter.
    static func protection(
        ofSubmitter home: String, keyFile: String?
    ) throws(NodeError) -> HomeProtection {
        try protection(keyFile, needsPassphrase: try SubmitterHome.needsPassphrase(at: home))
    }

    /// What opens the keys of a local network.
    static func protection(
        ofNetwork path: String, keyFile: String?
    ) throws(NodeError) -> HomeProtection {
        try protection(keyFile, needsPassphrase: try LocalNetwork.needsPassphrase(at: path))
    }

    /// What opens the key of a bridge.
    static func protection(
        ofBridge home: String, keyFile: String?
    ) throws(NodeError) -> HomeProtection {
        try protection(keyFile, needsPassphrase: try BridgeHome.needsPassphrase(at: home))
    }

    /// What opens a key that stands by itself.
    static func protection(of key: OfflineKey, keyFile: String?) throws(NodeError) -> HomeProtection
    {
        try protection(keyFile, needsPassphrase: try key.needsPassphrase())
    }

    private static func protection(
        _ keyFile: String?, needsPassphrase: Bool
    ) throws(NodeError) -> HomeProtection {
        guard needsPassphrase else { return .keyFile(path: keyFile) }
        return .passphrase(try read(isNew: false))
    }
}
