// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What `recount doctor` finds, and that it leaves everything as it was.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct DoctorTests {
    private static let small = Result {
        let small = try SmallNetwork()
        let run = try small.run(requests: try small.samples(1))
        try #require(run.status == 0, "\(run.errors)")
        return small
    }

    /// A network of its own, which a test may hurt.
    private func network() throws -> (folder: TemporaryFolder, net: String, key: String) {
        let small = try Self.small.get()
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: small.network, toPath: folder.path + "/net")
        return (folder, folder.path + "/net", small.key)
    }

    /// Every file below a folder with its bytes and its time.
    private func content(_ folder: String) throws -> [String: String] {
        var found: [String: String] = [:]
        let files = FileManager.default
        for case let name as String in try #require(files.enumerator(atPath: folder)) {
            let path = folder + "/" + name
            let facts = try files.attributesOfItem(atPath: path)
            let bytes = files.contents(atPath: path).map(Array.init)?.hashValue ?? 0
            found[name] = "\(facts[.modificationDate] ?? "") \(facts[.size] ?? "") \(bytes)"
        }
        return found
    }

    /// The checks of a home with some subject and verdict.
    private func findings(
        _ result: CommandResult, _ subject: String, _ verdict: String
    ) throws -> [String] {
        let object = try result.object()
        let homes = object["homes"] as? [[String: Any]] ?? []
        let all =
            homes.flatMap { $0["checks"] as? [[String: Any]] ?? [] }
            + (object["together"] as? [[String: Any]] ?? [])
        return all.filter {
            $0["subject"] as? String == subject && $0["verdict"] as? String == verdict
        }.compactMap { $0["finding"] as? String }
    }

    @Test func `a whole network is well, and nothing is changed by asking`() throws {
        let (folder, net, key) = try network()
        let before = try content(folder.path)
        let result = try Command.run("doctor", net, "--key-file", key, "--json")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(try content(folder.path) == before)
        #expect(try result.object()["is_well"] as? Bool == true)
        #expect(try findings(result, "keys", "good").count == 4)
        #expect(try findings(result, "backups", "unknown").count == 1)
        #expect(
            try findings(result, "network", "good").contains {
                $0.contains("4 of the validators here could run, and 3 decide")
            })
        // No peer answers, which a person should look at.
        #expect(try Command.run("doctor", net, "--key-file", key, "--strict").status == 1)
        let text = try Command.run("doctor", net + "/validator-2")
        #expect(text.status == 0)
        #expect(text.output.contains("validator-2 in "))
        #expect(text.output.contains("and not unlocked"), "no key file is named")
    }

    @Test(arguments: [
        ("ledger", "ledger", "ledger is missing"),
        ("journal", "journal", "journal is missing"),
        ("keys/transport.key", "keys", "transport.key is missing"),
        ("recount.toml", "configuration", "recount.toml is missing"),
    ])
    func `a part that is lost is named, with what to do`(
        _ part: String, _ subject: String, _ words: String
    ) throws {
        let (folder, net, key) = try network()
        defer { withExtendedLifetime(folder) {} }
        let home = net + "/validator-3"
        try FileManager.default.removeItem(atPath: "\(home)/\(part)")
        let result = try Command.run("doctor", home, "--key-file", key, "--json")
        #expect(result.status == 1, "\(result.output)")
        #expect(
            try findings(result, subject, "bad").contains { $0.contains(words) },
            "\(result.output)")
        #expect(try findings(result, "restart", "bad").count == 1)
    }

    @Test func `damage, exposed keys and a foreign key are found`() throws {
        let (folder, net, key) = try network()
        let files = FileManager.default
        let home = net + "/validator-1"
        try files.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: home + "/keys/validator-1.key")
        var result = try Command.run("doctor", home, "--key-file", key, "--json")
        #expect(result.status == 1)
        #expect(try findings(result, "keys", "bad").count == 1, "\(result.output)")

        try files.removeItem(atPath: home + "/keys/validator-1.key")
        try files.copyItem(
            atPath: net + "/validator-2/keys/validator-2.key",
            toPath: home + "/keys/validator-1.key")
        result = try Command.run("doctor", home, "--key-file", key, "--json")
        #expect(result.status == 1)
        #expect(try findings(result, "keys", "bad").count == 1, "\(result.output)")

        let segments = net + "/validator-4/ledger/segments"
        let segment = segments + "/" + (try files.contentsOfDirectory(atPath: segments)[0])
        var bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: segment))
        let before = try content(folder.path)
        result = try Command.run("doctor", net, "--key-file", key, "--json")
        #expect(result.status == 1)
        #expect(try findings(result, "ledger", "bad").count == 1, "\(result.output)")
        #expect(
            try findings(result, "network", "bad").contains {
                $0.contains("2 of the validators here could run, and 3 decide")
            })
        #expect(try content(folder.path) == before)
    }

    @Test func `copies are looked at where they are named`() throws {
        let (folder, net, key) = try network()
        let copies = folder.path + "/copies"
        let none = try Command.run(
            "doctor", net, "--key-file", key, "--backups", copies, "--json")
        #expect(none.status == 1)
        #expect(try findings(none, "backups", "bad").count == 1)
        #expect(try Command.run("backup", net, copies, "--keep", "2").status == 0)
        let some = try Command.run(
            "doctor", net, "--key-file", key, "--backups", copies, "--json")
        #expect(some.status == 0, "\(some.output)")
        #expect(
            try findings(some, "backups", "good").contains { $0.contains("0 fewer than") },
            "\(some.output)")
        // Here they are on the disk of the homes.
        #expect(try findings(some, "backups", "warning").count == 1)
    }

    @Test func `a node that runs keeps its lock, and is told of`() throws {
        let one = try OneValidator()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["node", one.home, "--key-file", one.key, "--json"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        _ = output.fileHandleForReading.availableData
        for _ in 0..<3 {
            let result = try Command.run("doctor", one.home, "--key-file", one.key, "--json")
            #expect(result.status == 0, "\(result.output)")
            let home = try #require((try result.object()["homes"] as? [[String: Any]])?.first)
            #expect(home["process"] as? Int == Int(process.processIdentifier), "\(result.output)")
        }
        // A second node is still kept out.
        let second = try Command.run("node", one.home, "--key-file", one.key)
        #expect(second.status == 2)
        #expect(second.errors.contains("\(process.processIdentifier)"), "\(second.errors)")
    }

    @Test func `what is no home gives 2`() throws {
        let folder = try TemporaryFolder()
        let result = try Command.run("doctor", folder.path)
        #expect(result.status == 2)
        #expect(result.errors.contains("recount init"))
    }
}
