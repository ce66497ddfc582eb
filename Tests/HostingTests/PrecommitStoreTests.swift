// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import Storage
import TestSupport
import Testing

@Suite struct PrecommitStoreTests {
    private typealias F = JournalFixture

    private func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory("/ledger")
        try disk.syncDirectory("/")
        return disk
    }

    private func store(_ disk: SimulatedDisk) -> PrecommitStore {
        PrecommitStore(ledgerDirectory: "/ledger", disk: disk)
    }

    private func damage(
        _ store: PrecommitStore, _ height: UInt64
    ) throws -> PrecommitDamage.Reason? {
        do throws(PrecommitStoreError) {
            _ = try store.load(Height(height))
            return nil
        } catch {
            guard case .damaged(let damage) = error else { throw error }
            #expect(damage.file == store.path(Height(height)))
            return damage.reason
        }
    }

    @Test func whatWasSavedComesBackAndTheNewestTwoStay() throws {
        let disk = try disk()
        let store = store(disk)
        #expect(try store.heights() == [])
        #expect(try store.newest().precommits == nil)
        for height in [UInt64](1...5) { try store.save(F.precommits(height)) }
        #expect(try store.heights() == [Height(4), Height(5)])
        #expect(try store.newest().precommits == F.precommits(5))
        #expect(try store.newest(through: Height(4)).precommits == F.precommits(4))
        #expect(try store.newest(through: Height(3)).precommits == nil)
        #expect(throws: PrecommitStoreError.missing(Height(3))) { try store.load(Height(3)) }
        #expect(store.path(Height(5)) == "/ledger/checkpoints/00000000000000000005.precommits")
        // Others of the same batch take the place of those, and the most that there can be fit.
        try store.save(F.precommits(5, signers: Limits.membersMax))
        disk.restart(seed: 0)
        #expect(try store.load(Height(5)) == F.precommits(5, signers: Limits.membersMax))
    }

    @Test func filesOfHigherHeightsStay() throws {
        let disk = try disk()
        let store = store(disk)
        for height in [10, 11, 5, 6, 7] as [UInt64] { try store.save(F.precommits(height)) }
        #expect(try store.heights() == [6, 7, 10, 11].map { Height($0) })
        #expect(try store.newest(through: Height(9)).precommits == F.precommits(7))
    }

    @Test func damageIsNamedAndTheOlderOneIsUsed() throws {
        let disk = try disk()
        let store = store(disk)
        for height in [UInt64](4...5) { try store.save(F.precommits(height)) }
        let path = store.path(Height(5))
        let bytes = try #require(disk.bytes(of: path))
        func changed(_ change: (inout [UInt8]) -> Void) throws -> PrecommitDamage.Reason? {
            var copy = bytes
            change(&copy)
            disk.replace(path, with: copy)
            return try damage(store, 5)
        }
        #expect(try changed { _ in } == nil)
        #expect(try changed { $0 = [] } == .file(.length(bytes: 0, expected: 48)))
        #expect(try changed { $0[0] ^= 1 } == .file(.magic))
        #expect(try changed { $0[4] = 2 } == .file(.version(2)))
        #expect(
            try changed { $0.append(0) }
                == .file(.length(bytes: bytes.count + 1, expected: UInt64(bytes.count))))
        #expect(try changed { $0[30] ^= 1 } == .file(.hash))
        let older = try #require(disk.bytes(of: store.path(Height(4))))
        #expect(try changed { $0 = older } == .height(found: Height(4)))
        #expect(
            try changed { copy in
                // A file whose hash is right and whose contents are not.
                copy = Array(copy[..<8]) + [49, 0, 0, 0, 0, 0, 0, 0, 7]
                copy += Digest(hashing: copy).bytes
            } == .file(.undecodable(.truncated(offset: 0, neededBytes: 7))))
        let newest = try store.newest()
        #expect(newest.precommits == F.precommits(4))
        #expect(newest.damaged.map(\.file) == [path])
        #expect("\(newest.damaged[0])".hasPrefix(path))
    }

    @Test func everyTruncationAndEveryFlippedByteIsSeen() throws {
        let disk = try disk()
        let store = store(disk)
        try store.save(F.precommits(5))
        let path = store.path(Height(5))
        let bytes = try #require(disk.bytes(of: path))
        for length in bytes.indices {
            disk.replace(path, with: Array(bytes[..<length]))
            #expect(try damage(store, 5) != nil, "\(length) bytes")
        }
        for place in bytes.indices {
            var flipped = bytes
            flipped[place] ^= 1 << UInt8(place % 8)
            disk.replace(path, with: flipped)
            #expect(try damage(store, 5) != nil, "byte \(place)")
        }
        var random = SplitMix64(seed: 5)
        for number in 0..<500 {
            disk.replace(path, with: random.bytes(Int(random.next() % 200)))
            #expect(try damage(store, 5) != nil, "number \(number)")
        }
    }

    @Test(arguments: [UInt64](0..<8))
    func noCrashLosesWhatWasSaved(seed: UInt64) throws {
        func saved() throws -> SimulatedDisk {
            let disk = try disk()
            for height in [UInt64](3...5) { try store(disk).save(F.precommits(height)) }
            return disk
        }
        let whole = try saved()
        let made = whole.operations
        try store(whole).save(F.precommits(6))
        for operation in 0..<(whole.operations - made) {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let what = "seed \(seed), operation \(operation), \(fault)"
                let disk = try saved()
                let store = store(disk)
                disk.fail(operation: operation, with: fault)
                var isSaved = false
                do throws(DiskError) {
                    try store.save(F.precommits(6))
                    isSaved = true
                } catch {}
                disk.restart(seed: seed &* 1000 &+ UInt64(operation))
                disk.healFaults()
                #expect(try store.load(Height(5)) == F.precommits(5), "\(what)")
                let newest = try store.newest()
                #expect(newest.damaged.isEmpty, "\(what)")
                let height = newest.precommits?.height
                #expect(height == Height(6) || !isSaved && height == Height(5), "\(what)")
                try store.save(F.precommits(6))
                #expect(try store.heights() == [Height(5), Height(6)], "\(what)")
                #expect(
                    try disk.list("/ledger/checkpoints").allSatisfy {
                        !$0.hasSuffix(".tmp") || $0 == "spare.precommits.tmp"
                    },
                    "\(what)")
            }
        }
    }

    @Test func checkpointsInTheSameDirectoryAndPrecommitsPassEachOtherOver() throws {
        let disk = try disk()
        let checkpoints = CheckpointStore(
            logDirectory: "/ledger", origin: Checkpoint.origin(ofLedger: F.ledger.digest),
            disk: disk)
        let checkpoint = Checkpoint(
            ledger: F.ledger.digest, head: TreeHead(size: 5, root: F.value(1)))
        _ = try checkpoints.save(try SignedCheckpoint(signing: checkpoint, with: F.key))
        for height in [UInt64](4...6) { try store(disk).save(F.precommits(height)) }
        #expect(try store(disk).heights() == [Height(5), Height(6)])
        let newest = try checkpoints.newest()
        #expect(newest.checkpoint?.head == checkpoint.head && newest.damaged.isEmpty)
        #expect(try checkpoints.prune(keeping: 0) == [5])
        #expect(try store(disk).heights() == [Height(5), Height(6)])
    }
}
