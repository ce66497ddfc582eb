// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Projections
import Storage

/// `recount checkpoint`.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Signed sizes and roots of a ledger: C2SP checkpoints.",
        discussion: """
            A checkpoint names the size and the root of a log. The validator that proposed
            the batch signs it, the others cosign it (C2SP signed-note, tlog-checkpoint,
            tlog-cosignature). A node writes them to checkpoints/ as it runs. Whoever has
            one with enough cosignatures need trust neither the copy of the ledger that
            they read nor where it came from.
            """,
        subcommands: [
            CheckpointShowCommand.self, CheckpointSignCommand.self,
            CheckpointCosignCommand.self, CheckpointVerifyCommand.self,
        ])
}

/// What a checkpoint says, for machines.
struct CheckpointResult: Encodable {
    struct Line: Encodable {
        let name: String
        let keyID: String
        let cosignedAt: UInt64?
        /// What the ledger calls the validator whose key it is, where that is known.
        fileprivate(set) var validatorName: String?
    }

    let origin: String
    let size: UInt64
    let root: String
    /// What another log says beside, line by line.
    let extensionLines: [String]?
    private(set) var signatures: [Line]
    var path: String?
    var notices: [String]?
    var valid: Bool?
    var signers: [String]?
    var unknown: [String]?
    var policy: String?

    init(_ signed: SignedCheckpoint) {
        origin = signed.checkpoint.origin
        size = signed.head.size
        root = signed.head.root.hex
        let lines = signed.checkpoint.extensionLines.map { String(decoding: $0, as: UTF8.self) }
        extensionLines = lines.isEmpty ? nil : lines
        signatures = signed.note.signatures.map { line in
            // Eight digits, as keys are written.
            let digits = String(line.keyID, radix: 16)
            return Line(
                name: line.name.description,
                keyID: String(repeating: "0", count: 8 - digits.utf8.count) + digits,
                cosignedAt: line.cosignatureSeconds)
        }
    }

    /// Finds out what the ledger in a directory calls those who cosigned.
    mutating func name(by directory: String) throws(Failure) {
        let opened = try OpenedViews(log: try openLedger(directory))
        let parties = try opened.ask { views throws(ViewError) in try views.parties() } ?? []
        name(by: parties.map { ($0.key, $0.name) })
    }

    /// Says what those who cosigned are called, by their keys.
    mutating func name(by parties: [(key: String, name: String)]) {
        for place in signatures.indices {
            let key = signatures[place].name.suffix(64)
            signatures[place].validatorName = parties.first { $0.key == key }?.name
        }
    }

    /// The lines that every command about a checkpoint shows.
    func listing() -> Listing {
        var list = Listing()
        if let path { list.add("checkpoint", path) }
        list.add("origin", origin)
        list.add("size", Text.count(size, "entry", "entries"))
        list.add("root", root)
        for line in extensionLines ?? [] { list.add("says too", line) }
        let cosigned = UInt64(signatures.count { $0.cosignedAt != nil })
        let own = UInt64(signatures.count) - cosigned
        list.add(
            "signatures",
            "\(own) by the log, \(Text.count(cosigned, "cosignature"))"
        )
        return list
    }
}

/// Reads a checkpoint from a file, standard input, or the newest of a ledger.
enum CheckpointInput {
    /// The directory of the ledger that a path means; nil where it means a file.
    static func ledger(_ path: String) -> String? {
        let directory = Place.ledger(path)
        return FileManager.default.fileExists(atPath: "\(directory)/segments") ? directory : nil
    }

    /// Reads the one that is named, or the newest of a node in the place of it.
    static func read(
        _ path: String?, _ node: AskedNode?
    ) throws(Failure) -> (signed: SignedCheckpoint, path: String) {
        guard let node else { return try read(path ?? "-") }
        let bytes = try node.ask { node throws(ClientError) in
            try node.bytes(["checkpoint"], bytesMax: SignedNote.bytesMax)
        }
        do throws(NoteError) {
            return (try SignedCheckpoint(bytes), "\(node.name)/checkpoint")
        } catch {
            throw Failure("what \(node.name) gives is no checkpoint: \(error)")
        }
    }

    static func read(_ path: String) throws(Failure) -> (signed: SignedCheckpoint, path: String) {
        if let directory = ledger(path) { return try newest(in: directory) }
        let bytes = try InputFile.read(path, bytesMax: SignedNote.bytesMax)
        do throws(NoteError) {
            return (try SignedCheckpoint(bytes), path)
        } catch {
            throw Failure("\(path) is no checkpoint: \(error)")
        }
    }

    private static func newest(
        in directory: String
    ) throws(Failure) -> (signed: SignedCheckpoint, path: String) {
        do {
            let ledger = try LedgerStore.identity(of: directory, disk: POSIXDisk())
            let store = CheckpointStore(
                logDirectory: directory, origin: Checkpoint.origin(ofLedger: ledger.digest),
                disk: POSIXDisk())
            let newest = try store.newest()
            for damage in newest.damaged { Output.warning("\(damage)") }
            guard let signed = newest.checkpoint else {
                throw Failure(
                    "\(directory) has no checkpoint yet: a node makes them as it runs, and"
                        + " `recount checkpoint sign` makes one now")
            }
            return (signed, store.path(signed.head.size))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(directory): \(error)")
        }
    }
}

/// `recount checkpoint show`.
struct CheckpointShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Say what a checkpoint says, without checking its signatures.",
        discussion: """
              recount checkpoint show home
              recount checkpoint show some.checkpoint --note
              recount checkpoint show --node http://127.0.0.1:5100
            """)

    @Argument(
        help: "A file, - for standard input, or a ledger for its newest.", completion: .file())
    var checkpoint: String?

    @OptionGroup var option: NodeOption

    @Flag(help: "Print the note as it is, for other tools.")
    var note = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try option.check(instead: checkpoint, "checkpoint")
        if note, json { throw ValidationError("give --note or --json, not both") }
    }

    mutating func run() throws {
        let (signed, path) = try CheckpointInput.read(checkpoint, option.asked)
        if note {
            Output.flush()
            return Output.pour(signed.bytes)
        }
        var result = CheckpointResult(signed)
        result.path = path
        if let node = option.asked {
            result.name(
                by: try node.value(ValidatorsAnswer.self, ["validators"]).validators
                    .map { ($0.key, $0.name) })
        } else if let directory = CheckpointInput.ledger(checkpoint ?? "") {
            try result.name(by: directory)
        }
        if json { return try Output.json(result) }
        result.listing().print()
        var table = Table(
            ("validator", .left), ("by", .left), ("key id", .left), ("cosigned", .left))
        for line in result.signatures {
            table.add(
                line.validatorName ?? "", line.name, line.keyID,
                line.cosignedAt.map { UTC.text(Time($0.multipliedReportingOverflow(by: 1000).0)) }
                    ?? "")
        }
        Output.line()
        table.print()
    }
}

/// `recount checkpoint sign`.
struct CheckpointSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Make a checkpoint of a ledger as it is now.",
        discussion: """
            The validator of the home signs and cosigns; of a local network the first
            signs, and all cosign whose ledgers hold the same. The note is kept in
            checkpoints/ of the ledger that was signed. Only while the node does not run:
            then it makes them by itself.

              recount checkpoint sign net
            """)

    @Argument(help: "The home of a validator, or a local network.", completion: Completions.homes)
    var home: String

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        do throws(NodeError) {
            try show(try NodeCheckpoints.sign(try Self.homes(home, keyFile)))
        } catch {
            throw Failure("\(error)")
        }
    }

    private static func homes(
        _ path: String, _ keyFile: String?
    ) throws(NodeError) -> [NodeHome] {
        guard !LocalNetwork.names(in: path).isEmpty else {
            return [
                try NodeHome.open(
                    at: path,
                    protection: try Passphrase.protection(ofNode: path, keyFile: keyFile))
            ]
        }
        return try LocalNetwork.open(
            at: path, only: Place.withLedger(path),
            protection: try Passphrase.protection(ofNetwork: path, keyFile: keyFile)
        ).nodes
    }

    private func show(
        _ made: (signed: SignedCheckpoint, path: String, notices: [String])
    ) throws(NodeError) {
        var result = CheckpointResult(made.signed)
        result.path = made.path
        result.notices = made.notices
        do throws(Failure) {
            if json { return try Output.json(result) }
        } catch {
            throw .note(error.message)
        }
        for notice in made.notices { Output.warning(notice) }
        result.listing().print()
    }
}

/// `recount checkpoint cosign`.
struct CheckpointCosignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cosign",
        abstract: "Add the cosignatures of validators to a checkpoint.",
        discussion: """
            A validator cosigns only what its own ledger holds, and what continues the last
            checkpoint that it cosigned; it notes that durably before it signs. What is
            refused here is a fork or a rollback, and worth finding out about.

              recount checkpoint cosign net/validator-3 some.checkpoint
              recount checkpoint cosign net some.checkpoint --validator validator-3

            The file is replaced by one with the new lines, which is also kept in
            checkpoints/. Exit codes: 0 cosigned, 1 refused, 2 it could not be judged.
            """)

    @Argument(help: "The home of a validator, or a local network.", completion: Completions.homes)
    var home: String

    @Argument(help: "The checkpoint.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("Only this validator; may be repeated.", valueName: "name"))
    var validator: [String] = []

    @Option(
        help: ArgumentHelp("Write the result here instead.", valueName: "file"), completion: .file()
    )
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        try OutputFile.check(
            out ?? file, force: replacing.force || out == nil, json: json)
        let (signed, _) = try CheckpointInput.read(file)
        var cosigned = signed
        let homes = try Place.homes(home)
        do throws(NodeError) {
            let known = Place.withLedger(home)
            for name in validator where !known.isEmpty && !known.contains(name) {
                throw .unknownName(kind: "validator", name, known: known)
            }
            for path in homes {
                let node = try NodeHome.open(
                    at: path,
                    protection: try Passphrase.protection(ofNode: path, keyFile: keyFile))
                guard validator.isEmpty || validator.contains(node.validator) else { continue }
                cosigned = try NodeCheckpoints.cosign(cosigned, node)
            }
        } catch {
            switch error {
            case .cosign, .notOfThisLedger: throw Failure("\(error)", .wrong)
            default: throw Failure("\(error)")
            }
        }
        let path = out ?? file
        // In place of itself, a file is replaced by what it becomes.
        try OutputFile.write(cosigned.bytes, to: path, force: replacing.force || out == nil)
        if path == "-" { return }
        var result = CheckpointResult(cosigned)
        result.path = path
        if json { return try Output.json(result) }
        result.listing().print()
    }
}

/// `recount checkpoint verify`.
struct CheckpointVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check who signed a checkpoint, and whether they are enough.",
        discussion: """
            Of a ledger, takes the newest checkpoint, checks that the log has its size and
            root, and counts the signatures of its validators. Of a file, the keys must be
            named: one a line, 64 hexadecimal digits or a C2SP verifier key.

              recount checkpoint verify home --policy 7-of-10
              recount checkpoint verify some.checkpoint --policy 7-of-10 \\
                --keys validators.txt
              recount checkpoint verify --node http://127.0.0.1:5100 --policy 7-of-10 \\
                --keys validators.txt

            Exit codes: 0 enough signed, 1 too few or a false signature, 2 it could not be
            judged.
            """)

    @Argument(help: "A ledger, a file, or - for standard input.", completion: .file())
    var checkpoint: String?

    @OptionGroup var option: NodeOption

    @Option(help: ArgumentHelp("How many of how many keys must have signed.", valueName: "T-of-N"))
    var policy: String

    @Option(help: ArgumentHelp("The keys, one a line.", valueName: "file"), completion: .file())
    var keys: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws { try option.check(instead: checkpoint, "checkpoint") }

    mutating func run() throws {
        let (signed, path) = try CheckpointInput.read(checkpoint, option.asked)
        let known: CheckpointPolicy
        let candidates = try policyKeys(signed)
        do throws(PolicyError) {
            known = try CheckpointPolicy(quorum: try Quorum(policy), keys: candidates)
        } catch {
            throw Failure("--policy \(policy): \(error)")
        }
        var result = CheckpointResult(signed)
        result.path = path
        result.policy = known.quorum.description
        var problem: String?
        do throws(NoteError) {
            let verdict = try known.verdict(on: signed, origin: signed.checkpoint.origin)
            result.signers = verdict.signers.map(\.hex)
            result.unknown = verdict.unknown.map(\.name.description)
            result.valid = verdict.isReached
            if !verdict.isReached {
                problem =
                    "\(verdict.signers.count) of the keys signed, and the policy wants"
                    + " \(known.quorum.threshold)"
            }
        } catch {
            result.valid = false
            problem = "\(error)"
        }
        if json {
            try Output.json(result)
        } else {
            var list = result.listing()
            list.add("policy", known.quorum.description)
            list.add("signed by", "\(result.signers?.count ?? 0) of its keys")
            if let unknown = result.unknown, !unknown.isEmpty {
                list.add("unknown", "\(unknown.count) signatures of other keys, not counted")
            }
            list.print()
        }
        if let problem { throw Failure("the checkpoint is not good: \(problem)", .wrong) }
        if !json { Output.line("The checkpoint is good.") }
    }

    /// The keys named, or those of the ledger's validators at its end.
    private func policyKeys(_ signed: SignedCheckpoint) throws(Failure) -> [PolicyKey] {
        if let keys {
            let bytes = try InputFile.read(keys, bytesMax: 16 << 20)
            do throws(PolicyError) { return try PolicyKey.list(bytes) } catch {
                throw Failure("\(keys): \(error)")
            }
        }
        guard option.node == nil, let directory = CheckpointInput.ledger(checkpoint ?? "-") else {
            throw Failure(
                "whose signatures? name the keys with --keys, or a ledger instead of a file")
        }
        let opened = try openStored(directory, .readOnly)
        let log = opened.log
        let root: Digest?
        do throws(LogError) {
            root = signed.head.size <= log.size ? try log.root(at: signed.head.size) : nil
        } catch {
            throw failure(error, directory)
        }
        guard root == signed.head.root else {
            throw Failure("the log has another root at size \(signed.head.size)", .wrong)
        }
        return opened.state.members.compactMap { opened.state.validator($0) }
            .map { .validator($0.key) }
    }
}
