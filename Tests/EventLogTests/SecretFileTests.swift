// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Testing

@Suite("files that nobody but their owner may read")
struct SecretFileTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "recount-secret-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private let secret = SecretBytes(copying: Array("sesame".utf8))

    private func discard() {
        do { try FileManager.default.removeItem(atPath: folder) } catch { print(error) }
    }

    private func contents(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    private func mode(_ path: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test("have mode 0600 whatever this process grants to new files")
    func modes() throws {
        defer { discard() }
        let before = umask(0)
        defer { umask(before) }
        try SecretFile.create("\(folder)/bytes", [1, 2, 3])
        try SecretFile.create("\(folder)/secret", secret)
        // A file of others, made beside them, shows that the process grants all.
        #expect(FileManager.default.createFile(atPath: "\(folder)/other", contents: nil))
        #expect(try mode("\(folder)/bytes") == 0o600)
        #expect(try mode("\(folder)/secret") == 0o600)
        #expect(try mode("\(folder)/other") == 0o666)
        #expect(try SecretFile.read("\(folder)/secret", max: 6).equals(secret))
    }

    @Test("are made only where the name is free, and leave what is there")
    func exclusive() throws {
        defer { discard() }
        let path = "\(folder)/key"
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: SecretFileError.disk(.failed(.create, path: path, code: EEXIST))) {
            try SecretFile.create(path, [9])
        }
        #expect(throws: SecretFileError.disk(.failed(.create, path: path, code: EEXIST))) {
            try SecretFile.create(path, secret)
        }
        #expect(try contents(path) == "old")
    }

    @Test("are made through no link, wherever it leads")
    func links() throws {
        defer { discard() }
        let files = FileManager.default
        let target = "\(folder)/target"
        for (name, isThere) in [("dangling", false), ("leading", true)] {
            let path = "\(folder)/\(name)"
            if isThere { try Data("old".utf8).write(to: URL(fileURLWithPath: target)) }
            try files.createSymbolicLink(atPath: path, withDestinationPath: target)
            #expect(throws: SecretFileError.self) { try SecretFile.create(path, [9]) }
            #expect(throws: SecretFileError.self) { try SecretFile.create(path, secret) }
            #expect(files.fileExists(atPath: target) == isThere, "\(name)")
            #expect(try files.destinationOfSymbolicLink(atPath: path) == target)
        }
        #expect(try contents(target) == "old")
    }

    @Test("are read only where they are plain, closed to others and short enough")
    func reading() throws {
        defer { discard() }
        let path = "\(folder)/key"
        try SecretFile.create(path, secret)
        #expect(throws: SecretFileError.tooLong(max: 5)) { try SecretFile.read(path, max: 5) }
        for mode in [0o640, 0o604, 0o620, 0o602, 0o601] {
            // SAFETY: the path lives for the call.
            unsafe chmod(path, mode_t(mode))
            #expect(throws: SecretFileError.exposed(mode: mode)) {
                try SecretFile.read(path, max: 100)
            }
        }
        #expect(throws: SecretFileError.notAPlainFile) { try SecretFile.read(folder, max: 100) }
        // SAFETY: the path lives for the call.
        unsafe mkfifo("\(folder)/pipe", 0o600)
        #expect(throws: SecretFileError.notAPlainFile) {
            try SecretFile.read("\(folder)/pipe", max: 100)
        }
    }

    @Test("and a passphrase leaves the environment when it is taken")
    func environment() throws {
        defer { discard() }
        let name = "RECOUNT_TEST_SECRET"
        // SAFETY: names and values live for the calls; nothing else changes this variable.
        unsafe setenv(name, "sesame", 1)
        // Where the value stood, to see that it is overwritten and not only forgotten.
        guard let place = unsafe getenv(name) else {
            Issue.record("the variable is not set")
            return
        }
        let taken = SecretInput.takeVariable(name)
        #expect(taken?.equals(secret) == true)
        var rest: [CChar] = []
        for offset in 0..<6 { unsafe rest.append(place[offset]) }
        #expect(rest == [0, 0, 0, 0, 0, 0])
        let isGone = unsafe getenv(name) == nil
        #expect(isGone)
        #expect(SecretInput.takeVariable(name) == nil)
        unsafe setenv(name, "", 1)
        #expect(SecretInput.takeVariable(name) == nil)
    }
}
