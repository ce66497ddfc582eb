// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the program answers to those who mistype, and to programs that read its errors.
struct UsageTests {
    @Test(arguments: [
        (["audti", "x"], "recount has no command 'audti'; did you mean audit?"),
        (["job", "shwo", "x"], "recount job has no command 'shwo'; did you mean show?"),
        (
            ["show", "requst", "x", "1"],
            "recount show has no command 'requst'; did you mean request?"
        ),
        (["case", "lst"], "recount case has no command 'lst'; did you mean list?"),
        (
            ["rebuild", "x"],
            "recount has no command 'rebuild'; did you mean recount bridge rebuild?"
        ),
        (["govern", "x\u{1B}[2J"], #"recount govern has no command 'x\u{1B}[2J'"#),
    ])
    func `a mistyped command is answered with the nearest`(_ words: [String], _ answer: String)
        throws
    {
        let result = try Command.run(words)
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("Error: \(answer)\n"), "\(result.errors)")
        #expect(result.errors.contains("Usage: recount"))
    }

    @Test func `a mistyped option is answered with the nearest`() throws {
        let result = try Command.run("audit", "x", "--strct")
        #expect(result.errors.contains("Did you mean '--strict'?"))
    }

    @Test func `the version is that which validators announce`() throws {
        let result = try Command.run("--version")
        #expect(result.status == 0)
        #expect(result.lines.first?.wholeMatch(of: /recount [0-9]+\.[0-9]+\.[0-9]+/) != nil)
        // A build that was not told of a commit names none, and never another's.
        #expect(result.output.contains(/\ncommit ([0-9a-f]{40}|unknown: the build was not told)\n/))
        #expect(result.output.contains("ledger format 1\n"))
        #expect(result.output.contains("jobs run by wasmtime "))
        #expect(try Command.run("audit", "--version").output == result.output)
    }

    @Test(arguments: [
        (["audit", "/absent", "--json"], "unusable", 2), (["audit", "--json"], "unusable", 2),
        (["audti", "--json"], "unusable", 2),
        (["requests", "/absent", "--json", "--no-such"], "unusable", 2),
    ])
    func `with --json errors are JSON`(_ words: [String], _ word: String, _ code: Int32) throws {
        let result = try Command.run(words)
        #expect(result.status == code)
        #expect(result.output.isEmpty)
        let lines = result.errors.split(separator: "\n")
        let error = try JSONValue(parsing: try #require(lines.last)).members
        #expect(error["error"]?.text == word)
        #expect(error["exit_code"]?.whole == Int64(code))
        #expect(error["message"]?.text?.isEmpty == false)
        #expect(Set(error.keys) == ["error", "exit_code", "message"])
    }

    @Test(.enabled(if: samplesAreThere, "no samples"))
    func `with --json notes are JSON too`() throws {
        let network = try Journey.shared.get().network
        let result = try Command.run("ledger", "info", network, "--json")
        let note = try JSONValue(parsing: result.errors).members
        #expect(note["note"]?.text?.contains("is a local network") == true)
        #expect(try Command.run("ledger", "info", network).errors.hasPrefix("note: "))
    }
}

/// What nobody outside a program should have to read.
struct PlainWordsTests {
    /// What Swift and Foundation write where nobody found words.
    private static let dumps = [
        "rawValue", "Optional(", "value0", "Domain", "errno:", "NSCocoa", "UserInfo",
        "Swift.", "Foundation.", "(null)", "Error Code=",
    ]

    /// Commands that fail, each in its own way; F is a folder, E an empty file, T a text, U
    /// something that no folder can be made in.
    private static let failing = [
        "audit F", "audit E", "audit /absent", "audit T --progress F", "replay F", "log F",
        "log E", "show request F 1", "show entry F 9", "show batch E 1", "requests E",
        "validators T", "leaders T", "chart reputation T", "chart leaders T", "ledger info T",
        "ledger check T", "diff F F", "diff T E", "why 1 F", "why leader:x F",
        "bisect F --against F",
        "culprits F", "culprits F --out T", "evidence verify F", "evidence verify E",
        "answer F --accusation E", "whatif F", "disagreements F", "report F --html U/a",
        "case list T", "case show T", "case verify T", "case export T --out U/a",
        "prove entry F 1", "prove consistency F 1 2", "prove request F 1", "prove check E",
        "certificate show E", "certificate verify T --policy 1-of-1", "certificate show F",
        "certificate page E --out U/a", "certificate page F --out U/a",
        "checkpoint show E", "checkpoint verify E --keys E", "checkpoint sign T",
        "checkpoint cosign T E", "snapshot T", "backup F U/a", "backup T E",
        "recover F --from T --trust E", "recover T --new-journals", "bridge show F",
        "bridge rebuild T", "bridge confirm T 1", "export tiles F U/a",
        "simulate --nodes 1 --byzantine 0 --milliseconds 100 --out U/a",
        "proof verify --key E --proof E --public E", "proof verify --key F --proof F --public F",
        "projections rebuild T", "projections verify F", "projections info E", "config check F",
        "config check T", "init U/a", "init T", "init F --config T",
        "keygen U/a --name a", "keygen T --name a", "genesis E --config T --out U/a",
        "genesis T --config E --out U/a", "genesis accept T T", "genesis accept F E", "run F",
        "run T", "node F", "node T", "submit F --request E", "submit T --request F",
        "submit --node http://127.0.0.1:1 --request E", "requests --node http://127.0.0.1:1",
        "govern propose F leave validator=1", "govern sign T F", "govern show F F",
        "govern show E F", "govern submit F T", "job run F", "job run E", "job run T --out U/a",
        "job submit F T", "job list T", "job show F 1", "job result F 1", "job result E 1 --out F",
        "schema no such",
    ]

    @Test(arguments: failing)
    func `what fails is said in words`(_ line: String) throws {
        let folder = try TemporaryFolder()
        let places = [
            "F": folder.path + "/folder", "E": try folder.write([], "empty"),
            "T": try folder.write(Array("words\n".utf8), "text"),
            "U": "/proc/self/nothing",
        ]
        try FileManager.default.createDirectory(
            atPath: folder.path + "/folder", withIntermediateDirectories: false)
        let words = line.split(separator: " ").map { word in
            let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            return places[String(parts[0])].map { ([$0] + parts.dropFirst().map(String.init)) }?
                .joined(separator: "/") ?? String(word)
        }
        for words in [words, words + ["--json"]] {
            let result = try Command.run(words)
            let said = result.errors + result.output
            #expect(result.status == 1 || result.status == 2, "\(result.status) \(said)")
            #expect(!said.isEmpty)
            for dump in Self.dumps { #expect(!said.contains(dump), "\(dump): \(said)") }
        }
    }

    @Test(arguments: [
        (">&-", "standard output cannot be written: Bad file descriptor"),
        (">/dev/full", "standard output cannot be written: No space left on device"),
        ("2>&-", ""), (">&- 2>&-", ""), ("<&-", ""),
    ])
    func `streams that are closed or full are no trap`(_ streams: String, _ words: String) throws {
        let result = try Command.execute(
            "/bin/sh",
            ["-c", "'\(Command.path)' \(words.isEmpty ? "no-such" : "config") \(streams)"])
        #expect(result.status == 2)
        #expect(result.errors.contains(words) || words.isEmpty, "\(result.errors)")
        for dump in Self.dumps { #expect(!result.errors.contains(dump), "\(result.errors)") }
    }
}

/// An answer that cannot be written is an error, whoever writes it.
struct FullOutputTests {
    @Test(arguments: [
        "--help", "help", "help audit", "audit --help", "bridge run -h", "--version",
        "--generate-completion-script bash", "--experimental-dump-help", "config", "schema why",
        "config --json", "schema --json",
    ])
    func `a full disk gives 2 and one line`(_ line: String) throws {
        let result = try Command.execute("/bin/sh", ["-c", "'\(Command.path)' \(line) >/dev/full"])
        #expect(result.status == 2)
        #expect(result.lines.isEmpty)
        let errors = result.errors.split(separator: "\n")
        let words = "standard output cannot be written: No space left on device"
        #expect(errors.count == 1, "\(result.errors)")
        guard line.contains("--json") else {
            return #expect(result.errors == "recount: \(words)\n")
        }
        let said = try JSONValue(parsing: result.errors)
        #expect(said.members["message"]?.text == words)
        #expect(said.members["exit_code"]?.whole == 2)
    }
}

/// A flag that would change nothing is refused.
struct IdleFlagTests {
    @Test(arguments: [
        ("submit x --request y --patience 3", "--wait"),
        ("govern propose x leave validator=a --key-file k", "--sign"),
        ("govern propose x leave validator=a --wait", "--submit"),
        ("chart leaders x --json --svg a.svg", "--svg"),
        ("chart leaders x --svg a.svg --ascii", "--ascii"),
        ("chart reputation x --json --rows 9", "--rows"), ("why 1 x --json --graph", "--graph"),
        ("checkpoint show x --note --json", "--note"),
        ("recover x --new-journals --policy 1-of-1 --keys k", "--trust"),
        ("simulate --byzantine 0 --strategy double-votes", "--strategy"),
        ("node x --seed 3", "--byzantine"), ("node x --fellow y", "--byzantine"),
        ("run x --quiet --verbose", "--quiet"), ("run x --json --verbose", "--verbose"),
        ("validators x --limit 3", "--by-round"),
        ("requests x --json --csv", "--csv"), ("log x --last 3 --from 2", "--from"),
        ("audit x --progress p", "--from"), ("job run x --json --out -", "--out"),
    ])
    func `what goes with something else is told so`(_ line: String, _ flag: String) throws {
        let result = try Command.run(line.split(separator: " ").map(String.init))
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains(flag), "\(result.errors)")
        #expect(!result.errors.contains("does not exist"), "\(result.errors)")
    }
}
