// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `diff` and `why` as people call them, on the ledgers of ten validators.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct ForensicsCommandTests {
    private func home() throws -> String { try Journey.shared.get().home }

    @Test func `the tiles of a ledger are its start`() throws {
        let folder = try TemporaryFolder()
        let tiles = folder.path + "/tiles"
        let exported = try Command.run("export", "tiles", try home(), tiles)
        #expect(exported.status == 0, "\(exported.errors)")
        // The tiles end at the newest checkpoint.
        let result = try Command.run("diff", try home(), tiles, "--json").object()
        let comparisons = try #require(result["comparisons"] as? [[String: Any]])
        #expect([nil, "longer"].contains(comparisons.first?["kind"] as? String))
    }

    @Test func `a copy is the same until a byte of it is changed`() throws {
        let folder = try TemporaryFolder()
        let copy = folder.path + "/copy"
        try FileManager.default.copyItem(atPath: try home(), toPath: copy)
        let same = try Command.run("diff", try home(), copy)
        #expect(same.status == 0, "\(same.errors)")
        #expect(same.output.contains("no difference"))
        let ledger = copy + "/ledger"
        let segments = try FileManager.default.contentsOfDirectory(atPath: ledger + "/segments")
        let last = try #require(segments.filter { $0.hasSuffix(".segment") }.max())
        let file = "\(ledger)/segments/\(last)"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        let damaged = try Command.run("diff", try home(), copy, "--json")
        #expect(damaged.status == 1, "\(damaged.errors)")
        let comparisons = try #require(
            try damaged.object()["comparisons"] as? [[String: Any]])
        #expect(comparisons.first?["kind"] as? String == "damage")
    }

    @Test func `a node is compared up to its last checkpoint`() throws {
        let folder = try TemporaryFolder()
        let network = folder.path + "/net"
        try FileManager.default.copyItem(atPath: try Journey.shared.get().network, toPath: network)
        let node = try AnsweringNode(
            network + "/validator-2", key: try Journey.shared.get().key, in: folder)
        let result = try Command.run("diff", node.url, try home(), "--json")
        #expect([0, 1].contains(result.status), "\(result.errors)")
        let object = try result.object()
        let copies = try #require(object["copies"] as? [[String: Any]])
        #expect(copies.first?["form"] as? String == "tiles")
        let comparisons = try #require(object["comparisons"] as? [[String: Any]])
        #expect([nil, "longer"].contains(comparisons.first?["kind"] as? String))
        // Another ledger is another ledger; one without a checkpoint tells nothing for certain.
        let lone = try AnsweringNode()
        let none = try Command.run("diff", lone.url, try home())
        #expect(none.status == 2)
        #expect(none.errors.contains("has no checkpoint yet"), "\(none.errors)")
        #expect(try Command.run("diff", node.url, lone.home).status == 2)
        #expect(lone.stop() == 0)
        #expect(node.stop() == 0)
        let gone = try Command.run("diff", node.url, try home())
        #expect(gone.status == 2)
        #expect(gone.errors.contains("nothing answers at"), "\(gone.errors)")
        #expect(try Command.run("diff", "http://", try home()).status == 2)
    }

    @Test func `what is no copy gives 2`() throws {
        #expect(try Command.run("diff", try home()).status == 2)
        let result = try Command.run("diff", try home(), "/nothing/there")
        #expect(result.status == 2)
        #expect(result.errors.contains("/nothing/there"))
    }

    @Test func `a reputation is told, drawn and written`() throws {
        let text = try Command.run("why", "validator-1", try home(), "--graph")
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.contains("joined with 1000.000 points"))
        #expect(text.output.contains("prove it to a stranger: recount audit"))
        let object = try Command.run("why", "validator-1", try home(), "--json").object()
        #expect(object["holds"] as? Bool == true)
        #expect(object["stated"] as? String == object["recounted"] as? String)
        let shown = try Command.run(
            "show", "reputation", try home(), "validator-1", "--json"
        ).object()
        let points = try #require(shown["reputation"] as? Int)
        let stated = try #require(object["stated"] as? String)
        let rest = "\(points % 1_000 + 1_000)".dropFirst()
        #expect(stated == "\(points / 1_000).\(rest) points")
        let drawing = try Command.run("why", "validator-1", try home(), "--svg", "-")
        #expect(drawing.output.hasPrefix("<?xml"))
        #expect(drawing.output.contains("</svg>"))
    }

    @Test func `a request's proof command works, and nothing of a name gives 2`() throws {
        let request = try #require(
            try Command.run("requests", try home(), "--json").objects().first)
        let id = try #require(request["request_id"] as? String)
        let object = try Command.run("why", "request:\(id)", try home(), "--json").object()
        #expect(object["holds"] as? Bool == true)
        let sentences = try #require(object["sentences"] as? [[String: Any]])
        #expect((7...14).contains(sentences.count))
        let folder = try TemporaryFolder()
        let proof = try #require(object["proof"] as? String)
        let command = proof.split(separator: " ").map(String.init)
        let proved = try Command.run(
            Array(command.dropFirst()) + ["--out", folder.path + "/it.rcct"])
        #expect(proved.status == 0, "\(proved.errors)")
        #expect(try Command.run("why", "nullifier:00ff00ff", try home()).status == 2)
        #expect(try Command.run("why", "batch:x", try home()).status == 2)
    }

    @Test func `a ledger that is right has no command that differs`() throws {
        let rules = try Command.run("bisect", try home(), "--against", "rules", "--json")
        #expect(rules.status == 0, "\(rules.errors)")
        #expect(try rules.object()["verdict"] as? String == "same")
        #expect(try Command.run("bisect", try home(), "--against", try home()).status == 0)
        #expect(try Command.run("bisect", try home(), "--against", "/nothing").status == 2)
        let both = try Command.run(
            "bisect", try home(), "--against", try home(), "--height", "1")
        #expect(both.status == 2)
    }

    @Test func `evidence is written, judged, and refused where it is forged`() throws {
        let folder = try TemporaryFolder()
        let out = folder.path + "/proofs"
        let found = try Command.run(
            "culprits", try home(), "--journal", try home(), "--out", out, "--json")
        let report = try found.object()
        let proved = try #require(report["proved"] as? [[String: Any]])
        let names = try #require(report["files"] as? [String])
        #expect(found.status == (proved.isEmpty ? 0 : 1), "\(found.errors)")
        #expect(try #require(report["unread"] as? [String]).isEmpty)
        for name in names {
            let path = "\(out)/\(name)"
            let judged = try Command.run("evidence", "verify", path, "--json")
            #expect(judged.status == 1, "\(judged.output)")
            #expect(try judged.object()["effect"] as? String == "convicts")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[20] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(try Command.run("evidence", "verify", path).status == 2)
        }
        let odd = folder.path + "/odd.rcev"
        try Data("RCEV".utf8).write(to: URL(fileURLWithPath: odd))
        let refused = try Command.run("evidence", "verify", odd)
        #expect(refused.status == 2)
        #expect(refused.output.contains("cut"))
        #expect(try Command.run("answer", try home(), "--accusation", odd).status == 2)
        // A folder that holds something already is left alone.
        #expect(try Command.run("culprits", try home(), "--out", folder.path).status == 2)
        #expect(try Command.run("culprits", "/nothing").status == 2)
    }

    @Test func `other rules are tried, and what is no rule is named`() throws {
        let home = try home()
        let answer = try Command.run("whatif", home, "--threshold", "10", "--json")
        let object = try answer.object()
        let flips = try #require(object["flip_count"] as? Int)
        #expect(answer.status == (flips > 0 ? 1 : 0), "\(answer.errors)")
        let control = try #require(object["control"] as? [String: Any])
        #expect(control["state_roots"] as? Int ?? 0 > 1)
        let text = try Command.run("whatif", home, "--decay", "10", "--penalty", "missed=-30")
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.contains("No request ends otherwise."))
        #expect(text.output.contains("What is replayed are"))
        for (options, word) in [
            ([], "--threshold"), (["--without", "nobody"], "nobody"),
            (["--threshold", "11"], "threshold 11"), (["--weights", "1,1"], "--weights 1,1"),
            (["--penalty", "late=-1"], "--penalty late=-1"), (["--timeout", "0"], "--timeout 0"),
            (["--decay", "10001"], "--decay 10001"),
        ] {
            let result = try Command.run(["whatif", home] + options)
            #expect(result.status == 2, "\(options)")
            #expect(result.errors.contains(word), "\(options): \(result.errors)")
        }
    }

    @Test func `disagreements are listed, grouped and counted by pair`() throws {
        let home = try home()
        let answer = try Command.run("disagreements", home, "--json")
        let object = try answer.object()
        let count = try #require(object["disagreements"] as? Int)
        #expect(answer.status == (count > 0 ? 1 : 0), "\(answer.errors)")
        for by in ["validator", "reason", "circuit", "version", "day", "pair"] {
            let result = try Command.run("disagreements", home, "--by", by)
            #expect([0, 1].contains(result.status), "\(result.errors)")
            #expect(result.output.contains("Note: Against the rest"))
        }
        for options in [
            ["--by", "nothing"], ["--validator", "nobody"], ["--reason", "bad"],
            ["--since", "yesterday"], ["--since", "2030-01-02", "--until", "2030-01-01"],
        ] {
            #expect(try Command.run(["disagreements", home] + options).status == 2, "\(options)")
        }
    }

    @Test func `a part of a ledger is audited, and what it rests on is told`() throws {
        let home = try home()
        let whole = try Command.run("audit", home, "--json").object()
        let size = try #require(whole["size"] as? Int)
        let part = try Command.run("audit", home, "--from", "\(size / 2)", "--json")
        #expect(part.status == 0, "\(part.errors)")
        let range = try #require(try part.object()["range"] as? [String: Any])
        let start = try #require(range["start"] as? [String: Any])
        #expect(start["size"] as? Int ?? 0 <= size / 2)
        let text = try Command.run("audit", home, "--from", "\(size / 2)")
        #expect(text.output.contains("This part of the ledger is right"))
        #expect(text.output.contains("rests on") && text.output.contains("not checked"))
        let folder = try TemporaryFolder()
        let file = folder.path + "/progress"
        let kept = try Command.run("audit", home, "--from", "0", "--progress", file)
        #expect(kept.status == 0 && !FileManager.default.fileExists(atPath: file))
        try Data("{}".utf8).write(to: URL(fileURLWithPath: file))
        for options in [
            ["--from", "\(size)"], ["--from", "9", "--to", "9"], ["--levels", "all"],
            ["--progress", file], ["--from", "0", "--progress", file],
            ["--from", "0", "--progress", home + "/ledger/progress"], ["--since", file],
            ["--since", file, "--from", "0"], ["--levels", "tree", "--no-proofs"],
        ] {
            #expect(try Command.run(["audit", home] + options).status == 2, "\(options)")
        }
        let frames = try Command.run("audit", home, "--levels", "frames", "--json")
        #expect(frames.status == 0, "\(frames.errors)")
    }

    @Test func `a checkpoint of the ledger is where an audit may start`() throws {
        let home = try home()
        let folder = home + "/ledger/checkpoints"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let name = try #require(names.filter { $0.hasSuffix(".checkpoint") }.min())
        let result = try Command.run("audit", home, "--since", "\(folder)/\(name)")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("signed by validator-"))
    }

    @Test func `a page is written, audited where that is asked for`() throws {
        let home = try home()
        let folder = try TemporaryFolder()
        let file = folder.path + "/ledger.html"
        let result = try Command.run("report", home, "--html", file, "--audit")
        #expect(result.status == 0, "\(result.errors)")
        let page = try String(contentsOfFile: file, encoding: .utf8)
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("validator-1"))
        #expect(page.contains("Predicted") && page.contains("Checked: the log (passed)"))
        #expect(try Command.run("report", home, "--html", "/nothing/there.html").status == 2)
        #expect(try Command.run("report", home).status == 2)
    }

    private static let browser = "/usr/bin/chromium"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: browser), "no \(browser)"))
    func `a browser shows the page`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/ledger.html"
        #expect(try Command.run("report", try home(), "--html", file).status == 0)
        func look(_ arguments: String...) throws -> CommandResult {
            try Command.execute(
                Self.browser,
                [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--user-data-dir=\(folder.path)/b",
                ] + arguments + ["file://" + file])
        }
        let seen = try look("--dump-dom")
        #expect(seen.status == 0)
        #expect(seen.output.contains("Who led, against what was to be expected"))
        // On a phone in the dark, and on paper.
        let (phone, paper) = (folder.path + "/phone.png", folder.path + "/paper.pdf")
        #expect(
            try look("--window-size=400,800", "--force-dark-mode", "--screenshot=\(phone)").status
                == 0)
        #expect(try look("--print-to-pdf=\(paper)").status == 0)
        for (path, start) in [
            (phone, [0x89, 0x50, 0x4E, 0x47]), (paper, [0x25, 0x50, 0x44, 0x46]),
        ] {
            let bytes = try #require(FileManager.default.contents(atPath: path))
            #expect(bytes.prefix(4).map(Int.init) == start && bytes.count > 4_096)
        }
    }
}
