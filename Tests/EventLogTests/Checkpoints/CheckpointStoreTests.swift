// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

@Suite struct CheckpointStoreTests {
    private let disk = SimulatedDisk()
    private let store: CheckpointStore
    private let checked: CheckpointStore

    init() throws {
        _ = try EventLog.create(directory: "/log", disk: disk)
        store = CheckpointStore(logDirectory: "/log", origin: origin, disk: disk)
        checked = CheckpointStore(
            logDirectory: "/log", origin: origin, policy: try policy("1-of-4"), disk: disk)
    }

    private func path(_ size: Int) -> String {
        "/log/checkpoints/\(String(repeating: "0", count: 20 - "\(size)".count))\(size).checkpoint"
    }

    private func signedAt(_ size: Int, cosigners: [UInt8] = []) throws -> SignedCheckpoint {
        try signed(checkpoint(size: UInt64(size)), cosigners: cosigners)
    }

    @Test func whatIsSavedIsReadAfterPowerFailed() throws {
        #expect(try store.newest() == store.newest(below: 0))
        #expect(try store.newest().checkpoint == nil)
        #expect(try store.list().sizes == [])
        for size in [3, 900, 20] {
            let made = try signedAt(size)
            let (kept, repaired) = try store.save(made)
            #expect(kept == made)
            #expect(repaired == nil)
            #expect(disk.bytes(of: path(size)) == made.bytes)
        }
        disk.restart(seed: 0)
        #expect(try store.list().sizes == [3, 20, 900])
        #expect(try store.newest().checkpoint == signedAt(900))
        #expect(try store.newest(below: 899).checkpoint == signedAt(20))
        #expect(try store.load(size: 3) == signedAt(3))
        #expect(try checked.all().good.map(\.checkpoint.size) == [3, 20, 900])
        #expect(throws: CheckpointStoreError.missing(size: 4)) { try store.load(size: 4) }
    }

    @Test func cosignaturesAreCollectedInOneFile() throws {
        _ = try store.save(signedAt(5, cosigners: [1]))
        let (kept, _) = try store.save(signedAt(5, cosigners: [2]))
        #expect(kept.note.signatures.count == 3)
        #expect(try store.load(size: 5) == kept)
        let operations = disk.operations
        #expect(try store.save(signedAt(5, cosigners: [2, 1])).kept == kept)
        #expect(disk.operations - operations < 6)
        #expect(disk.bytes(of: path(5)) == kept.bytes)
        disk.restart(seed: 0)
        #expect(try store.load(size: 5) == kept)
    }

    @Test func aContradictionIsRefusedAndNothingIsChanged() throws {
        let made = try signedAt(5)
        _ = try store.save(made)
        let other = try signed(checkpoint(size: 5, root: 1))
        #expect(
            throws: CheckpointStoreError.contradiction(
                file: path(5), stored: made.head, given: other.head)
        ) { try store.save(other) }
        #expect(try store.load(size: 5) == made)
        let foreign = try SignedCheckpoint(
            signing: Checkpoint(ledger: .zero, head: made.head), with: key(0))
        #expect(
            throws: CheckpointStoreError.refused(
                .otherOrigin(expected: origin, found: foreign.checkpoint.origin))
        ) { try store.save(foreign) }
    }

    @Test func aDamagedFileIsReportedAndTheNextOlderServes() throws {
        for size in [1, 2, 3] { _ = try store.save(signedAt(size)) }
        let good = try #require(disk.bytes(of: path(3)))
        let foreign = Checkpoint(ledger: .zero, head: checkpoint(size: 3).head)
        let foreignOrigin = NoteError.otherOrigin(expected: origin, found: foreign.origin)
        let cases: [([UInt8], CheckpointDamage.Reason)] = [
            ([], .note(.noSignatures)), (Array(good.dropLast()), .note(.unfinishedLine)),
            (good + good, .note(.checkpoint(.lines(found: 8)))),
            ([UInt8](repeating: 0, count: good.count), .note(.controlCharacter(0, offset: 0))),
            (try SignedCheckpoint(signing: foreign, with: key(0)).bytes, .note(foreignOrigin)),
            (try signedAt(2).bytes, .size(found: 2)), (try signedAt(4).bytes, .size(found: 4)),
            (
                [UInt8](repeating: 97, count: SignedNote.bytesMax + 9),
                .note(.tooLong(bytes: SignedNote.bytesMax + 1, max: SignedNote.bytesMax))
            ),
        ]
        for (bytes, reason) in cases {
            disk.replace(path(3), with: bytes)
            let damage = CheckpointDamage(file: path(3), reason: reason)
            #expect(throws: CheckpointStoreError.damaged(damage)) { try store.load(size: 3) }
            let newest = try store.newest()
            #expect(newest.damaged == [damage])
            #expect(newest.checkpoint == (try signedAt(2)))
            #expect(try store.all().damaged == [damage])
            #expect(try store.all().good.count == 2)
        }
        // Saving it again repairs it, and says so.
        let (kept, repaired) = try store.save(signedAt(3))
        #expect(kept.bytes == good)
        #expect(repaired?.file == path(3))
        #expect(try store.newest().damaged == [])
        #expect(try store.newest().checkpoint?.bytes == good)
    }

    @Test func aFileWithAnyByteChangedIsReported() throws {
        _ = try store.save(signedAt(1))
        _ = try store.save(signedAt(3, cosigners: [1, 2]))
        let good = try #require(disk.bytes(of: path(3)))
        for offset in good.indices {
            for change: UInt8 in [1, 0x20, 0x80, 0xFF] {
                var bytes = good
                bytes[offset] ^= change
                disk.replace(path(3), with: bytes)
                let newest = try checked.newest()
                #expect(newest.checkpoint?.checkpoint.size == 1, "byte \(offset), \(change)")
                #expect(newest.damaged.map(\.file) == [path(3)], "byte \(offset), \(change)")
            }
        }
    }

    @Test func aSignatureOfNobodyWhoMaySignIsDamage() throws {
        let made = try signedAt(3, cosigners: [9])
        _ = try store.save(made)
        let line = made.note.signatures[1]
        let damage = CheckpointDamage(
            file: path(3),
            reason: .unknownKey(name: line.name.description, keyID: line.keyID))
        #expect(throws: CheckpointStoreError.damaged(damage)) { try checked.load(size: 3) }
    }

    @Test func filesOfOtherNamesAreReported() throws {
        _ = try store.save(signedAt(3))
        let names = [
            "3.checkpoint", "0000000000000000003.checkpoint", "000000000000000000003.checkpoint",
            "99999999999999999999.checkpoint", "0000000000000000000x.checkpoint", "notes",
            "00000000000000000003.checkpoint.bak",
        ]
        for name in names { disk.replace("/log/checkpoints/\(name)", with: [1]) }
        disk.replace("/log/checkpoints/00000000000000000004.checkpoint.tmp", with: [1])
        let (sizes, others) = try store.list()
        #expect(sizes == [3])
        #expect(
            others
                == names.sorted().map {
                    CheckpointDamage(file: "/log/checkpoints/\($0)", reason: .name)
                })
        #expect(try store.newest().damaged == others)
    }

    @Test func theNewestAreKept() throws {
        for size in 1...70 { _ = try store.save(signedAt(size)) }
        disk.replace("/log/checkpoints/00000000000000000099.checkpoint.tmp", with: [1])
        #expect(try store.prune() == [1, 2, 3, 4, 5, 6])
        #expect(try store.list().sizes == Array(7...70))
        #expect(try store.prune() == [])
        disk.restart(seed: 0)
        #expect(disk.files.filter { $0.contains("checkpoints/") }.count == 64)
        #expect(try store.prune(keeping: 1).count == 63)
        #expect(try store.newest().checkpoint == signedAt(70))
    }

    @Test func powerFailingAtAnyMomentLosesNothingThatWasSaved() throws {
        let first = try signedAt(5, cosigners: [1])
        let second = try signedAt(5, cosigners: [2])
        var operation = 0
        while true {
            let disk = SimulatedDisk()
            _ = try EventLog.create(directory: "/log", disk: disk)
            let store = CheckpointStore(logDirectory: "/log", origin: origin, disk: disk)
            _ = try store.save(signedAt(2))
            _ = try store.save(first)
            disk.fail(operation: operation, with: .powerCut)
            let isDone = (try? store.save(second)) != nil
            disk.restart(seed: UInt64(operation))
            let found = try store.newest()
            #expect(found.damaged == [])
            #expect(found.checkpoint?.checkpoint.size == 5)
            let lines = found.checkpoint?.note.signatures.count
            #expect(isDone ? lines == 3 : lines == 2 || lines == 3)
            #expect(try store.save(second).kept.note.signatures.count == 3)
            if isDone { break }
            operation += 1
        }
        #expect(operation > 5)
    }

    @Test func aFailingDiskIsAnErrorOfTheDisk() throws {
        for operation in 0..<9 {
            let disk = SimulatedDisk()
            _ = try EventLog.create(directory: "/log", disk: disk)
            let store = CheckpointStore(logDirectory: "/log", origin: origin, disk: disk)
            disk.fail(operation: operation, with: .inputOutputError)
            do { _ = try store.save(signedAt(5)) } catch let error as CheckpointStoreError {
                guard case .disk = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
