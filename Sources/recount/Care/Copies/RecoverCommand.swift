// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Storage

/// `recount recover`.
struct RecoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Rebuild a damaged or lost ledger from another copy.",
        discussion: """
            Takes what is good of the ledger that is there, and fetches only what is
            missing or damaged from the other copy: a ledger directory, or a folder of
            tiles. Every entry is checked against a checkpoint that you trust; so trust
            one that you kept, or that enough validators cosigned (--policy). The damaged
            ledger is renamed, never removed. It never makes a new ledger.

              recount recover net/validator-3 --from net/validator-1 --trust my.checkpoint
              recount recover net/validator-3 --from public/ --trust public/checkpoint \\
                  --policy 7-of-10 --keys validators.txt

            A journal is begun anew where it is gone (--new-journals), or where you say so
            (--new-journal NAME). Such a validator says nothing until ledger time has
            passed the recovery by two minutes, twice the life of a vote: nothing that it
            may have signed before can count then. The others have to go on meanwhile, so
            it is refused where they would be too few, and that is said before anything is
            written. So is what else a home lacks: without its configuration, keys or
            journal the node would not start on a ledger that is whole again.

              recount recover net/validator-3 --new-journals

            Exit codes: 0 the ledger is whole; 1 the copy or the checkpoint is not good;
            2 it could not be done.
            """)

    @Argument(
        help: ArgumentHelp(
            "The home of a validator, or the directory of a ledger; for journals also a local"
                + " network."), completion: Completions.ledgers)
    var home: String

    @Option(
        help: ArgumentHelp("Another copy: a ledger, or a folder of tiles.", valueName: "path"),
        completion: .file())
    var from: String?

    @Option(
        help: ArgumentHelp("The checkpoint that you trust.", valueName: "file"), completion: .file()
    )
    var trust: String?

    @Option(
        help: ArgumentHelp(
            "How many of how many keys must have signed the checkpoint.", valueName: "T-of-N"))
    var policy: String?

    @Option(
        help: ArgumentHelp("The keys for --policy, one a line.", valueName: "file"),
        completion: .file())
    var keys: String?

    @Flag(help: "Begin every journal anew that is gone or cannot be opened.")
    var newJournals = false

    @Option(
        help: ArgumentHelp(
            "Begin the journal of this validator anew; may be repeated.", valueName: "name"),
        completion: Completions.validators)
    var newJournal: [String] = []

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        struct Journal: Encodable {
            let validator: UInt16
            let name: String
            let silentUntil: UInt64
        }

        var ledger: LedgerPart?
        var journals: [Journal] = []
    }

    private struct LedgerPart: Encodable {
        let directory: String
        let outcome: String
        let size: UInt64
        let root: String
        let entriesTrusted: UInt64
        let entriesBeyondCheckpoint: UInt64
        let sizeKnownBefore: UInt64
        let tilesKept: UInt64
        let tilesFetched: UInt64
        let bytesFetched: UInt64
        let entriesFetched: [String]
        let blobsMissing: [String]
        let checkpointsKept: Int
        let checkpointsDropped: [String]
        let damagedCopy: String?
        let signedBy: Int?
        let notices: [String]
    }

    func validate() throws {
        guard (from == nil) == (trust == nil) else {
            throw ValidationError("--from and --trust belong together")
        }
        guard from != nil || newJournals || !newJournal.isEmpty else {
            throw ValidationError(
                "what is to be recovered? --from and --trust rebuild the ledger, --new-journals"
                    + " and --new-journal the journals")
        }
        guard (policy == nil) == (keys == nil) else {
            throw ValidationError("--policy and --keys belong together")
        }
        if policy != nil, trust == nil {
            throw ValidationError("--policy and --keys are of the checkpoint of --trust")
        }
    }

    mutating func run() throws {
        var result = Result()
        try checkRest()
        if let from, let trust { result.ledger = try recoverLedger(from, trust) }
        if newJournals || !newJournal.isEmpty {
            let homes = try Place.homes(home)
            do throws(NodeError) {
                result.journals = try NodeJournals.beginAnew(at: homes, named: newJournal).map {
                    Result.Journal(
                        validator: $0.validator, name: $0.name,
                        silentUntil: $0.silentUntil.rawValue)
                }
            } catch {
                throw Failure("\(error)")
            }
        }
        if json { return try Output.json(result) }
        if let ledger = result.ledger { show(ledger) }
        for journal in result.journals {
            Output.line(
                "The journal of \(journal.name) is begun anew; it says nothing until ledger"
                    + " time has passed \(UTC.text(Time(journal.silentUntil))).")
        }
        if result.ledger == nil, result.journals.isEmpty {
            Output.line("No journal is gone; nothing was changed.")
        }
    }

    /// Says what would keep the node from starting afterwards, before anything is written.
    private func checkRest() throws(Failure) {
        let begins = newJournals || !newJournal.isEmpty
        do throws(NodeError) {
            if from != nil { try NodeHome.checkRest(of: home, beginsJournal: begins) }
            if begins { try NodeJournals.check(at: try homes(), named: newJournal) }
        } catch {
            throw Failure(
                "\(error)"
                    + (from == nil
                        ? ""
                        : " (nothing was written; `recount recover"
                            + " \(home)/ledger` with the same options rebuilds the ledger alone)"))
        }
    }

    private func homes() throws(NodeError) -> [String] {
        do throws(Failure) { return try Place.homes(home) } catch {
            throw .cannot(error.message)
        }
    }

    // MARK: The ledger

    private func recoverLedger(_ from: String, _ trust: String) throws(Failure) -> LedgerPart {
        let (signed, _) = try CheckpointInput.read(trust)
        let signers = try checkSigners(signed)
        let ledger = try identity(signed)
        let head = TrustedHead(ledger: ledger, size: signed.head.size, root: signed.head.root)
        let disk = POSIXDisk()
        guard LocalNetwork.names(in: home).isEmpty else {
            throw Failure("\(home) is a local network; name the home whose ledger is to be rebuilt")
        }
        // A home keeps its ledger in a folder of that name, also where that folder is gone.
        let isHome = FileManager.default.fileExists(atPath: home + "/recount.toml")
        let directory = isHome ? home + "/ledger" : home
        let progress = RecoveryText()
        let copy = try source(from, head)
        let report: RecoveryReport
        do throws(RecoveryError) {
            report = try LedgerRecovery.run(
                directory: directory, from: copy, trust: head, disk: disk,
                progress: json ? { _ in } : progress.show)
        } catch {
            progress.end()
            throw Failure("\(error)", error.isAboutTheCopy ? .wrong : .unusable)
        }
        progress.end()
        return LedgerPart(
            directory: directory, outcome: "\(report.outcome)", size: report.size,
            root: report.root.hex, entriesTrusted: head.size,
            entriesBeyondCheckpoint: report.entriesBeyond,
            sizeKnownBefore: report.sizeKnownBefore, tilesKept: report.tilesKept,
            tilesFetched: report.tilesFetched, bytesFetched: report.bytesFetched,
            entriesFetched: report.fetched.map { "\($0.lowerBound)-\($0.upperBound - 1)" },
            blobsMissing: report.blobsMissing.map(\.hex), checkpointsKept: report.checkpointsKept,
            checkpointsDropped: report.checkpointsDropped, damagedCopy: report.damagedCopy,
            signedBy: signers, notices: report.notices)
    }

    /// Counts who signed, where a policy is given.
    private func checkSigners(_ signed: SignedCheckpoint) throws(Failure) -> Int? {
        guard let policy, let keys else { return nil }
        let bytes = try InputFile.read(keys, bytesMax: 16 << 20)
        do {
            let list = try PolicyKey.list(bytes)
            let known = try CheckpointPolicy(quorum: try Quorum(policy), keys: list)
            return try known.require(signed, origin: signed.checkpoint.origin).signers.count
        } catch let error as NoteError {
            throw Failure("the checkpoint is not good: \(error)", .wrong)
        } catch {
            throw Failure("--policy \(policy): \(error)")
        }
    }

    /// The ledger that the origin of a checkpoint names.
    private func identity(_ signed: SignedCheckpoint) throws(Failure) -> LedgerID {
        let origin = signed.checkpoint.origin
        guard origin.hasPrefix("recount/"), let id = Bytes32(hex: origin.dropFirst(8)) else {
            throw Failure("the checkpoint is of \(origin), which is no ledger of ours", .wrong)
        }
        return LedgerID(Digest(id))
    }

    private func source(
        _ path: String, _ head: TrustedHead
    ) throws(Failure) -> any EntrySource {
        let disk = POSIXDisk()
        let directory = Place.ledger(path)
        do {
            if FileManager.default.fileExists(atPath: directory + "/segments") {
                return try LedgerSource(directory: directory, disk: disk)
            }
            guard FileManager.default.fileExists(atPath: path + "/tile") else {
                throw Failure("\(path) is neither a ledger nor a folder of tiles")
            }
            return try TileSource(directory: path, trust: head, disk: disk)
        } catch let failure as Failure {
            throw failure
        } catch let error as RecoveryError {
            throw Failure("\(error)", error.isAboutTheCopy ? .wrong : .unusable)
        } catch {
            throw Failure("the copy \(path) cannot be read: \(error)")
        }
    }

    private func show(_ part: LedgerPart) {
        for notice in part.notices { Output.warning(notice) }
        switch part.outcome {
        case "nothingToDo": Output.line("The ledger is whole; nothing was changed.")
        case "finishedEarlierRun": Output.line("An interrupted recovery was finished.")
        default: Output.line("The ledger is recovered.")
        }
        var list = Listing()
        list.add("ledger", part.directory)
        list.add("size", Text.count(part.size, "entry", "entries"))
        list.add("root", part.root)
        list.add("kept", Text.count(part.tilesKept, "tile") + " of 256 entries")
        list.add(
            "fetched",
            Text.count(part.tilesFetched, "tile") + ", " + Text.count(part.bytesFetched, "byte"))
        for range in part.entriesFetched.prefix(20) { list.add("", "entries \(range)") }
        if part.entriesFetched.count > 20 {
            list.add("", "and \(part.entriesFetched.count - 20) more ranges (--json)")
        }
        if part.entriesBeyondCheckpoint > 0 {
            list.add(
                "beyond",
                Text.count(part.entriesBeyondCheckpoint, "entry", "entries")
                    + " after the checkpoint, which it does not cover, kept from the ledger itself")
        }
        if part.sizeKnownBefore > part.size {
            list.add(
                "lost",
                "the ledger once held \(Text.grouped(part.sizeKnownBefore)) entries: take a newer"
                    + " copy and checkpoint if there are any")
        }
        for blob in part.blobsMissing { list.add("missing blob", blob) }
        for name in part.checkpointsDropped { list.add("dropped", name) }
        if let copy = part.damagedCopy { list.add("damaged copy", copy) }
        list.print()
    }
}

extension RecoveryError {
    /// Whether the copy or the checkpoint is at fault, rather than the place or the disk.
    fileprivate var isAboutTheCopy: Bool {
        switch self {
        case .sameDirectory, .notALedger, .running, .log, .disk: false
        default: true
        }
    }
}

/// One line on a terminal that says how far a recovery has come.
private final class RecoveryText {
    private var last = ""

    func show(_ progress: RecoveryProgress) {
        guard Output.isErrorTerminal else { return }
        let text =
            "\(progress.step): \(Text.grouped(progress.entries)) of"
            + " \(Text.grouped(progress.total)) entries"
        guard text != last else { return }
        last = text
        Output.standardError("\r\(text)\u{1B}[K")
    }

    func end() { if !last.isEmpty { Output.standardError("\r\u{1B}[K") } }
}
