// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Node

/// `recount drill`.
struct DrillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Lose a node in a scratch folder, bring it back, and say what was lost.",
        discussion: """
            Does what an operator would after a disk was lost, with the same commands, in a
            scratch folder: copies the home (recount backup), throws away all that the copy
            does not hold, rebuilds the ledger from the copy and begins the journal anew
            (recount recover), starts the node and ends it (recount node), and audits the
            ledger (recount audit). It prints what it ran, what would be lost, and what the
            copy lacks, so that nobody finds that out on the day.

              recount drill /var/lib/recount/validator-3
              recount drill net/validator-3 --copy /mnt/copies
              recount drill net/validator-3 --scratch /mnt/large --json

            With --copy a copy is tried that is there already, or the newest whole one in a
            folder, as it would be found on the day; without it a fresh one is made, which
            shows that the commands work, and not that copies are made.

            The home is read and never written to; its node may run meanwhile. The node
            that is started knows no peer, listens on this machine alone, and says nothing,
            for its journal is new. The keys, which no copy holds, are lent by a link and
            not copied. The scratch folder is removed at the end, unless --keep is given or
            the drill is interrupted.

            Exit codes: 0 the node came back; 1 it did not; 2 it could not be tried.
            """)

    @Argument(help: "The home of a validator.", completion: Completions.homes)
    var home: String

    @Option(
        help: ArgumentHelp(
            "Try this copy, or the newest whole one in this folder.", valueName: "folder"),
        completion: .directory)
    var copy: String?

    @Option(
        help: ArgumentHelp(
            "Make the scratch folder in this one, and not where temporary files go.",
            valueName: "folder"),
        completion: .directory)
    var scratch: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Keep the scratch folder, and say where it is.")
    var keep = false

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        guard LocalNetwork.names(in: home).isEmpty else {
            throw Failure("\(home) is a local network; name the home of one of its validators")
        }
        guard NodeHome.isHome(home) else {
            throw Failure("\(home) is no home of a validator; `recount init` makes one")
        }
        let parent = scratch ?? FileManager.default.temporaryDirectory.path
        let folder = "\(Self.absolute(parent))/recount-drill-\(UUID().uuidString.lowercased())"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(
                "no scratch folder can be made in \(parent): \(ErrorWords.of(error)); name another"
                    + " with --scratch")
        }
        defer { if !keep { Self.remove(folder) } }
        var drill = try Drill(
            home: Self.absolute(home), copy: copy.map(Self.absolute),
            keyFile: keyFile.map(Self.absolute), in: folder)
        let isForPeople = !json
        try drill.run { step in if isForPeople { DrillReport.show(step) } }
        let report = drill.report(keeping: keep ? folder : nil)
        if json { try Output.json(report) } else { report.print() }
        Output.flush()
        throw ExitCode((report.isGood ? ExitStatus.good : .wrong).rawValue)
    }

    private static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    private static func remove(_ folder: String) {
        do { try FileManager.default.removeItem(atPath: folder) } catch {
            Output.warning("\(folder) could not be removed: \(ErrorWords.of(error))")
        }
    }
}
