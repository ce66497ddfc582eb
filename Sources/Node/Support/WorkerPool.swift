// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// Threads of our own for work that blocks or takes long, so that the shared pool never waits.
///
/// Tasks are taken in order. The queue has no bound of its own: whoever gives tasks bounds them.
final class WorkerPool: Sendable {
    private struct Contents {
        var tasks: [@Sendable () -> Void] = []
        var next = 0
        var isStopped = false
        var running: Int
    }

    private let condition = NSCondition()
    private let contents: Mutex<Contents>

    /// Starts the threads.
    init(threads: Int) {
        contents = Mutex(Contents(running: threads))
        for number in 0..<threads {
            let thread = Thread { [self] in work() }
            thread.name = "recount-\(number)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Adds a task.
    func submit(_ task: @escaping @Sendable () -> Void) {
        condition.lock()
        contents.withLock { $0.tasks.append(task) }
        condition.unlock()
        condition.signal()
    }

    private func work() {
        while let task = popTask() { task() }
        condition.lock()
        contents.withLock { $0.running -= 1 }
        condition.broadcast()
        condition.unlock()
    }

    private func popTask() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (task, isStopped) = contents.withLock {
                contents -> ((@Sendable () -> Void)?, Bool) in
                guard contents.next < contents.tasks.count, !contents.isStopped else {
                    return (nil, contents.isStopped)
                }
                let task = contents.tasks[contents.next]
                contents.next += 1
                if contents.next == contents.tasks.count {
                    contents.tasks = []
                    contents.next = 0
                }
                return (task, false)
            }
            if let task { return task }
            if isStopped { return nil }
            condition.wait()
        }
    }

    /// Drops the tasks that wait, and returns when those that run have ended.
    func stop() {
        condition.lock()
        contents.withLock { $0.isStopped = true }
        condition.broadcast()
        while contents.withLock({ $0.running }) > 0 { condition.wait() }
        condition.unlock()
    }
}
