// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Node

/// `recount doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether a node is well, and say what a restart would do.",
        discussion: """
            Looks at the configuration, keys, ledger, journal, waiting messages and cases
            of a home, at the clock and disk of the machine, the versions that run, whether
            peers answer, and the copies that are kept; then says what a start would do. Of
            a local network every home is looked at, and what they are together.

              recount doctor /var/lib/recount/validator-3
              recount doctor net --backups /mnt/copies
              recount doctor net --json | jq '.homes[].checks[] | .subject, .verdict'

            It changes nothing and takes no lock, so that it may be asked at any time,
            also while the node runs; then a node that answers over HTTP is asked too.
            Peers are connected to and hung up on. Keys are tried where they can be
            unlocked without asking anybody: by --key-file, or RECOUNT_PASSPHRASE.

            Entries are not audited: recount audit does that. Whether a copy brings a node
            back is shown by recount drill.

            Exit codes: 0 nothing is wrong; 1 something is wrong, or with --strict a
            person should look at something; 2 there is no home.
            """)

    @Argument(
        help: "The home of a validator or an observer, or a local network.",
        completion: Completions.homes)
    var home: String

    @Option(
        help: ArgumentHelp(
            "A copy that recount backup made, or a folder of such copies.", valueName: "folder"),
        completion: .directory)
    var backups: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Exit with 1 also where a person should look at something.")
    var strict = false

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() async throws {
        let names = LocalNetwork.names(in: home)
        let paths = names.map { LocalNetwork.homePath(of: $0, in: home) }
        guard !paths.isEmpty || NodeHome.isHome(home) else {
            throw Failure(
                "\(home) is neither the home of a validator nor a local network; `recount init`"
                    + " makes one")
        }
        var homes: [DoctorReport.Home] = []
        for path in paths.isEmpty ? [home] : paths {
            let health = HomeHealth.examine(path, protection: try protection(path))
            let peers = await PeerHealth(health).checks()
            homes.append(DoctorReport.Home(health, health.checks + peers))
        }
        let report = DoctorReport(
            homes, network: names.isEmpty ? nil : home, backups: backups)
        if json { try Output.json(report) } else { report.print() }
        Output.flush()
        let isGood = report.isWell && (!strict || report.warnings == 0)
        throw ExitCode((isGood ? ExitStatus.good : .wrong).rawValue)
    }

    /// What unlocks the keys of a home without anybody being asked; nil where nothing does.
    private func protection(_ home: String) throws(Failure) -> HomeProtection? {
        do throws(NodeError) {
            guard try NodeHome.needsPassphrase(at: home) else { return .keyFile(path: keyFile) }
        } catch {
            // What is wrong with them is found, and said, when they are looked at.
            return nil
        }
        guard Passphrase.isAtHand else { return nil }
        do throws(NodeError) { return .passphrase(try Passphrase.read(isNew: false)) } catch {
            throw Failure("\(error)")
        }
    }
}
