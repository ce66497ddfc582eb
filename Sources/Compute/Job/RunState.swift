// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the callbacks of one run share with it. Used on the thread of the run only.
final class RunState {
    /// What the module has logged.
    var log = JobLog()
    /// Whether the system refused memory below the job's limit.
    var hasMemoryFailed = false
    /// Whether the clock, or the end of the runner, has stopped the run.
    var isStopped = false

    let functions: Wasmtime
    private let end: ContinuousClock.Instant
    private let isEnding: @Sendable () -> Bool

    init(
        _ functions: Wasmtime, until end: ContinuousClock.Instant,
        isEnding: @escaping @Sendable () -> Bool
    ) {
        self.functions = functions
        self.end = end
        self.isEnding = isEnding
    }

    /// Looks at the clock; true where the run must end.
    func stopsNow() -> Bool {
        if ContinuousClock.now >= end || isEnding() { isStopped = true }
        return isStopped
    }

    // MARK: The run of a thread

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // SAFETY: the key is made once and never deleted.
        let status = unsafe pthread_key_create(&key, nil)
        precondition(status == 0, "the system has no key for a thread's run")
        return key
    }()

    /// The run of this thread.
    static var current: RunState? {
        // SAFETY: the pointer is that of a state which `during` keeps alive.
        unsafe pthread_getspecific(key).map { pointer in
            unsafe Unmanaged<RunState>.fromOpaque(pointer).takeUnretainedValue()
        }
    }

    /// Makes this the run of the thread for as long as `body` runs.
    func during<Value>(_ body: () -> Value) -> Value {
        // SAFETY: the state outlives the body, after which the thread forgets it.
        withExtendedLifetime(self) {
            _ = unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
            defer { _ = pthread_setspecific(Self.key, nil) }
            return body()
        }
    }
}
