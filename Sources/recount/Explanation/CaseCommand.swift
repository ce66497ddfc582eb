// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import Hosting
import Ledger
import Node

/// `recount case`.
struct CaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case",
        abstract: "What a node kept when it came apart from the others: why, and who is right.",
        discussion: """
            A node that derives something else than T validators agreed on keeps a case in
            cases/ of its home, and stops: their batch with its precommits, its own
            entries, the roots of all components, as much of the state as the batch reads,
            versions, and what deriving the batch again came to, in the same process and in
            a fresh one. A case is one file, and needs no ledger.

              recount case list net
              recount case show net/validator-3
              recount case verify 00000000000000000412-9f3c0a11d2e4b576.case --referee
              recount case export net/validator-3 --out for-the-others.case
              recount case release net/validator-3/cases/00000000000000000412-9f3c….case

            While a case is open its node answers readers, says on /ready why it does
            nothing, and signs nothing. It goes on by itself where another version of the
            program takes up what was agreed on, or where a person releases the case; up to
            the batch in dispute it stays silent either way.
            """,
        subcommands: [
            CaseListCommand.self, CaseShowCommand.self, CaseVerifyCommand.self,
            CaseExportCommand.self, CaseReleaseCommand.self, CaseDeriveCommand.self,
        ])
}

/// A file of a case, as the commands find it.
struct CasePlace {
    /// The file.
    let path: String
    /// What became of it; nil where it lies outside of a home.
    let status: CaseStore.Status?

    /// The cases that an argument stands for: a file, or all of a home or of a folder of them.
    static func all(_ argument: String) throws(Failure) -> [CasePlace] {
        if argument == "-" { return [CasePlace(path: argument, status: nil)] }
        guard FileManager.default.fileExists(atPath: argument) else {
            throw Failure("there is no file or folder \(argument)")
        }
        let networked = Place.names(in: argument)
            .map { LocalNetwork.homePath(of: $0, in: argument) }
        guard networked.isEmpty else {
            var all: [CasePlace] = []
            for home in networked { all += try ofHome(home) }
            return all
        }
        let store = CaseStore(home: argument, disk: POSIXDisk())
        if FileManager.default.fileExists(atPath: store.directory) || NodeHome.isHome(argument)
            || NodeHome.hasLedger(argument)
        {
            return try ofHome(argument)
        }
        var isFolder: ObjCBool = false
        if unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder),
            isFolder.boolValue
        {
            throw Failure("\(argument) is no home of a node; name one, or the file of a case")
        }
        return [CasePlace(path: argument, status: status(of: argument))]
    }

    private static func ofHome(_ home: String) throws(Failure) -> [CasePlace] {
        let store = CaseStore(home: home, disk: POSIXDisk())
        do throws(DiskError) {
            return try store.all().map { CasePlace(path: store.path($0.name), status: $0.status) }
        } catch { throw Failure("\(store.directory) cannot be read: \(error)") }
    }

    /// The newest case that an argument stands for.
    static func newest(_ argument: String) throws(Failure) -> CasePlace {
        let all = try all(argument)
        guard let last = all.last(where: { $0.status != .closed }) ?? all.last else {
            throw Failure("\(argument) holds no case: its node has not come apart from the others")
        }
        return last
    }

    private static func status(of path: String) -> CaseStore.Status? {
        guard let (store, name) = store(of: path) else { return nil }
        do throws(DiskError) {
            return try store.all().first { $0.name == name }?.status
        } catch { return nil }
    }

    /// The cases of the home in which a file lies, and its name there; nil where it is elsewhere.
    static func store(of path: String) -> (CaseStore, name: String)? {
        let file = URL(fileURLWithPath: path).standardizedFileURL
        let folder = file.deletingLastPathComponent()
        guard file.pathExtension == "case", folder.lastPathComponent == "cases" else { return nil }
        let home = folder.deletingLastPathComponent().path
        return (
            CaseStore(home: home, disk: POSIXDisk()),
            file.deletingPathExtension().lastPathComponent
        )
    }

    /// Reads it.
    func load() throws(Failure) -> DivergenceCase {
        let bytes = try InputFile.read(path, bytesMax: CaseFile.bytesMax)
        do throws(CaseFault) { return try CaseFile.decode(bytes) } catch {
            throw Failure("\(path): \(error)")
        }
    }
}

/// `recount case list`.
struct CaseListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List cases, and what became of them.",
        discussion: """
              recount case list net
              recount case list net/validator-3 --json

            Exit codes: 0 there is none that is open; 1 there is; 2 one cannot be read.
            """)

    @Argument(help: "Homes, local networks, or files of cases.", completion: .file())
    var places: [String]

    @Flag(help: "Print JSON Lines.")
    var json = false

    @OptionGroup var format: CSVOption

    private struct Row: Encodable {
        let path: String
        let status: String?
        var name: String?
        var height: UInt64?
        var time: UInt64?
        var answer: String?
        var problem: String?
    }

    mutating func run() throws {
        let writer = try RowWriter(
            json: json, format,
            ["path", "status", "name", "height", "time", "answer", "problem"])
        let rows = try places.flatMap { try CasePlace.all($0) }.map(Self.row)
        if let writer {
            for row in rows { try writer.add(row) }
        } else if rows.isEmpty {
            Output.line("no cases: nobody came apart from the others")
        } else {
            var table = Table(
                ("batch", .right), ("validator", .left), ("when", .left), ("differs", .left),
                ("status", .left), ("case", .left))
            for row in rows {
                table.add(
                    row.height.map { Text.grouped($0) } ?? "",
                    (row.name ?? row.problem ?? "").visible,
                    row.time.map { TimeText.of(Time($0)) } ?? "", row.answer ?? "",
                    row.status ?? "", row.path.visible)
            }
            table.print()
        }
        Output.flush()
        if rows.contains(where: { $0.problem != nil }) {
            throw ExitCode(ExitStatus.unusable.rawValue)
        }
        if rows.contains(where: { $0.status == CaseStore.Status.open.rawValue }) {
            throw ExitCode(ExitStatus.wrong.rawValue)
        }
    }

    private static func row(_ place: CasePlace) -> Row {
        var row = Row(path: place.path, status: place.status?.rawValue)
        do throws(Failure) {
            let found = try place.load()
            row.name = found.name
            row.height = found.height.rawValue
            row.time = found.time.rawValue
            row.answer = found.answer.rawValue
        } catch { row.problem = error.message }
        return row
    }
}

/// `recount case export`.
struct CaseExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a copy of a case for others, after checking that it is whole.",
        discussion: """
              recount case export net/validator-3 --out for-the-others.case

            Nothing in a case is secret: it holds what validators and submitters signed for
            all to see, and no key.
            """)

    @Argument(help: "The file of a case, or a home whose newest is meant.", completion: .file())
    var place: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var out: String

    @OptionGroup var replacing: ForceOption

    mutating func run() throws {
        let place = try CasePlace.newest(place)
        let found = try place.load()
        let bytes = CaseFile.encoded(found)
        try OutputFile.write(bytes, to: out, force: replacing.force)
        if out == "-" { return }
        Output.line("\(out): batch \(found.height.rawValue), \(bytes.count) bytes".visible)
    }
}

/// `recount case release`.
struct CaseReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let a node go on that a case has stopped, by your word.",
        discussion: """
              recount case release net/validator-3

            Only you know that the machine is mended, or why the node may be trusted again.
            When it starts next it follows the others, and signs nothing up to the batch in
            dispute; if it comes apart there again, there is another case.
            """)

    @Argument(help: "The file of a case in a home, or a home whose newest is meant.")
    var place: String

    mutating func run() throws {
        let place = try CasePlace.newest(place)
        guard let (store, name) = CasePlace.store(of: place.path) else {
            throw Failure("\(place.path) lies in no home: name the case in cases/ of the node")
        }
        guard place.status != .closed else {
            throw Failure("\(place.path) is closed already: nothing keeps the node back", .wrong)
        }
        do throws(DiskError) { try store.note(.released, of: name) } catch {
            throw Failure("the release of \(place.path) cannot be noted: \(error)")
        }
        Output.line("\(place.path) is released; start the node again".visible)
    }
}

/// `recount case derive`.
struct CaseDeriveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "derive",
        abstract: "Derive the batch of a case again here, and note in it what that came to.",
        discussion: """
              recount case derive net/validator-3

            A node does this when it has stopped. The whole log of the home in which the
            case lies is read and compared with its tree first; elsewhere the state in the
            case serves.
            """)

    @Argument(help: "The file of a case, or a home whose newest is meant.", completion: .file())
    var place: String

    mutating func run() throws {
        let place = try CasePlace.newest(place)
        var found = try place.load()
        let disk = POSIXDisk()
        let at = CasePlace.store(of: place.path)
        let home = at.map { URL(fileURLWithPath: $0.0.directory).deletingLastPathComponent().path }
        let ledger = home.map { "\($0)/ledger" }
        found.derive(
            again: .freshProcess,
            ledgerDirectory: ledger.flatMap {
                FileManager.default.fileExists(atPath: $0) ? $0 : nil
            }, disk: disk, versions: .ours)
        if let (store, name) = at {
            do throws(DiskError) { try store.replace(name, with: found) } catch {
                throw Failure("\(place.path) cannot be written: \(error)")
            }
        }
        Output.line("differs: \(found.answer.rawValue)")
    }
}
