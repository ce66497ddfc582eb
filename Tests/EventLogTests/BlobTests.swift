// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Testing

/// Blobs that are stored together.
struct BlobTests {
    private static let blobs: [[UInt8]] = (0..<70).map { Array("blob \($0)".utf8) }

    private func store(_ disk: any Disk) throws -> BlobStore {
        for folder in ["/log", "/log/blobs"] { _ = try disk.makeDirectory(folder) }
        return BlobStore(logDirectory: "/log", disk: disk)
    }

    @Test func `hashes come in the order of the blobs, of those that are there too`() throws {
        let store = try store(SimulatedDisk())
        _ = try store.put(Self.blobs[3])
        let twice = [Self.blobs[5], Self.blobs[3], Self.blobs[5], []]
        #expect(try store.put(all: twice) == twice.map { Digest(hashing: $0) })
        #expect(try store.put(all: []) == [])
        #expect(try store.verifyAll() == 3)
    }

    @Test func `one that is too large keeps all of them out`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        let large = [UInt8](repeating: 0, count: LogLimits.blobBytesMax + 1)
        #expect(
            throws: LogError.blobTooLarge(
                bytes: UInt64(large.count), max: LogLimits.blobBytesMax)
        ) { _ = try store.put(all: [[1], large]) }
        #expect(disk.files.isEmpty)
    }

    @Test(arguments: [SimulatedFault.powerCut, .noSpace, .inputOutputError])
    func `a failure at any step loses none that was stored, and leaves none in part`(
        _ fault: SimulatedFault
    ) throws {
        let whole = SimulatedDisk()
        _ = try store(whole)
        let before = whole.operations
        _ = try store(whole).put(all: Self.blobs)
        let count = whole.operations - before
        #expect(count > 4 * Self.blobs.count)
        for operation in 0...count {
            let disk = SimulatedDisk()
            let first = try store(disk).put([9])
            disk.fail(operation: operation, with: fault)
            let stored: [Digest]
            do { stored = try store(disk).put(all: Self.blobs) } catch { stored = [] }
            disk.restart(seed: UInt64(operation))
            disk.healFaults()
            let left = try store(disk)
            for hash in [first] + stored { _ = try left.get(hash) }
            // Each that has its name has its bytes.
            _ = try left.verifyAll()
            #expect(try left.put(all: Self.blobs).count == Self.blobs.count)
            #expect(try left.verifyAll() == Self.blobs.count + 1)
        }
    }
}
