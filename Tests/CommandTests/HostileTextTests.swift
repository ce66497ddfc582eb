// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import TestSupport
import Testing

/// What comes from outside never reaches a terminal as it is: here the name of a ledger, and the
/// names of folders and files, hold what terminals obey.
@Suite(.enabled(if: samplesAreThere, "no samples"))
struct HostileTextTests {
    /// A title that is set, a bell, text that runs backwards, an end of line, a control of C1.
    private static let hostile = "a\u{1B}]0;x\u{7}\u{202E}b\u{9B}2J\u{2066}c"

    /// A network whose ledger and folder have such names, with requests decided.
    private struct Hostile {
        let folder: TemporaryFolder
        let network: String
        let key: String
        let run: CommandResult

        static let shared = Result { try Hostile() }

        init() throws {
            folder = try TemporaryFolder()
            network = folder.path + "/" + HostileTextTests.hostile
            key = folder.path + "/unlock.key"
            let samples = try String(
                contentsOfFile: samplesFolder + "/recount.toml", encoding: .utf8)
            let circuit = try #require(samples.range(of: "[[circuits]]"))
            let text =
                #"[ledger]"# + "\n"
                + #"name = "l\u001b[2J\u202e\nINJECTED\u0007\u009b1m""#
                + "\n[consensus]\nthreshold = 3\ntotal_validators = 4\n"
                + samples[circuit.lowerBound...].replacingOccurrences(
                    of: "withdraw_verification_key.json",
                    with: samplesFolder + "/withdraw_verification_key.json")
            let config = try folder.write(Array(text.utf8), "recount.toml")
            let made = try Command.run("init", network, "--config", config, "--key-file", key)
            try #require(made.status == 0, "\(made.errors)")
            HostileTextTests.expectPlain(made, ["init"])
            let lines = try String(
                contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8
            ).split(separator: "\n").prefix(4)
            let file = try folder.write(Array(lines.joined(separator: "\n").utf8), "few.jsonl")
            run = try Command.run(
                "run", network, "--requests", file, "--key-file", key, "--verbose")
        }
    }

    /// HOME is the network, HOSTILE a name that is not there.
    private static let commands = [
        "audit HOME", "replay HOME", "log HOME", "log HOME --last 3", "requests HOME",
        "requests HOME --csv", "validators HOME", "validators HOME --by-round", "leaders HOME",
        "show request HOME 3", "show entry HOME 0", "show validator HOME 0",
        "show leader HOME 1", "show batch HOME 1", "show reputation HOME 0", "job list HOME",
        "chart reputation HOME", "chart leaders HOME", "ledger info HOME", "ledger check HOME",
        "projections info HOME", "projections rebuild HOME", "projections verify HOME",
        "prove entry HOME 3", "prove consistency HOME 3 9", "checkpoint show HOME",
        "checkpoint sign HOME --key-file KEY", "snapshot HOME", "why 3 HOME",
        "why leader:3 HOME --graph", "diff HOME HOME", "culprits HOME", "disagreements HOME",
        "whatif HOME --threshold 4", "bisect HOME --against rules", "case list HOME",
        "bridge show HOME --key-file KEY", "govern propose HOME leave validator=HOSTILE",
        "prove request HOME 3 --out -", "report HOME --html HOSTILE/x",
        "show validator HOME HOSTILE", "show request HOME HOSTILE", "why HOSTILE HOME",
        "audit HOSTILE", "run HOSTILE", "node HOSTILE", "submit HOSTILE --request HOSTILE",
        "submit HOME --request HOSTILE --submitter HOSTILE", "config check HOSTILE",
        "init HOSTILE/x --config HOSTILE", "keygen HOSTILE/x --name HOSTILE",
        "requests --node HOSTILE", "log HOME --kind HOSTILE", "requests HOME --outcome HOSTILE",
        "simulate --strategy HOSTILE", "whatif HOME --without HOSTILE", "HOSTILE", "show HOSTILE",
        "schema HOSTILE", "evidence verify HOSTILE", "certificate show HOSTILE",
        "job run HOSTILE", "job submit HOME HOSTILE", "backup HOSTILE HOSTILE",
        "run HOME --requests LINES --key-file KEY --verbose", "recover HOSTILE --from HOSTILE",
    ]

    private static func expectPlain(_ result: CommandResult, _ words: [String]) {
        for line in (result.output + "\n" + result.errors).split(whereSeparator: \.isNewline) {
            let shown = line.visible
            #expect(shown == line, "\(words.joined(separator: " ").visible): \(shown)")
            #expect(!line.hasPrefix("INJECTED"), "\(words.joined(separator: " ").visible)")
        }
    }

    @Test(arguments: commands)
    func `what controls a terminal is shown`(_ line: String) throws {
        let made = try Hostile.shared.get()
        let lines = try made.folder.write(
            Array("{\"circuit\": \"a\u{202E}\u{9B}2J\", \"x\u{1B}\": 1}\n\u{1B}]0;x\u{7}\n".utf8),
            "lines")
        let words = line.split(separator: " ").map { word in
            word.replacingOccurrences(of: "HOME", with: made.network)
                .replacingOccurrences(of: "HOSTILE", with: Self.hostile)
                .replacingOccurrences(of: "KEY", with: made.key)
                .replacingOccurrences(of: "LINES", with: lines)
        }
        let result = try Command.run(words)
        #expect((0...2).contains(result.status), "\(result.status)")
        // A certificate is bytes.
        if !line.contains("--out -") { Self.expectPlain(result, words) }
        if !line.contains("--csv"), !line.contains("--out -") {
            Self.expectPlain(try Command.run(words + ["--json"]), words)
        }
    }

    @Test func `a run tells of nothing as it is`() throws {
        let made = try Hostile.shared.get()
        #expect(made.run.status == 0, "\(made.run.errors)")
        Self.expectPlain(made.run, ["run"])
        #expect(made.run.output.contains("decided"))
    }
}
