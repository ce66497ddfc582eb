// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

/// Whatever the bytes are, an audit finds what is wrong, or says that there is no ledger.
struct DamageTests {
    /// Whether an audit finds something, or refuses to read what is there.
    private func isFound(_ directory: String) -> Bool {
        do {
            let report = try Auditor.run(directory: directory, options: .derivationOnly)
            return !report.isRight
        } catch {
            return true
        }
    }

    private func files(in directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).sorted().map {
            URL(fileURLWithPath: directory + "/" + $0)
        }.filter { !$0.hasDirectoryPath && !isFolder($0) }.map(\.path)
    }

    private func isFolder(_ url: URL) -> Bool {
        do {
            return try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true
        } catch { return false }
    }

    @Test func `every changed byte of a closed ledger is found`() throws {
        let folder = try TemporaryFolder()
        let directory = try folder.write(try LedgerScenario.small().entries)
        #expect(!isFound(directory))
        var count = 0
        for file in try files(in: directory) {
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            for offset in bytes.indices {
                for pattern in [UInt8(0x01), 0x80, 0xFF] {
                    try handle.seek(toOffset: UInt64(offset))
                    try handle.write(contentsOf: Data([bytes[offset] ^ pattern]))
                    #expect(isFound(directory), "\(file), byte \(offset), pattern \(pattern)")
                    count += 1
                }
                try handle.seek(toOffset: UInt64(offset))
                try handle.write(contentsOf: Data([bytes[offset]]))
            }
        }
        #expect(!isFound(directory))
        #expect(count > 3_000)
    }

    @Test func `a truncated or garbled directory never traps`() throws {
        let folder = try TemporaryFolder()
        let entries = try LedgerScenario.small().entries
        var generator = SplitMix64(seed: 11)
        for file in try files(in: try folder.write(entries)) {
            let whole = try Data(contentsOf: URL(fileURLWithPath: file))
            for length in stride(from: 0, to: whole.count, by: 13) {
                let directory = try folder.write(entries)
                try whole.prefix(length).write(to: URL(fileURLWithPath: file))
                #expect(isFound(directory) || whole.isEmpty, "\(file) cut to \(length)")
            }
            for _ in 0..<20 {
                let directory = try folder.write(entries)
                try Data(generator.bytes(whole.count)).write(to: URL(fileURLWithPath: file))
                #expect(isFound(directory) || whole.isEmpty, "\(file) filled with noise")
            }
        }
        #expect(throws: LogError.self) { try Auditor.run(directory: folder.path + "/absent") }
        #expect(throws: LogError.self) { try Auditor.run(directory: try TemporaryFolder().path) }
    }

    @Test func `a changed blob is found`() throws {
        let folder = try TemporaryFolder()
        let directory = try folder.write(try LedgerScenario.small().entries)
        let store = BlobStore(logDirectory: directory, disk: POSIXDisk())
        let hash = try store.put([1, 2, 3])
        #expect(try Auditor.run(directory: directory).blobs == 1)
        #expect(!isFound(directory))
        let file = URL(fileURLWithPath: directory + "/blobs/" + hash.hex)
        try Data([1, 2, 4]).write(to: file)
        #expect(isFound(directory))
    }

    @Test(.enabled(if: Paraloom.isThere))
    func `a changed entry is found even in a log that was written anew`() throws {
        let entries = try LedgerScenario.everything().entries
        for seed in UInt64(0)..<300 {
            var generator = SplitMix64(seed: seed)
            var changed = entries
            let entry = Int.random(in: 0..<changed.count, using: &generator)
            let offset = Int.random(in: 0..<changed[entry].count, using: &generator)
            changed[entry][offset] ^= UInt8.random(in: 1...255, using: &generator)
            let report = try TemporaryFolder().audit(changed, .derivationOnly)
            #expect(!report.isRight, "seed \(seed): entry \(entry), byte \(offset)")
        }
    }

    @Test(.enabled(if: Paraloom.isThere))
    func `entries in any order never trap`() throws {
        let entries = try LedgerScenario.everything().entries
        for seed in UInt64(0)..<60 {
            var generator = SplitMix64(seed: seed)
            var changed = [entries[0]] + entries.dropFirst().shuffled(using: &generator)
            for _ in 0..<4 {
                let entry = Int.random(in: 1..<changed.count, using: &generator)
                let other = Int.random(in: 1..<changed.count, using: &generator)
                changed.swapAt(entry, other)
                changed.remove(at: entry)
            }
            let report = try TemporaryFolder().audit(changed, AuditOptions(verifyProofs: false))
            #expect(!report.isRight, "seed \(seed)")
        }
    }

    @Test func `entries that are no events are found`() throws {
        let entries = try LedgerScenario.small().entries
        var generator = SplitMix64(seed: 5)
        for place in entries.indices {
            var changed = entries
            changed[place] = [200] + generator.bytes(40)
            let report = try TemporaryFolder().audit(changed)
            let finding = report.findings.first { $0.kind == .undecodable }
            #expect(finding?.entry == UInt64(place))
            #expect(finding?.found.contains("tag 200") == true)
        }
    }
}
