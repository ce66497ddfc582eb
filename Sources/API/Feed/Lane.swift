// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOPosix
internal import Synchronization

/// Threads of our own for work that blocks, with a bound on what waits for them.
final class Lane: Sendable {
    private let pool: NIOThreadPool
    private let name: String
    private let waitingMax: Int
    private let waiting = Mutex(0)

    /// - Parameter name: What the work is, for those who are turned away.
    init(_ name: String, threads: Int, waitingMax: Int) {
        self.name = name
        self.waitingMax = waitingMax
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    /// Does work on one of the threads; throws `APIError` where too much waits.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let isTaken = waiting.withLock { waiting in
            guard waiting < waitingMax else { return false }
            waiting += 1
            return true
        }
        guard isTaken else { throw APIError.busy("too many wait for \(name)") }
        defer { waiting.withLock { $0 -= 1 } }
        do {
            return try await pool.runIfActive(work)
        } catch is NIOThreadPoolError.ThreadPoolInactive {
            throw CancellationError()
        }
    }

    /// Ends the threads once their work is done.
    func stop() async {
        await withCheckedContinuation { continuation in
            pool.shutdownGracefully { _ in continuation.resume() }
        }
    }
}
