// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Synchronization

/// Makes payloads durable: those that come while others are being written wait, and share one wait
/// for the disk.
///
/// Any thread may give it payloads. Whoever gives them bounds how many wait.
final class BlobKeeper: Sendable {
    private struct Waiting: Sendable {
        let bytes: [UInt8]
        let then: @Sendable (Result<Void, LogError>) -> Void
    }

    private struct Contents {
        var waiting: [Waiting] = []
        var isWriting = false
    }

    private let store: BlobStore
    private let pool: WorkerPool
    private let contents = Mutex(Contents())

    /// What keeps payloads in a store, on threads of a pool.
    init(_ store: BlobStore, _ pool: WorkerPool) { (self.store, self.pool) = (store, pool) }

    /// Keeps a payload; `then` is called once, on a thread of the pool, when it is durable or could
    /// not be kept. A pool that is stopped before calls nothing.
    func keep(_ bytes: [UInt8], then: @escaping @Sendable (Result<Void, LogError>) -> Void) {
        let begins = contents.withLock { contents in
            contents.waiting.append(Waiting(bytes: bytes, then: then))
            defer { contents.isWriting = true }
            return !contents.isWriting
        }
        if begins { pool.submit { [self] in write() } }
    }

    /// Writes what waits, and gives up the thread before it goes on.
    private func write() {
        let group = contents.withLock { contents in
            let count = Self.countTogether(contents.waiting)
            defer { contents.waiting.removeFirst(count) }
            return Array(contents.waiting[..<count])
        }
        let result = Result { () throws(LogError) in _ = try store.put(all: group.map(\.bytes)) }
        for waiting in group { waiting.then(result) }
        let goesOn = contents.withLock { contents in
            contents.isWriting = !contents.waiting.isEmpty
            return contents.isWriting
        }
        if goesOn { pool.submit { [self] in write() } }
    }

    /// How many of those that wait are written together: so many that their bytes are not too many,
    /// and one at least.
    private static func countTogether(_ waiting: [Waiting]) -> Int {
        var bytes = 0
        let count = waiting.prefix(NodeLimits.blobsKeptTogether).prefix { waiting in
            bytes += waiting.bytes.count
            return bytes <= NodeLimits.blobBytesKeptTogether
        }.count
        return max(1, min(count, waiting.count))
    }
}
