// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let bash = "/bin/bash"
private let bashIsThere = FileManager.default.isExecutableFile(atPath: bash)

/// What a shell offers, asked of the script that the program prints for it.
@Suite(.enabled(if: bashIsThere && samplesAreThere, "no bash, or no samples"))
struct CompletionTests {
    private static let small = Result {
        let small = try SmallNetwork()
        let run = try small.run(requests: try small.samples(2))
        try #require(run.status == 0, "\(run.errors)")
        // What looks like a ledger from afar, and what is a copy of one.
        let files = FileManager.default
        for name in ["network-notes", "nest/deep"] {
            try files.createDirectory(
                atPath: "\(small.folder.path)/\(name)", withIntermediateDirectories: true)
        }
        try #require(
            try Command.run("backup", small.home(1), small.folder.path + "/nest/copy").status == 0)
        return small
    }

    /// What bash offers for the last of some words, in the folder that holds the network.
    private func offers(_ words: String...) throws -> [String] {
        let small = try Self.small.get()
        let program = URL(fileURLWithPath: Command.path).deletingLastPathComponent().path
        let script = """
            cd "$1" && PATH="$2:$PATH" && shift 2
            source <(recount --generate-completion-script bash)
            COMP_WORDS=(recount "$@"); COMP_CWORD=$#
            COMP_LINE="recount $*"; COMP_POINT=${#COMP_LINE}
            _recount recount "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            [[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try Command.execute(
            bash, ["--norc", "-c", script, "bash", small.folder.path, program] + words)
        #expect(result.status == 0, "\(result.errors)")
        return result.lines.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func `only what is a ledger is offered for one`() throws {
        let homes = (1...4).map { "net/validator-\($0)" }
        #expect(try offers("audit", "ne") == ["net"] + homes + ["nest", "nest/copy"])
        #expect(try offers("audit", "net/validator-3") == ["net/validator-3"])
        #expect(try offers("audit", "network") == [])
        // A copy is a ledger and no home.
        #expect(try offers("doctor", "ne") == ["net"] + homes)
    }

    @Test func `names, identities and kinds are those of the ledger on the line`() throws {
        let small = try Self.small.get()
        #expect(
            try offers("show", "validator", "net", "validator-")
                == (1...4).map { "validator-\($0)" })
        let ids = try Command.run("requests", small.home(1), "--json").objects().compactMap {
            $0["request_id"] as? String
        }
        let id = try #require(ids.first)
        #expect(
            try offers("show", "request", "net", String(id.prefix(3))) == [String(id.prefix(16))])
        #expect(try offers("log", "net/validator-2", "--request", "").count == 2)
        #expect(try offers("log", "net", "--kind", "requestS") == ["requestSubmitted"])
        #expect(try offers("govern", "propose", "net", "le") == ["leave"])
        #expect(try offers("schema", "drill") == ["drill"])
        // Where no ledger is on the line, the only one around is asked.
        let others = "0123456789abcdef".filter { digit in !ids.contains { $0.first == digit } }
        let none = try #require(others.first)
        #expect(try offers("show", "request", "absent", String(none)) == [])
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `a script is printed for each shell`(_ shell: String) throws {
        let result = try Command.run("--generate-completion-script", shell)
        #expect(result.status == 0)
        #expect(result.output.contains("recount"))
        #expect(result.output.contains("---completion"))
    }
}
