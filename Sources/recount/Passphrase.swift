// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node

/// Where a passphrase comes from.
enum Passphrase {
    /// Reads `RECOUNT_PASSPHRASE`, or asks on a terminal; twice for a new one.
    static func read(isNew: Bool) throws(NodeError) -> String {
        if let text = ProcessInfo.processInfo.environment["RECOUNT_PASSPHRASE"], !text.isEmpty {
            return text
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw .input(
                path: "RECOUNT_PASSPHRASE",
                problem: "the keys need a passphrase; set this variable, or use a terminal")
        }
        let text = try ask("Passphrase: ")
        if isNew, try ask("Again: ") != text {
            throw .input(path: "the terminal", problem: "the two passphrases differ")
        }
        return text
    }

    private static func ask(_ prompt: String) throws(NodeError) -> String {
        // SAFETY: the prompt ends in zero for the call; the answer is copied before the next call.
        guard let answer = unsafe getpass(prompt) else {
            throw .input(path: "the terminal", problem: "no passphrase could be read")
        }
        return unsafe String(cString: answer)
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

    private static func protection(
        _ keyFile: String?, needsPassphrase: Bool
    ) throws(NodeError) -> HomeProtection {
        guard needsPassphrase else { return .keyFile(path: keyFile) }
        return .passphrase(try read(isNew: false))
    }
}
