// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Ledger
import Node

/// A drill in a scratch folder: the copy and the home that is rebuilt from it.
struct Drill {
    private let home: String
    private let given: String?
    private let keyFile: String?
    private let folder: String
    private let program: OwnProgram
    private let held: UInt64
    private let ledger: String
    private var copy: String
    private var rebuilt: String { "\(folder)/home" }

    private var steps: [DrillReport.Step] = []
    private var lost: [String] = []
    private var lacks: [String] = []
    private var recovered: Recovered?
    private var tell: (DrillReport.Step) -> Void = { _ in }

    /// What `recount backup --json` says, as far as it is of use here.
    private struct Copied: Decodable {
        let size: UInt64
        let blobsDamaged: [String]
    }

    /// Of `recount recover --json`.
    private struct Recovered: Decodable {
        struct Ledger: Decodable {
            let size: UInt64
            let root: String
            let blobsMissing: [String]
        }

        struct Journal: Decodable {
            let silentUntil: UInt64
        }

        let ledger: Ledger?
        let journals: [Journal]
    }

    /// Of `recount audit --json`.
    private struct Audited: Decodable {
        let size: UInt64
        let findings: [Finding]

        struct Finding: Decodable {}
    }

    /// Looks at the home; throws where there is no ledger to lose.
    ///
    /// - Parameter folder: The scratch folder, which is there and empty.
    init(
        home: String, copy: String?, keyFile: String?, in folder: String
    ) throws(Failure) {
        self.home = home
        self.keyFile = keyFile
        self.folder = folder
        given = copy
        program = try OwnProgram(printingIn: folder)
        let log = try openLedger(home)
        held = log.size
        do throws(NodeError) { ledger = try NodeClient(home: home).ledger.hex } catch {
            throw Failure("\(error)")
        }
        guard let copy else {
            self.copy = "\(folder)/copy"
            try BackupRoom.check(from: log.directory, to: folder)
            return
        }
        guard let newest = BackupHealth.newest(in: copy, of: ledger) else {
            throw Failure(
                "there is no whole copy of this ledger in \(copy); recount backup list \(copy)"
                    + " lists what is there")
        }
        self.copy = newest
    }

    /// Runs it, step by step; a step that fails ends it, but the audit of what is rebuilt.
    mutating func run(_ tell: @escaping (DrillReport.Step) -> Void) throws(Failure) {
        self.tell = tell
        guard try makeCopy() else { return }
        try destroy()
        guard try recover() else { return }
        if recovered?.journals.isEmpty == false { try start() }
        try audit()
    }

    /// What came of it.
    func report(keeping scratch: String?) -> DrillReport {
        let names = Set(steps.filter(\.isDone).map(\.name))
        return DrillReport(
            home: home, isGood: names.isSuperset(of: ["copy", "recover", "start", "audit"]),
            entriesHeld: held, entriesRecovered: recovered?.ledger?.size,
            root: recovered?.ledger?.root, steps: steps, lost: lost, lacks: lacks,
            scratch: scratch)
    }

    private mutating func add(
        _ name: String, _ command: [String]?, since start: Date, _ isDone: Bool,
        _ finding: String
    ) {
        let step = DrillReport.Step(
            name: name,
            command: command.map { words in
                ("recount " + words.filter { $0 != "--json" }.joined(separator: " "))
            }, isDone: isDone, finding: finding,
            seconds: (Date().timeIntervalSince(start) * 1000).rounded() / 1000)
        steps.append(step)
        tell(step)
    }

    // MARK: Steps

    private mutating func makeCopy() throws(Failure) -> Bool {
        let start = Date()
        guard given == nil else {
            add("copy", nil, since: start, true, "\(copy) is taken as it is")
            return true
        }
        let command = ["backup", home, copy, "--json"]
        let run = try program.run(command)
        guard run.status == 0, let copied = run.decoded(Copied.self) else {
            add("copy", command, since: start, false, run.complaint)
            return false
        }
        for blob in copied.blobsDamaged {
            lost.append("the payload \(blob) of a job, which is damaged in the home already")
        }
        add(
            "copy", command, since: start, true, Text.count(copied.size, "entry", "entries"))
        return true
    }

    /// Makes a home of nothing but what the copy holds of it, and the keys.
    private mutating func destroy() throws(Failure) {
        let start = Date()
        let parts = DrillHome(home: home, copy: copy, rebuilt: rebuilt)
        let made = try parts.make()
        lacks += made.lacks
        lost += made.lost
        add(
            "destroy", nil, since: start, true,
            "of the home is left what the copy holds"
                + (made.hasConfiguration ? "" : ", and its configuration") + "; its keys are lent")
    }

    private mutating func recover() throws(Failure) -> Bool {
        let start = Date()
        guard let trust = newestCheckpoint() else {
            lacks.append("a checkpoint that somebody signed, which a recovery would trust")
            add(
                "recover", nil, since: start, false,
                "\(copy) holds no checkpoint: make one with recount checkpoint sign, and copy again"
            )
            return false
        }
        let from = ["--from", copy, "--trust", trust]
        let command = ["recover", rebuilt] + from + ["--new-journals", "--json"]
        var run = try program.run(command)
        if run.status == 0, let recovered = run.decoded(Recovered.self) {
            note(recovered)
            add(
                "recover", command, since: start, true,
                Text.count(recovered.ledger?.size ?? 0, "entry", "entries")
                    + ", and a new journal")
            return true
        }
        add("recover", command, since: start, false, run.complaint)
        // The ledger can be rebuilt all the same, and judged.
        let again = Date()
        let alone = ["recover", rebuilt + "/ledger"] + from + ["--json"]
        run = try program.run(alone)
        guard run.status == 0, let recovered = run.decoded(Recovered.self) else {
            add("ledger", alone, since: again, false, run.complaint)
            return false
        }
        note(recovered)
        add(
            "ledger", alone, since: again, true,
            Text.count(recovered.ledger?.size ?? 0, "entry", "entries") + ", alone")
        return true
    }

    private mutating func note(_ recovered: Recovered) {
        self.recovered = recovered
        let size = recovered.ledger?.size ?? 0
        if held > size {
            lost.append(
                "\(Text.count(held - size, "entry", "entries")) since the copy was made: a node"
                    + " gets them again from its peers, as long as one has them")
        }
        for blob in recovered.ledger?.blobsMissing ?? [] {
            lost.append("the payload \(blob) of a job: a node gets it from a peer that has it")
        }
        for journal in recovered.journals {
            lost.append(
                "what was signed and is in no ledger: the validator says nothing until ledger time"
                    + " has passed \(Text.time(journal.silentUntil))")
        }
    }

    private func newestCheckpoint() -> String? {
        let folder = "\(copy)/checkpoints"
        do throws(DiskError) {
            return try POSIXDisk().list(folder).filter { $0.hasSuffix(".checkpoint") }.max()
                .map { "\(folder)/\($0)" }
        } catch { return nil }
    }

    /// How long the node may take to open, and to end, in seconds.
    private static let secondsMax = 600.0

    private mutating func start() throws(Failure) {
        let start = Date()
        var command = ["node", rebuilt, "--json"]
        if let keyFile { command += ["--key-file", keyFile] }
        let running = try program.start(command)
        let deadline = Date(timeIntervalSinceNow: Self.secondsMax)
        while running.process.isRunning, Date() < deadline, try !running.says(#""addresses""#) {
            Thread.sleep(forTimeInterval: 0.02)
        }
        let isUp = running.process.isRunning
        if isUp { running.process.terminate() }
        while running.process.isRunning, Date() < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
        let isOver = !running.process.isRunning
        if !isOver { kill(running.process.processIdentifier, SIGKILL) }
        let run = try running.result()
        let isDone = isUp && isOver && run.status == 0
        add(
            "start", command, since: start, isDone,
            isDone ? "it opened, listened, and ended in order" : run.complaint)
    }

    private mutating func audit() throws(Failure) {
        let start = Date()
        let command = ["audit", rebuilt, "--json"]
        let run = try program.run(command)
        guard let audited = run.decoded(Audited.self) else {
            return add("audit", command, since: start, false, run.complaint)
        }
        let isRight = audited.findings.isEmpty && run.status != 1
        if isRight, run.status == 2 {
            lacks.append(
                "the precommits of its last batch, which show a quorum: the node gets them from"
                    + " its peers with the next")
        }
        add(
            "audit", command, since: start, isRight,
            !isRight
                ? Text.count(UInt64(audited.findings.count), "finding")
                : run.status == 2
                    ? "right, but the copy shows no quorum for its last batch"
                    : "right: \(Text.count(audited.size, "entry", "entries"))")
    }
}
