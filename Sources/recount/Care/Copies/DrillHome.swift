// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Node

/// The home that a drill rebuilds: what is left of one whose disk was lost.
struct DrillHome {
    /// What was found while it was made.
    struct Made {
        /// Whether the copy holds the configuration.
        var hasConfiguration = true
        var lost: [String] = []
        var lacks: [String] = []
    }

    let home: String
    let copy: String
    let rebuilt: String

    /// Makes it of what the copy holds, and lends it the keys.
    ///
    /// Its configuration lists no peer and an address of this machine alone: the node must not meet
    /// the one that it stands for.
    func make() throws(Failure) -> Made {
        var made = Made()
        let files = FileManager.default
        do {
            try files.createDirectory(atPath: rebuilt, withIntermediateDirectories: false)
            try files.createDirectory(
                atPath: rebuilt + "/jobs", withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            try files.createSymbolicLink(
                atPath: rebuilt + "/keys", withDestinationPath: home + "/keys")
            if files.fileExists(atPath: "\(copy)/\(BackupHealth.kept)/circuits") {
                try files.copyItem(
                    atPath: "\(copy)/\(BackupHealth.kept)/circuits", toPath: rebuilt + "/circuits")
            }
        } catch { throw Failure("\(rebuilt) cannot be made: \(ErrorWords.of(error))") }
        made.hasConfiguration = files.fileExists(
            atPath: "\(copy)/\(BackupHealth.kept)/recount.toml")
        try configure(made.hasConfiguration ? "\(copy)/\(BackupHealth.kept)" : home)
        if !made.hasConfiguration {
            made.lacks.append(
                "the configuration and the verifying keys: copy the home, not its ledger alone")
        }
        compare(&made)
        return made
    }

    private func configure(_ folder: String) throws(Failure) {
        let path = "\(folder)/recount.toml"
        do {
            var configuration = try Configuration.load(path: path)
            configuration.network.peers = []
            configuration.network.peerDiscovery = "off"
            configuration.network.listen = ["/ip4/127.0.0.1/tcp/0"]
            configuration.api.listen = nil
            try Data(configuration.toml.utf8).write(
                to: URL(fileURLWithPath: rebuilt + "/recount.toml"))
        } catch {
            throw Failure("\(path) cannot be used: \(error)")
        }
    }

    /// What stands in the home and in no copy.
    private func compare(_ made: inout Made) {
        let keys = list("keys")
        if !keys.isEmpty {
            made.lacks.append(
                "the keys (\(keys.joined(separator: ", "))): keep a copy of the folder keys"
                    + " elsewhere once, for they never change"
                    + (keys.contains("unlock.key")
                        ? "" : ", and what unlocks them, which stands outside the home"))
        }
        made.lacks.append(
            "the journal, since an old one is worse than none: it is begun anew")
        let waiting = list("jobs").count
        if waiting > 0 {
            made.lost.append(
                "\(Text.count(UInt64(waiting), "file")) of messages that clients handed in and that"
                    + " are in no batch: they have to hand them in again")
        }
        let cases = list("cases").count { $0.hasSuffix(".case") }
        if cases > 0 {
            made.lost.append(
                "\(Text.count(UInt64(cases), "case")) (recount case export keeps one elsewhere)")
        }
    }

    private func list(_ name: String) -> [String] {
        do throws(DiskError) {
            return try POSIXDisk().list("\(home)/\(name)").filter { !$0.hasPrefix(".") }.sorted()
        } catch { return [] }
    }
}
