// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import recount

/// Copies of a ledger as operators make, keep and list them.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct BackupTests {
    private static let small = Result {
        let small = try SmallNetwork()
        let run = try small.run(requests: try small.samples(1))
        try #require(run.status == 0, "\(run.errors)")
        return small
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func `the newest dated copies stay, and nothing else is removed`() throws {
        let small = try Self.small.get()
        let folder = try TemporaryFolder()
        let copies = folder.path + "/copies"
        let files = FileManager.default
        // What is there and is no copy of this ledger: a file, and a folder of such a name.
        let other = copies + "/2020-01-01T000000Z-00000000"
        try files.createDirectory(atPath: other + "/segments", withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: copies + "/notes"))
        var made: [String] = []
        for _ in 0..<3 {
            let result = try Command.run("backup", small.home(2), copies, "--keep", "2", "--json")
            #expect(result.status == 0, "\(result.errors)")
            made.append(try #require(try result.object()["copy"] as? String))
            #expect(try result.object()["removed"] as? [String] == made.dropLast(2))
        }
        #expect(Set(made).count == 3)
        let kept = try names(copies)
        #expect(kept.count == 4 && kept.contains("notes") && files.fileExists(atPath: other))
        #expect(!files.fileExists(atPath: made[0]) && files.fileExists(atPath: made[1]))
        #expect(try Command.run("audit", made[2]).status == 0)

        // One that was not finished counts for nothing, and goes with the next.
        try files.removeItem(atPath: other)
        try files.removeItem(atPath: made[2] + "/END")
        let listed = try Command.run("backup", "list", copies, "--json")
        #expect(listed.status == 1)
        let list = try #require(try listed.object()["copies"] as? [[String: Any]])
        #expect(list.map { $0["path"] as? String } == Array(made[1...]))
        #expect(list.map { $0["is_whole"] as? Bool } == [true, false])
        #expect(try Command.run("backup", small.home(2), copies, "--keep", "2").status == 0)
        #expect(files.fileExists(atPath: made[1]) && !files.fileExists(atPath: made[2]))
        #expect(try Command.run("backup", "list", copies).status == 0)
    }

    @Test func `what is kept of a home and what is left out is said`() throws {
        let small = try Self.small.get()
        let copy = small.folder.path + "/said"
        let result = try Command.run("backup", small.home(1), copy, "--json").object()
        #expect(result["kept"] as? [String] == ["recount.toml", "circuits"])
        #expect(
            result["left_out"] as? [String] == ["keys", "journal", "jobs", "projections.sqlite"])
        let own = try Data(contentsOf: URL(fileURLWithPath: small.home(1) + "/recount.toml"))
        let kept = copy + "/home"
        #expect(try Data(contentsOf: URL(fileURLWithPath: kept + "/recount.toml")) == own)
        // Such a copy is brought up to date, and listed, like any other.
        #expect(try Command.run("backup", small.home(1), copy).status == 0)
        #expect(try Command.run("backup", "list", copy).status == 0)
        #expect(try Command.run("backup", "list", small.folder.path + "/nowhere").status == 2)
    }

    @Test func `a wrong target is refused before anything is written`() throws {
        let small = try Self.small.get()
        let folder = try TemporaryFolder()
        let file = try folder.write([1], "file")
        let link = folder.path + "/link"
        let files = FileManager.default
        try files.createSymbolicLink(atPath: link, withDestinationPath: small.home(1))
        let dated = folder.path + "/dated"
        #expect(try Command.run("backup", small.home(1), dated, "--keep", "1").status == 0)
        let copy = try #require(try names(dated).first)
        let wrong: [([String], String)] = [
            ([file], "is a file"),
            ([small.home(1) + "/ledger/copy"], "lie in each other"),
            ([small.home(1) + "/copy"], "lie in each other"),
            ([link + "/copy"], "lie in each other"),
            ([small.network], "lie in each other"),
            ([folder.path + "/no/where"], "is not there"),
            ([dated], "holds dated copies"),
            (["\(dated)/\(copy)", "--keep", "2"], "is a copy itself"),
        ]
        for (target, words) in wrong {
            let before = try names(small.home(1)) + names(folder.path) + names(dated)
            let result = try Command.run(["backup", small.home(1)] + target)
            #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
            #expect(try names(small.home(1)) + names(folder.path) + names(dated) == before)
        }
        #expect(try Command.run("backup", small.home(1), dated, "--keep", "0").status == 2)
    }

    @Test func `a disk that is too small is told with what is needed and free`() {
        #expect(BackupRoom.problem(needed: 0, free: 0, "copy") == nil)
        #expect(BackupRoom.problem(needed: 1, free: 1 + BackupRoom.spareBytes, "copy") == nil)
        let words = BackupRoom.problem(needed: 1234, free: 1233 + BackupRoom.spareBytes, "copy")
        #expect(words?.contains("needs 1,234 bytes") == true)
        #expect(words?.contains("nothing was written") == true)
    }

    @Test func `a copy still needs what it has not`() throws {
        let small = try Self.small.get()
        let (home, copy) = (small.home(3), small.folder.path + "/room")
        let all = BackupRoom.needed(from: home + "/ledger", to: copy)
        #expect(all > 1000)
        // What a node has not named yet, or keeps to write the next precommits into, is not copied.
        for folder in ["blobs", "checkpoints"] {
            let unnamed = URL(fileURLWithPath: "\(home)/ledger/\(folder)/spare.precommits.tmp")
            try Data(count: 294).write(to: unnamed)
        }
        #expect(BackupRoom.needed(from: home + "/ledger", to: copy) == all)
        #expect(try Command.run("backup", home, copy).status == 0)
        #expect(BackupRoom.needed(from: home + "/ledger", to: copy) == 0)
    }
}
