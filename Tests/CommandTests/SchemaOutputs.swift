// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A command whose JSON is held against its schema, and whether it prints an object a line.
struct PrintedCommand: Sendable, CustomTestStringConvertible {
    let schema: String
    let arguments: [String]
    var isLines = false

    init(_ schema: String, _ arguments: String..., isLines: Bool = false) {
        (self.schema, self.arguments, self.isLines) = (schema, arguments, isLines)
    }

    /// The command of a schema with the words that follow it.
    init(named schema: String, _ rest: String, isLines: Bool = false) {
        (self.schema, self.isLines) = (schema, isLines)
        arguments = (schema + " " + rest).split(separator: " ").map(String.init)
    }

    var testDescription: String { arguments.joined(separator: " ") }

    /// What is tried by other tests: what goes on until it is ended, what takes a payment that
    /// nobody is sure of, what takes an accusation, and what wants packages of Python.
    static let elsewhere: Set<String> = [
        "answer", "bridge confirm", "bridge run", "export parquet", "node",
    ]

    static let all = forensics + views + files + makers + (engineIsThere ? results : [])

    private static let forensics = [
        PrintedCommand("why", "why", "validator-3", "lies"),
        PrintedCommand("why", "why", "leader:3", "lies"),
        PrintedCommand("why", "why", "batch:3", "lies"),
        PrintedCommand("diff", "diff", "fork"), PrintedCommand("diff", "diff", "lies"),
        PrintedCommand("bisect", "bisect", "fork/node-0", "--against", "fork/node-1"),
        PrintedCommand("bisect", "bisect", "lies", "--against", "rules"),
        PrintedCommand("culprits", "culprits", "fork", "--journal", "fork"),
        PrintedCommand("culprits", "culprits", "lies"),
        PrintedCommand("evidence verify", "evidence", "verify", "proofs", isLines: true),
        PrintedCommand("evidence verify", "evidence", "verify", "lies/liars.json", isLines: true),
        PrintedCommand("whatif", "whatif", "lies", "--threshold", "4"),
        PrintedCommand(
            "whatif", "whatif", "lies", "--without", "validator-1", "--penalty", "missed=-30"),
        PrintedCommand("disagreements", "disagreements", "lies"),
        PrintedCommand("disagreements", "disagreements", "lies", "--by", "validator"),
        PrintedCommand("disagreements", "disagreements", "lies", "--by", "pair"),
        PrintedCommand("audit", "audit", "lies/node-0"), PrintedCommand("audit", "audit", "lies"),
        PrintedCommand("audit", "audit", "lies/node-0", "--from", "60", "--to", "90"),
        PrintedCommand("audit", "audit", "lies/node-0", "--jobs", "2"),
        PrintedCommand("audit", "audit", "fork"),
        PrintedCommand("audit", "audit", "--combine", "piece-0.json", "piece-1.json"),
        PrintedCommand(
            "audit", "audit", "lies/node-0", "--combine", "piece-0.json", "piece-1.json",
            "--recheck", "1"),
        PrintedCommand("audit", "audit", "--combine", "piece-1.json"),
        PrintedCommand("case show", "case", "show", "memory"),
        PrintedCommand("case list", "case", "list", "memory", "lies/liars.json", isLines: true),
        PrintedCommand("case verify", "case", "verify", "memory", isLines: true),
    ]

    private static let views = [
        PrintedCommand(named: "log", "lies/node-0", isLines: true),
        PrintedCommand(named: "log", "net --last 40", isLines: true),
        PrintedCommand(named: "requests", "lies/node-0", isLines: true),
        PrintedCommand(named: "validators", "lies/node-0", isLines: true),
        PrintedCommand(named: "validators", "lies/node-0 --by-round", isLines: true),
        PrintedCommand(named: "leaders", "lies/node-0"),
        PrintedCommand(named: "leaders", "net --only requests"),
        PrintedCommand(named: "leaders", "net --only batches"),
        PrintedCommand(named: "chart reputation", "lies/node-0"),
        PrintedCommand(named: "chart leaders", "lies/node-0"),
        PrintedCommand(named: "show request", "lies/node-0 3"),
        PrintedCommand(named: "show request", "lies/node-0 70"),
        PrintedCommand(named: "show entry", "lies/node-0 0"),
        PrintedCommand(named: "show entry", "lies/node-0 9"),
        PrintedCommand(named: "show validator", "lies/node-0 0"),
        PrintedCommand(named: "show validator", "lies/node-0 3"),
        PrintedCommand(named: "show reputation", "lies/node-0 3"),
        PrintedCommand(named: "show leader", "lies/node-0 3"),
        PrintedCommand(named: "show leader", "lies/node-0 REQUEST"),
        PrintedCommand(named: "show batch", "lies/node-0 0"),
        PrintedCommand(named: "show batch", "lies/node-0 3"),
        PrintedCommand(named: "show nullifier", "lies/node-0 NULLIFIER"),
        PrintedCommand(named: "show job", "lies/node-0 66"),
        PrintedCommand(named: "job show", "lies/node-0 66"),
        PrintedCommand(named: "job list", "lies/node-0", isLines: true),
        PrintedCommand(named: "ledger info", "lies/node-0"),
        PrintedCommand(named: "ledger check", "lies/node-0"),
        PrintedCommand(named: "replay", "lies/node-0"),
        PrintedCommand(named: "replay", "lies/node-0 --to 30"),
        PrintedCommand(named: "projections rebuild", "lies/node-0"),
        PrintedCommand(named: "projections verify", "lies/node-0"),
        PrintedCommand(named: "projections info", "lies/node-0"),
    ]

    private static let files = [
        PrintedCommand(named: "prove entry", "lies/node-0 5"),
        PrintedCommand(named: "prove consistency", "lies/node-0 10 30"),
        PrintedCommand(named: "prove check", "entry.json --root ROOT"),
        PrintedCommand(named: "prove check", "entry.json --root LEDGER"),
        PrintedCommand(named: "prove request", "net DECIDED --out again.rcct"),
        PrintedCommand(named: "certificate show", "decision.rcct"),
        PrintedCommand(
            named: "certificate verify", "decision.rcct --policy 3-of-4 --ledger LEDGER"),
        PrintedCommand(named: "certificate verify", "decision.rcct --policy 3-of-4 --ledger ROOT"),
        PrintedCommand(named: "checkpoint sign", "net --key-file unlock.key"),
        PrintedCommand(named: "checkpoint show", "net"),
        PrintedCommand(named: "checkpoint show", "signed.checkpoint"),
        PrintedCommand(named: "checkpoint cosign", "net signed.checkpoint --key-file unlock.key"),
        PrintedCommand(
            named: "checkpoint verify", "signed.checkpoint --policy 3-of-4 --keys validators.keys"),
        PrintedCommand(named: "snapshot", "lies/node-0 --every 40 --out marks"),
        PrintedCommand(named: "snapshot", "lies/node-0"),
        PrintedCommand(named: "backup", "lies/node-0 copy"),
        PrintedCommand(named: "backup list", "copy"),
        PrintedCommand(named: "doctor", "net --backups copy"),
        PrintedCommand(named: "doctor", "net/validator-1 --key-file unlock.key"),
        PrintedCommand(named: "drill", "net/validator-1 --key-file unlock.key --keep"),
        PrintedCommand(named: "export tiles", "net tile-files"),
        PrintedCommand(
            named: "proof verify",
            "--key samples/withdraw_verification_key.json --proof proof.json --public public.json"),
    ]

    private static let makers = [
        PrintedCommand(named: "init", "net-2 --config recount.toml --key-file unlock.key"),
        PrintedCommand(named: "init", "net-2 --join newcomer --key-file unlock.key"),
        PrintedCommand(named: "keygen", "homes/wallet --name wallet --submitter"),
        PrintedCommand(
            named: "keygen", "homes/alice --name alice --listen /ip4/127.0.0.1/tcp/4100"),
        PrintedCommand(
            named: "genesis",
            "--config one.toml --out genesis.recount p/validator-1/validator-1.public"
                + " p/submitter/submitter.public p/bridge/bridge.public"),
        PrintedCommand(named: "genesis accept", "p/validator-1 genesis.recount"),
        PrintedCommand(named: "request id", "few.jsonl --ledger net", isLines: true),
        PrintedCommand(
            named: "request id", "few.jsonl --genesis genesis.recount", isLines: true),
        PrintedCommand(
            named: "run", "net-2 --requests few.jsonl --key-file unlock.key --malicious 1",
            isLines: true),
        PrintedCommand(
            named: "submit", "net --request more.jsonl --key-file unlock.key", isLines: true),
        PrintedCommand(
            named: "submit", "net --request few.jsonl --key-file unlock.key --wait",
            isLines: true),
        PrintedCommand(
            named: "govern propose",
            "net root circuit=withdraw root=1234 --out change.json --sign --key-file unlock.key"),
        PrintedCommand(named: "govern show", "change.json net"),
        PrintedCommand(named: "govern show", "change.json"),
        PrintedCommand(named: "govern submit", "net change.json"),
        PrintedCommand(named: "bridge show", "net --key-file unlock.key"),
        PrintedCommand(named: "bridge rebuild", "net --key-file unlock.key"),
        PrintedCommand(
            named: "job submit",
            "net samples/modules/reverse.wasm --input few.jsonl --key-file unlock.key"),
        PrintedCommand(named: "job list", "net", isLines: true),
        PrintedCommand(named: "job run", "samples/modules/reverse.wasm --input few.jsonl"),
        PrintedCommand(named: "recover", "net-2/validator-3 --new-journals"),
        PrintedCommand(named: "config", "", isLines: true),
        PrintedCommand(named: "config check", "recount.toml"),
        PrintedCommand(named: "config check", "one.toml"),
        PrintedCommand(named: "schema", "", isLines: true),
        PrintedCommand(
            named: "simulate", "--nodes 1 --byzantine 0 --milliseconds 500"),
    ]

    /// What needs an engine.
    private static let results = [
        PrintedCommand(named: "job result", "net JOB"),
        PrintedCommand(named: "job result", "net JOB --out result.json"),
    ]

    /// What a command printed each time here, and does not where something is otherwise: where
    /// nothing is decided yet, a file is absent, or a configuration wrong.
    static let rare: [String: Set<String>] = [
        "case show": ["needed", "entries"], "doctor": ["commit"],
        "drill": ["root", "entries_recovered", "scratch"],
        "requests": [
            "reason", "decided", "close_cause", "decided_time", "margin", "deciding", "closed",
            "closing_approvals", "spare",
        ],
        "show request": [
            "margin", "decision_entry", "result", "deciding", "closing_approvals", "spare",
        ],
        "show leader": ["leader", "leader_name"], "show nullifier": ["decimal"],
        "ledger info": ["height", "state_root"], "projections verify": ["entries", "rows"],
        "projections info": [
            "root", "state_root", "behind", "bytes", "file", "height", "entries",
        ],
        "prove entry": ["index", "leaf_hash", "entry"],
        "prove consistency": ["old_size", "old_root"],
        "checkpoint sign": ["notices", "path"], "checkpoint show": ["path"],
        "checkpoint cosign": ["path"],
        "checkpoint verify": ["path", "valid", "signers", "unknown", "policy"],
        "backup": ["snapshot_height"], "config check": ["validators", "circuits", "threshold"],
        "govern propose": ["says"], "govern submit": ["says"],
        "job run": ["output", "output_bytes", "reason", "detail"], "bridge rebuild": ["set_aside"],
        "proof verify": ["public_inputs"],
    ]
}

/// What runs left behind that the commands are asked about; all of them are made at once.
struct SchemaRuns {
    let folder: TemporaryFolder
    /// What stands for what is known only now.
    private var words: [String: String] = [:]

    static let shared = Result { try SchemaRuns() }

    private struct Unmade: Error { let why: String }

    private init() throws {
        folder = try TemporaryFolder()
        try simulate("memory", "--byzantine", "0", "--faults", "memory", "--seed", "1")
        try simulate(
            "lies", "--byzantine", "1", "--strategy", "false-verdicts", "--faults", "calm",
            "--seed", "5")
        try simulate(
            "fork", "--byzantine", "2", "--strategy", "equivocating-proposer", "--faults",
            "partitions", "--seed", "2")
        try makeNetwork()
        try makeFiles()
    }

    private func simulate(_ name: String, _ options: String...) throws {
        let common = ["simulate", "--nodes", "4", "--seconds", "5", "--out"]
        let made = try Command.run(common + ["\(folder.path)/\(name)"] + options)
        guard [0, 1].contains(made.status) else { throw Unmade(why: made.errors) }
    }

    /// Runs a command that must succeed.
    @discardableResult private func make(_ line: String) throws -> CommandResult {
        let made = try run(line.split(separator: " ").map(String.init))
        guard made.status == 0 else { throw Unmade(why: "\(line): \(made.errors)") }
        return made
    }

    private mutating func makeNetwork() throws {
        let samples = try String(contentsOfFile: samplesFolder + "/recount.toml", encoding: .utf8)
        let circuit = samples[
            (samples.range(of: "[[circuits]]")?.lowerBound ?? samples.endIndex)...
        ]
        .replacingOccurrences(
            of: "withdraw_verification_key.json",
            with: samplesFolder + "/withdraw_verification_key.json")
        for (name, count) in [("recount.toml", 4), ("one.toml", 1)] {
            let head =
                "[consensus]\nthreshold = \(count == 4 ? 3 : 1)\ntotal_validators = \(count)\n"
            _ = try folder.write(Array((head + circuit).utf8), name)
        }
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n")
        for (name, some) in [("few.jsonl", lines[..<4]), ("more.jsonl", lines[4..<6])] {
            _ = try folder.write(Array((some.joined(separator: "\n") + "\n").utf8), name)
        }
        try make("init net --config recount.toml --key-file unlock.key")
        let job = "net samples/modules/reverse.wasm --input few.jsonl --key-file unlock.key"
        words["JOB"] = try make("job submit \(job) --json").object()["job_id"] as? String
        try make("run net --requests few.jsonl --key-file unlock.key")
        for name in ["p", "homes"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
        }
        for party in ["validator-1 --listen /ip4/127.0.0.1/tcp/4100", "submitter --submitter"] {
            try make("keygen p/\(party.prefix { $0 != " " }) --name \(party)")
        }
        try make("keygen p/bridge --bridge --listen /ip4/127.0.0.1/tcp/4101")
    }

    private mutating func makeFiles() throws {
        let signed = try make("checkpoint sign net --key-file unlock.key --json").object()
        let path = try #require(signed["path"] as? String)
        try FileManager.default.copyItem(atPath: path, toPath: folder.path + "/signed.checkpoint")
        let decided = try #require(try make("requests net --json").objects().first?["entry"])
        words["DECIDED"] = "\(decided)"
        try make("prove request net DECIDED --out decision.rcct")
        let entry = try make("prove entry lies/node-0 5 --json")
        _ = try folder.write(Array(entry.output.utf8), "entry.json")
        let shown = try make("show request lies/node-0 3 --json").object()
        let request = try #require(shown["request"] as? [String: Any])
        words["ROOT"] = try entry.object()["root"] as? String
        words["LEDGER"] = try make("ledger info net --json").object()["ledger_id"] as? String
        words["REQUEST"] = request["request_id"] as? String
        words["NULLIFIER"] = (request["nullifiers"] as? [String])?.first
        let keys = try make("validators net --json").objects().compactMap { $0["key"] as? String }
        _ = try folder.write(Array((keys.joined(separator: "\n") + "\n").utf8), "validators.keys")
        try makeProof()
        try makePieces()
        let found = try run(["culprits", "lies", "--out", "proofs"])
        guard found.status == 1 else { throw Unmade(why: found.errors) }
    }

    /// The verdicts on two ranges that are one ledger together.
    private func makePieces() throws {
        let first = try make("audit lies/node-0 --from 0 --to 90 --json")
        _ = try folder.write(Array(first.output.utf8), "piece-0.json")
        let range = try #require(try first.object()["range"] as? [String: Any])
        let end = try #require((range["end"] as? [String: Any])?["size"])
        let second = try make("audit lies/node-0 --from \(end) --json")
        _ = try folder.write(Array(second.output.utf8), "piece-1.json")
    }

    /// The proof of the first sample, and its public inputs.
    private func makeProof() throws {
        let line = try String(contentsOfFile: folder.path + "/few.jsonl", encoding: .utf8)
            .split(separator: "\n")[0]
        let sample =
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        for (name, field) in [("proof.json", "proof"), ("public.json", "public_inputs")] {
            let part = try #require(sample[field])
            _ = try folder.write(try JSONSerialization.data(withJSONObject: part), name)
        }
    }

    /// What a command prints as JSON.
    func run(_ command: PrintedCommand) throws -> CommandResult {
        try run(command.arguments + ["--json"])
    }

    private func run(_ arguments: [String]) throws -> CommandResult {
        try Command.run(arguments.map(path))
    }

    /// A word as it is, or what it stands for: a file in the folder, or what is known by now.
    private func path(_ word: String) -> String {
        if let known = words[word] { return known }
        if word.hasPrefix("samples/") { return samplesFolder + word.dropFirst("samples".count) }
        let first = String(word.prefix { $0 != "/" })
        let names = [
            "lies", "fork", "memory", "proofs", "net", "net-2", "p", "copy", "tile-files", "homes",
            "marks",
        ]
        let isFile = [
            ".json", ".toml", ".rcct", ".jsonl", ".key", ".keys", ".recount", ".checkpoint",
            ".rcev",
        ]
        .contains { word.hasSuffix($0) }
        return names.contains(first) || isFile ? "\(folder.path)/\(word)" : word
    }
}
