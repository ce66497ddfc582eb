// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Homes as programs of earlier versions left them, taken over by this one.
///
/// `Tools/golden` made each with a program of its version; none is ever made again.
struct UpgradeTests {
    static let golden = Vectors.repository.appendingPathComponent("Tests/CommandTests/Golden").path

    /// The versions of the format of which there are homes.
    static let versions = [1]

    /// The homes of a version, in a folder of their own, with the modes that git does not keep.
    private struct Homes {
        let folder: TemporaryFolder
        var net: String { folder.path + "/homes/net" }
        var key: String { folder.path + "/homes/unlock.key" }

        init(_ version: Int) throws {
            folder = try TemporaryFolder()
            let files = FileManager.default
            try files.copyItem(
                atPath: "\(UpgradeTests.golden)/homes-\(version)", toPath: folder.path + "/homes")
            for case let name as String in files.enumerator(atPath: folder.path + "/homes")
                ?? .init()
            where name.hasSuffix(".key") {
                try files.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: folder.path + "/homes/" + name)
            }
        }

        func file(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/homes/" + name))
        }

        func home(_ number: Int) -> String { "\(net)/validator-\(number)" }
    }

    /// The values of a JSON object that both versions state.
    private static func stated(_ data: Data) throws -> [String: String] {
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let names = ["ledger_id", "name", "size", "root", "height", "state_root"]
        return Dictionary(uniqueKeysWithValues: names.map { ($0, "\(object[$0] ?? "absent")") })
    }

    @Test(arguments: versions)
    func `a ledger of an earlier version is right, and says what it said`(_ version: Int) throws {
        let homes = try Homes(version)
        let before = try Self.stated(try homes.file("ledger.json"))
        for number in 1...4 {
            let info = try Command.run("ledger", "info", homes.home(number), "--json")
            #expect(try Self.stated(Data(info.output.utf8)) == before, "\(info.errors)")
        }
        let audit = try Command.run("audit", homes.net, "--json")
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        let whole = try Command.run("replay", homes.home(1), "--json")
        #expect(whole.status == 0, "\(whole.errors)")

        // Projections are of this version, and built anew.
        for (command, file) in [("requests", "requests.jsonl"), ("validators", "validators.jsonl")]
        {
            let now = try Command.run(command, homes.home(2), "--json")
            #expect(now.output == String(decoding: try homes.file(file), as: UTF8.self))
        }
        let certificate = try Command.run(
            "certificate", "verify", homes.folder.path + "/homes/decision.rcct", "--policy",
            "3-of-4", "--ledger", try #require(before["ledger_id"]))
        #expect(certificate.status == 0, "\(certificate.output) \(certificate.errors)")
    }

    @Test(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"), arguments: versions)
    func `nodes of this version go on where earlier ones ended`(_ version: Int) throws {
        let homes = try Homes(version)
        let before = try Self.stated(try homes.file("ledger.json"))
        // None of them would be kept from starting.
        let doctor = try Command.run("doctor", homes.net, "--key-file", homes.key, "--json")
        #expect(doctor.status == 0, "\(doctor.output)")
        let line = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n")[7]
        let request = try homes.folder.write(Array((line + "\n").utf8), "request.jsonl")
        let run = try Command.run(
            "run", homes.net, "--requests", request, "--key-file", homes.key,
            "--accept-clock-jump", "--json")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("\"outcome\":"), "\(run.output)")
        let audit = try Command.run("audit", homes.net, "--json")
        #expect(audit.status == 0, "\(audit.output)")

        // The old ledger is the beginning of the new one.
        let info = try Command.run("ledger", "info", homes.home(3), "--json").object()
        let (old, new) = (try #require(before["size"]), "\(try #require(info["size"]))")
        #expect(try #require(Int(new)) > #require(Int(old)))
        let proof = try Command.run("prove", "consistency", homes.home(3), old, new, "--json")
        #expect(proof.status == 0, "\(proof.errors)")
        #expect(proof.output.contains(try #require(before["root"])), "\(proof.output)")
    }

    @Test(arguments: versions)
    func `a snapshot of an earlier version serves, and so does a ledger for recovery`(
        _ version: Int
    ) throws {
        let homes = try Homes(version)
        let before = try Self.stated(try homes.file("ledger.json"))
        let lost = homes.home(1)
        try FileManager.default.removeItem(atPath: lost + "/ledger")
        let folder = homes.home(3) + "/ledger/checkpoints"
        let newest = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".checkpoint") }.max())
        let recovered = try Command.run(
            "recover", lost, "--from", homes.home(3), "--trust", "\(folder)/\(newest)", "--json")
        #expect(recovered.status == 0, "\(recovered.errors)")
        let info = try Command.run("ledger", "info", lost, "--json")
        #expect(try Self.stated(Data(info.output.utf8)) == before)
        let doctor = try Command.run("doctor", homes.home(3), "--json")
        #expect(doctor.output.contains("from the snapshot of batch"), "\(doctor.output)")
    }
}
