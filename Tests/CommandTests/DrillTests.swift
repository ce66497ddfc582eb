// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `recount drill` brings a node back in a scratch folder, or says why it would not come back.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct DrillTests {
    private func network() throws -> SmallNetwork {
        let small = try SmallNetwork()
        let run = try small.run(requests: try small.samples(1))
        try #require(run.status == 0, "\(run.errors)")
        return small
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    private func steps(_ result: CommandResult) throws -> [String: Bool] {
        let steps = try result.object()["steps"] as? [[String: Any]] ?? []
        return Dictionary(
            uniqueKeysWithValues: steps.map {
                ($0["name"] as? String ?? "", $0["is_done"] as? Bool ?? false)
            })
    }

    @Test func `a node comes back from a fresh copy, and its home stays as it was`() throws {
        let small = try network()
        let scratch = small.folder.path + "/scratch"
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: false)
        let log = small.home(2) + "/ledger/segments"
        let before = try names(small.home(2)) + names(log)
        let result = try Command.run(
            "drill", small.home(2), "--key-file", small.key, "--scratch", scratch, "--json")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(try names(scratch).isEmpty)
        #expect(try names(small.home(2)) + names(log) == before)
        let done = try steps(result)
        #expect(Set(done.keys) == ["copy", "destroy", "recover", "start", "audit"])
        #expect(done.values.allSatisfy { $0 })
        let object = try result.object()
        #expect(object["entries_held"] as? Int == object["entries_recovered"] as? Int)
        let lacks = (object["lacks"] as? [String] ?? []).joined(separator: "\n")
        #expect(lacks.contains("validator-2.key"), "\(lacks)")
        #expect(lacks.contains("what unlocks them"), "\(lacks)")
        #expect(lacks.contains("the journal"), "\(lacks)")
        // The node itself goes on as before.
        let run = try small.run(requests: try small.samples(1, from: 1))
        #expect(run.status == 0, "\(run.errors)")
        #expect(try small.audit().status == 0)
    }

    @Test func `what came after an old copy would be lost, and is counted`() throws {
        let small = try network()
        let copies = small.folder.path + "/copies"
        #expect(try Command.run("backup", small.home(1), copies, "--keep", "3").status == 0)
        #expect(try small.run(requests: try small.samples(2, from: 1)).status == 0)
        let result = try Command.run(
            "drill", small.home(1), "--key-file", small.key, "--copy", copies, "--json")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        let object = try result.object()
        let held = try #require(object["entries_held"] as? Int)
        let recovered = try #require(object["entries_recovered"] as? Int)
        #expect(held > recovered)
        let lost = (object["lost"] as? [String] ?? []).joined(separator: "\n")
        #expect(lost.contains("\(held - recovered) entries since the copy was made"), "\(lost)")
    }

    @Test func `a copy that would not bring the node back is told, step by step`() throws {
        let small = try network()
        let copy = small.folder.path + "/copy"
        #expect(try Command.run("backup", small.home(1), copy).status == 0)
        // A bit of it has changed since.
        let folder = copy + "/segments"
        let segment = "\(folder)/\(try names(folder)[0])"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: segment))
        let result = try Command.run(
            "drill", small.home(1), "--key-file", small.key, "--copy", copy, "--json")
        #expect(result.status == 1, "\(result.output) \(result.errors)")
        #expect(try steps(result)["recover"] == false)
        #expect(try result.object()["is_good"] as? Bool == false)
        let text = try Command.run(
            "drill", small.home(1), "--key-file", small.key, "--copy", copy)
        #expect(text.status == 1)
        #expect(text.output.contains("did not come back"))
    }

    @Test func `a ledger of one cannot lose its journal, and the drill says so`() throws {
        let one = try OneValidator()
        let result = try Command.run("drill", one.home, "--key-file", one.key, "--json")
        #expect(result.status == 1, "\(result.output) \(result.errors)")
        let done = try steps(result)
        #expect(done["recover"] == false)
        #expect(done["start"] == nil)
    }

    @Test func `what cannot be tried gives 2`() throws {
        let small = try network()
        #expect(try Command.run("drill", small.network).status == 2)
        #expect(try Command.run("drill", small.folder.path + "/absent").status == 2)
        let none = try Command.run("drill", small.home(1), "--copy", small.folder.path)
        #expect(none.status == 2)
        #expect(none.errors.contains("recount backup list"), "\(none.errors)")
        #expect(
            try Command.run("drill", small.home(1), "--scratch", "/dev/null").status == 2)
    }
}
