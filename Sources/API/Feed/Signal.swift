// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Something that many wait for and that happens again and again.
final class Signal: Sendable {
    private struct Contents {
        var version: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
        var isOver = false
    }

    private let contents = Mutex(Contents())

    /// How often it has happened.
    var version: UInt64 { contents.withLock(\.version) }

    /// Whether it happens no more.
    var isOver: Bool { contents.withLock(\.isOver) }

    /// It happens: all who wait go on.
    func raise() { wake { $0.version += 1 } }

    /// It happens no more: nobody waits for it any longer.
    func end() { wake { $0.isOver = true } }

    private func wake(_ change: (inout Contents) -> Void) {
        let waiters = contents.withLock { contents in
            change(&contents)
            defer { contents.waiters = [:] }
            return Array(contents.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until it has happened more often than that, is over, or the task is cancelled.
    func wait(after version: UInt64) async {
        let number = contents.withLock { contents in
            defer { contents.nextWaiter += 1 }
            return contents.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = contents.withLock { contents in
                    if contents.isOver || contents.version > version || Task.isCancelled {
                        return true
                    }
                    contents.waiters[number] = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            contents.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
