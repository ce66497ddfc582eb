// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import Replication
import TestSupport
import Testing

private let four = """
    [consensus]
    threshold = 3
    total_validators = 4
    [[submitters]]
    name = "a"
    [[submitters]]
    name = "b"
    """

/// The permissions of everything below a folder that others could use.
private func exposed(_ path: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
        guard name.hasSuffix(".key") || name.hasSuffix("keys") else { return false }
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
        return ((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777) & 0o077 != 0
    }
}

private func secret(_ text: String) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }

private func fault(_ body: () throws -> Void) -> NodeError? {
    do {
        try body()
        return nil
    } catch {
        return error as? NodeError
    }
}

@Suite struct LocalNetworkTests {
    private func make(
        _ folder: TemporaryFolder, _ text: String = four,
        _ protection: HomeProtection = .keyFile(path: nil)
    ) throws -> LocalNetwork {
        try LocalNetwork.initialise(
            configuration: try Configuration(toml: text, folder: "/"), at: folder.file("net"),
            protection: protection, startTime: Time(1000))
    }

    @Test func everyPartyHasItsOwnKeyAndEveryLedgerTheSameBytes() throws {
        let folder = try TemporaryFolder()
        let network = try make(folder)
        let names = (1...4).map { "validator-\($0)" }
        #expect(network.nodes.map(\.validator) == names)
        #expect(network.nodes.map(\.index) == (0..<4).map { ValidatorIndex(UInt16($0)) })
        #expect(network.submitters.map(\.name) == ["a", "b"])
        #expect(LocalNetwork.names(in: network.path) == names)
        #expect(LocalNetwork.names(in: network.nodes[0].path).isEmpty)
        #expect(NodeHome.isHome(network.nodes[0].path) && !NodeHome.isHome(network.path))
        let keys =
            network.nodes.map(\.key.publicKey) + network.submitters.map(\.key.publicKey)
            + [try #require(network.bridge).key.publicKey]
        #expect(Set(keys).count == 7)
        for node in network.nodes {
            let held = try FileManager.default.contentsOfDirectory(atPath: "\(node.path)/keys")
            #expect(
                held.sorted()
                    == ["transport.key", "unlock.key", "\(node.validator).key"].sorted())
            #expect(node.ledger == network.ledger)
            let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
            #expect(text.hasPrefix("[node]\nvalidator = \"\(node.validator)\"\n"))
        }
        let logs = try network.nodes.map { node in
            let log = try EventLog.open(
                directory: node.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
            return try (0..<log.size).map { try log.entry(at: $0) }
        }
        #expect(logs.allSatisfy { $0 == logs[0] } && logs[0].count == 2)
        #expect(try exposed(network.path).isEmpty)
        #expect(network.protectionNotice?.contains("unlock.key") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["net"])
        // Each is the directory of a replica.
        for node in network.nodes {
            let host = try ReplicaHost(
                directory: node.path, disk: POSIXDisk(), key: node.key,
                at: Instant(time: Time(1000), uptime: 0))
            #expect(host.log.size == 2)
        }
    }

    @Test func homesCanBeMovedApart() throws {
        let folder = try TemporaryFolder()
        let network = try make(folder)
        try FileManager.default.moveItem(
            atPath: network.nodes[1].path, toPath: folder.file("elsewhere"))
        try FileManager.default.removeItem(atPath: "\(network.path)/bridge")
        try FileManager.default.removeItem(atPath: "\(network.path)/submitters/a")
        let rest = try LocalNetwork.open(at: network.path, protection: .keyFile(path: nil))
        #expect(rest.nodes.map(\.validator) == ["validator-1", "validator-3", "validator-4"])
        #expect(rest.bridge == nil && rest.submitters.map(\.name) == ["b"])
        let moved = try NodeHome.open(
            at: folder.file("elsewhere"), protection: .keyFile(path: nil))
        #expect(moved.validator == "validator-2" && moved.index == ValidatorIndex(1))
        let some = try LocalNetwork.open(
            at: network.path, only: ["validator-3"], protection: .keyFile(path: nil))
        #expect(some.nodes.map(\.validator) == ["validator-3"])
        let typo = fault {
            _ = try LocalNetwork.open(
                at: network.path, only: ["validator-2"], protection: .keyFile(path: nil))
        }
        #expect(typo.map { "\($0)" }?.contains("no validator called validator-2") == true)
    }

    @Test func existingFolderIsLeftAloneAndAFailureLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let network = try make(folder)
        guard case .homeExists(network.path)? = fault({ _ = try make(folder) }) else {
            Issue.record("an existing network was made again")
            return
        }
        let again = try LocalNetwork.open(at: network.path, protection: .keyFile(path: nil))
        #expect(again.ledger == network.ledger)
        try FileManager.default.removeItem(atPath: network.path)
        let taken =
            four.replacingOccurrences(of: "total_validators = 4", with: "")
            .replacingOccurrences(of: "threshold = 3", with: "threshold = 1\ntotal_validators = 1")
            + "\n[[validators]]\nname = \"submitters\"\nstake = 1"
        #expect(fault { _ = try make(folder, taken) } != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func keysOfOthersOrOfAnotherLedgerAreRefused() throws {
        let folder = try TemporaryFolder()
        let network = try make(folder)
        let files = FileManager.default
        let (first, second) = (network.nodes[0], network.nodes[1])
        // Another validator's key under one's own name.
        let own = "\(first.path)/keys/validator-1.key"
        try files.removeItem(atPath: own)
        try files.copyItem(atPath: "\(second.path)/keys/validator-2.key", toPath: own)
        try files.removeItem(atPath: "\(first.path)/keys/unlock.key")
        try files.copyItem(
            atPath: "\(second.path)/keys/unlock.key", toPath: "\(first.path)/keys/unlock.key")
        let open = { _ = try NodeHome.open(at: first.path, protection: .keyFile(path: nil)) }
        guard case .keyMismatch("validator-1", _, _)? = fault(open) else {
            Issue.record("another's key was taken")
            return
        }
        try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: own)
        guard case .secretExposed(own, 0o644)? = fault(open) else {
            Issue.record("an exposed key was taken")
            return
        }
        // The home of another network's validator.
        let other = try LocalNetwork.initialise(
            configuration: try Configuration(toml: four, folder: "/"), at: folder.file("other"),
            protection: .keyFile(path: nil), startTime: Time(2000))
        try files.removeItem(atPath: first.path)
        try files.copyItem(atPath: other.nodes[0].path, toPath: first.path)
        let mixed = fault {
            _ = try LocalNetwork.open(at: network.path, protection: .keyFile(path: nil))
        }
        guard case .otherLedger? = mixed else {
            Issue.record("\(String(describing: mixed))")
            return
        }
    }

    @Test func onePassphraseOrOneKeyFileUnlocksAll() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("elsewhere.key")
        let network = try make(folder, four, .keyFile(path: path))
        #expect(network.protectionNotice == nil)
        #expect(try !LocalNetwork.needsPassphrase(at: network.path))
        #expect(!FileManager.default.fileExists(atPath: "\(network.nodes[0].path)/keys/unlock.key"))
        #expect(fault { try "zz".write(toFile: path, atomically: false, encoding: .utf8) } == nil)
        guard
            case .unlockKeyMalformed? = fault({
                _ = try LocalNetwork.open(at: network.path, protection: .keyFile(path: path))
            })
        else {
            Issue.record("a malformed key file was taken")
            return
        }
        try FileManager.default.removeItem(atPath: network.path)
        let one = "[consensus]\nthreshold = 1\ntotal_validators = 1"
        let sealed = try make(folder, one, .passphrase(secret("secret words")))
        #expect(try LocalNetwork.needsPassphrase(at: sealed.path))
        guard
            case .key(_, .notAuthentic)? = fault({
                _ = try LocalNetwork.open(at: sealed.path, protection: .passphrase(secret("other")))
            })
        else {
            Issue.record("a wrong passphrase opened it")
            return
        }
        let open = try LocalNetwork.open(
            at: sealed.path, protection: .passphrase(secret("secret words")))
        #expect(open.ledger == sealed.ledger)
    }

    @Test func whatIsMissingOrChangedIsNamed() throws {
        let folder = try TemporaryFolder()
        let network = try make(folder)
        let home = network.nodes[0]
        func problem() -> String {
            fault { _ = try NodeHome.open(at: home.path, protection: .keyFile(path: nil)) }
                .map { "\($0)" } ?? "none"
        }
        try FileManager.default.moveItem(
            atPath: home.journalDirectory, toPath: "\(home.path)/aside")
        #expect(problem().contains("\(home.path)/journal is missing"))
        try FileManager.default.moveItem(
            atPath: "\(home.path)/aside", toPath: home.journalDirectory)
        #expect(problem() == "none")
        let text = try String(contentsOfFile: home.configurationPath, encoding: .utf8)
        try text.replacingOccurrences(
            of: "verification_timeout = 30", with: "verification_timeout = 31"
        ).write(toFile: home.configurationPath, atomically: true, encoding: .utf8)
        #expect(problem().contains("[consensus] or [leader_selection]"))
        try text.replacingOccurrences(of: "[node]\nvalidator = \"validator-1\"", with: "")
            .write(toFile: home.configurationPath, atomically: true, encoding: .utf8)
        #expect(problem().contains("node.validator is missing"))
        let nobody = fault {
            _ = try LocalNetwork.open(at: folder.path, protection: .keyFile(path: nil))
        }
        #expect(nobody.map { "\($0)" }?.contains("recount init") == true)
    }

    @Test func aKeyFileIsMadeOnceAndKeptAlsoUnderAPathFromHere() throws {
        let folder = try TemporaryFolder()
        // A path without a folder in it, as people write it.
        let name = "recount-\(UUID().uuidString).key"
        defer {
            do { try FileManager.default.removeItem(atPath: name) } catch { Issue.record(error) }
        }
        let first = try make(folder, four, .keyFile(path: name))
        let made = try Data(contentsOf: URL(fileURLWithPath: name))
        let attributes = try FileManager.default.attributesOfItem(atPath: name)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(made.count == 65)
        try FileManager.default.removeItem(atPath: first.path)
        let second = try make(folder, four, .keyFile(path: name))
        #expect(try Data(contentsOf: URL(fileURLWithPath: name)) == made)
        #expect(second.protectionNotice == nil)
        #expect(
            try LocalNetwork.open(at: second.path, protection: .keyFile(path: name)).ledger
                == second.ledger)
    }
}
