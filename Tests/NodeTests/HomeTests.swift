// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
}

private func error(_ body: () throws -> Void) -> NodeError? {
    do {
        try body()
        return nil
    } catch {
        return error as? NodeError
    }
}

private let small = """
    [consensus]
    threshold = 1
    total_validators = 1
    """

@Suite struct HomeTests {
    private func make(
        _ folder: TemporaryFolder, _ protection: HomeProtection = .keyFile(path: nil)
    ) throws -> Home {
        try Home.initialise(
            configuration: try Configuration(toml: small, folder: "/"), at: folder.file("node"),
            protection: protection, startTime: Time(1000))
    }

    @Test func newHomeHasItsPartsAndKeepsOthersOut() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder)
        #expect(try mode("\(home.path)/keys") == 0o700)
        for name in ["validator-1", "submitter", "bridge", "unlock"] {
            #expect(try mode("\(home.path)/keys/\(name).key") == 0o600, "\(name)")
        }
        #expect(home.protectionNotice?.contains("unlock.key") == true)
        let list = try entries(home)
        #expect(list.count == 2)
        #expect(list.map(\.kind) == ["ledgerOpened", "batchSealed"])
        #expect(try Home.open(at: home.path, protection: .keyFile(path: nil)).ledger == home.ledger)
        #expect(Home.ledgerDirectory(of: home.path) == "\(home.path)/ledger")
        #expect(Home.ledgerDirectory(of: "\(home.path)/ledger") == "\(home.path)/ledger")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["node"])
        try checkLedger(home)
    }

    @Test func existingFolderIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder)
        let path = home.path
        guard case .homeExists(path)? = error({ _ = try make(folder) }) else {
            Issue.record("an existing home was made again")
            return
        }
        #expect(try Home.open(at: home.path, protection: .keyFile(path: nil)).ledger == home.ledger)
    }

    @Test func passphraseOpensAndAWrongOneDoesNot() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder, .passphrase("secret words"))
        #expect(home.protectionNotice == nil)
        #expect(try Home.needsPassphrase(at: home.path))
        #expect(
            try Home.open(at: home.path, protection: .passphrase("secret words")).ledger
                == home.ledger)
        let wrong = error { _ = try Home.open(at: home.path, protection: .passphrase("other")) }
        guard case .key(_, .notAuthentic)? = wrong else {
            Issue.record("\(String(describing: wrong))")
            return
        }
        #expect("\(wrong.map { "\($0)" } ?? "")".contains("wrong"))
        let unlocked = error {
            _ = try Home.open(at: home.path, protection: .keyFile(path: nil))
        }
        #expect(String(describing: unlocked).contains("unlock.key"))
        let empty = error { _ = try Home.open(at: home.path, protection: .passphrase("")) }
        guard case .emptyPassphrase? = empty else {
            Issue.record("\(String(describing: empty))")
            return
        }
    }

    @Test func keyFileKeptElsewhereIsMadeAndNeeded() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("elsewhere.key")
        let home = try make(folder, .keyFile(path: path))
        #expect(try mode(path) == 0o600)
        #expect(home.protectionNotice == nil)
        #expect(!FileManager.default.fileExists(atPath: "\(home.path)/keys/unlock.key"))
        #expect(
            try Home.open(at: home.path, protection: .keyFile(path: path)).ledger == home.ledger)
        try "zz\n".write(toFile: path, atomically: false, encoding: .utf8)
        guard
            case .unlockKeyMalformed? = error({
                _ = try Home.open(at: home.path, protection: .keyFile(path: path))
            })
        else {
            Issue.record("a malformed key file was taken")
            return
        }
    }

    @Test func exposedOrSwappedOrDamagedKeysAreRefused() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder)
        let key = "\(home.path)/keys/bridge.key"
        let open = { _ = try Home.open(at: home.path, protection: .keyFile(path: nil)) }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        guard case .secretExposed(key, 0o644)? = error(open) else {
            Issue.record("an exposed key was taken")
            return
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: key))
        try Data(contentsOf: URL(fileURLWithPath: "\(home.path)/keys/submitter.key"))
            .write(to: URL(fileURLWithPath: key))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        guard case .keyMismatch("bridge", _, _)? = error(open) else {
            Issue.record("a swapped key was taken")
            return
        }
        // Bytes 9 to 40 say nothing in a file that a key file opens.
        for position in bytes.indices where !(9...40).contains(position) {
            var changed = bytes
            changed[position] ^= 1
            try changed.write(to: URL(fileURLWithPath: key))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            #expect(error(open) != nil, "byte \(position)")
        }
    }

    @Test func changedConfigurationIsNamed() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder)
        var text = try String(contentsOfFile: home.configurationPath, encoding: .utf8)
        text = text.replacingOccurrences(
            of: "verification_timeout = 30", with: "verification_timeout = 31")
        try text.write(toFile: home.configurationPath, atomically: true, encoding: .utf8)
        let found = error { _ = try Home.open(at: home.path, protection: .keyFile(path: nil)) }
        guard case .configurationChanged("[consensus] or [leader_selection]")? = found else {
            Issue.record("\(String(describing: found))")
            return
        }
    }

    @Test func folderWithoutANodeSaysWhatIsMissing() throws {
        let folder = try TemporaryFolder()
        let found = error { _ = try Home.open(at: folder.path, protection: .keyFile(path: nil)) }
        #expect("\(String(describing: found))".contains("recount.toml"))
    }

    @Test func secondWriterIsTurnedAway() throws {
        let folder = try TemporaryFolder()
        let home = try make(folder)
        let first = try Coordinator.open(home: home, clock: VirtualClock(Time(1000)))
        let found = error {
            _ = try Coordinator.open(home: home, clock: VirtualClock(Time(1000)))
        }
        #expect("\(found.map { "\($0)" } ?? "")".contains("stop it first"))
        try first.close()
        try Coordinator.open(home: home, clock: VirtualClock(Time(1000))).close()
    }

    @Test func circuitsAreCopiedAndCheckedAgainstTheirBindings() throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        let home = try Samples.home(folder, configuration)
        #expect(home.configuration.circuits[0].verifyingKey == "\(home.path)/circuits/0.json")
        configuration.circuits[0].publicInputs.removeLast()
        let tooFew = error { _ = try Samples.home(folder, configuration, name: "b") }
        #expect(String(describing: tooFew).contains("4"))
        configuration.circuits[0].publicInputs = [.root, .nullifier, .free, .amount]
        let unbound = error { _ = try Samples.home(folder, configuration, name: "b") }
        #expect(String(describing: unbound).contains("must bind"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["node"])
    }
}
