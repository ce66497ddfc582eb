// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A change that is signed where there is a key and no ledger.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct GovernOfflineTests {
    /// A network with a proposal that its first validator has signed, and the keys of the others
    /// in a folder by themselves.
    private struct Parted {
        let small: SmallNetwork
        let keys: String
        let file: String

        init() throws {
            small = try SmallNetwork()
            keys = small.folder.path + "/offline"
            file = small.folder.path + "/change.json"
            try FileManager.default.createDirectory(
                atPath: keys, withIntermediateDirectories: false)
            for number in 2...4 {
                try FileManager.default.copyItem(
                    atPath: "\(small.home(number))/keys/validator-\(number).key",
                    toPath: key(number))
            }
            let proposed = try Command.run(
                "govern", "propose", small.home(1), "parameters", "verification_timeout=12",
                "--out", file, "--sign", "--key-file", small.key)
            #expect(proposed.status == 0, "\(proposed.errors)")
        }

        func key(_ number: Int) -> String { "\(keys)/validator-\(number).key" }

        func sign(_ number: Int, _ more: String...) throws -> CommandResult {
            try Command.run(
                ["govern", "sign", file, "--key", key(number), "--key-file", small.key] + more)
        }

        func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file)) }

        func replace(_ old: String, _ new: String) throws {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.contains(old))
            try text.replacingOccurrences(of: old, with: new)
                .write(toFile: file, atomically: true, encoding: .utf8)
        }

        func shown() throws -> [String: Any] {
            try Command.run("govern", "show", file, small.home(4), "--json").object()
        }
    }

    @Test func `keys alone sign what a ledger then takes`() throws {
        let parted = try Parted()
        let first = try parted.sign(3)
        #expect(first.status == 0, "\(first.errors)")
        // The words are those of the file; what a ledger would say is not claimed.
        #expect(first.output.contains("verification_timeout = 12"))
        #expect(first.output.contains("unchecked: held against no ledger"))
        #expect(!first.output.contains("validator-3"))
        let other = parted.small.folder.path + "/signed.json"
        let second = try parted.sign(2, "--out", other)
        #expect(second.status == 0, "\(second.errors)")
        let few = try parted.shown()
        #expect(few["standing"] as? String == "lacking" && few["lacking"] as? Int == 1)
        let all = try Command.run("govern", "show", other, parted.small.home(4), "--json").object()
        #expect(all["standing"] as? String == "ready" && all["lacking"] as? Int == 0)
        let signers = try #require(all["signers"] as? [[String: Any]])
        #expect(
            signers.compactMap { $0["name"] as? String }
                == ["validator-1", "validator-3", "validator-2"])
        #expect(signers.allSatisfy { $0["holds"] as? Bool == true })
        // Signed once more, it has as many signatures.
        #expect(try parted.sign(3).status == 0)
        #expect((try parted.shown()["signers"] as? [Any])?.count == 2)
        let handed = try Command.run("govern", "submit", parted.small.network, other)
        #expect(handed.status == 0, "\(handed.errors)")
    }

    @Test func `what the file shows to be wrong is signed by nobody`() throws {
        func refused(_ parted: Parted, _ standing: String, _ why: String) throws {
            let before = try parted.bytes()
            let result = try parted.sign(2)
            #expect(result.status == 1 && result.output.isEmpty, "\(result.output)")
            #expect(result.errors.contains(why), "\(result.errors)")
            #expect(try parted.bytes() == before)
            // What cannot be signed can be read, with a ledger and without one.
            for words in [[], [parted.small.home(1)]] {
                let shown = try Command.run(["govern", "show", parted.file] + words + ["--json"])
                #expect(shown.status == 0, "\(shown.errors)")
                #expect(try shown.object()["standing"] as? String == standing)
            }
        }
        let forged = try Parted()
        let signature = try #require(
            try forged.shown()["signers"] as? [[String: Any]]
        ).compactMap { $0["key"] as? String }
        // The signature stands under another's name.
        try forged.replace(signature[0], String(repeating: "07", count: 32))
        try refused(forged, "forged", "a signature in it does not hold")

        let absurd = try Parted()
        // Twelve seconds, and more milliseconds than there is time.
        try absurd.replace("e02e000000000000", "ffffffffffffffff")
        let text = try String(contentsOfFile: absurd.file, encoding: .utf8)
        let list = try #require(text.firstMatch(of: /"endorsements":\[(.*?)\]/)).1
        try absurd.replace("[\(list)]", "[]")
        try refused(absurd, "refused", "timeout")
    }

    @Test func `one key has one signature in a file`() throws {
        let parted = try Parted()
        let text = try String(contentsOfFile: parted.file, encoding: .utf8)
        let list = try #require(text.firstMatch(of: /"endorsements":\[(.*?)\]/)).1
        try parted.replace("[\(list)]", "[\(list),\(list)]")
        let result = try parted.sign(2)
        #expect(result.status == 2 && result.errors.contains("endorsements"), "\(result.errors)")
    }

    @Test func `what is no key of a validator is refused in words`() throws {
        let parted = try Parted()
        let home = parted.small.home(2)
        let before = try parted.bytes()
        func refused(_ key: String, _ words: String) throws {
            let result = try Command.run(
                "govern", "sign", parted.file, "--key", key, "--key-file", parted.small.key)
            #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
            #expect(try parted.bytes() == before)
        }
        try refused(home + "/keys/transport.key", "names a node to its peers")
        try refused(parted.keys + "/validator-9.key", "there is no key at")
        try refused(home, "is no key as homes have it")
        try refused(parted.small.key, "unlocks keys and is none")
        try FileManager.default.copyItem(
            atPath: parted.small.key, toPath: parted.keys + "/unlock.key")
        // The file that unlocks it is found beside it where no other is named.
        let beside = try Command.run("govern", "sign", parted.file, "--key", parted.key(2))
        #expect(beside.status == 0, "\(beside.errors)")
        for words in [[], [home, "--key", parted.key(2)]] {
            let result = try Command.run(["govern", "sign", parted.file] + words)
            #expect(result.status == 2 && result.errors.contains("with --key"), "\(result.errors)")
        }
    }
}
