// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The system's words for an `errno`.
package enum SystemText {
    /// Returns the message, with the number.
    static func of(_ code: Int32) -> String { "\(words(code)) (errno \(code))" }

    /// Returns the message for people, who need no number: `no space left on device`.
    package static func words(_ code: Int32) -> String {
        // SAFETY: `strerror` gives a string that ends in zero and lives until the next call of it
        // in this thread.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// A lock with one condition, whose waits go by the clock that never steps.
///
/// Waits of the system's own condition go by the wall clock: a step back would stretch them.
///
/// Invariants: `isHeld` just while a thread is in a body and does not wait; `isWaking` only while
/// `isHeld`.
@safe package final class Monitor: @unchecked Sendable {
    // SAFETY: both are allocated for the life of the object, never moved, and used only through
    // the functions that are made for them.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    /// Whether those that wait are to be woken once the mutex is free: woken before, they would
    /// only wait for it. Changed by whoever holds the mutex.
    private var isWaking = false
    /// Whether a thread is in a body; what is called within `locked` is called by that thread.
    private var isHeld = false

    /// Nobody holds it.
    package init() {
        // SAFETY: room for one of each, initialised by the functions that are made for it.
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        invariant(unsafe pthread_mutex_init(mutex, nil) == 0, "no mutex could be made")
        #if canImport(Darwin)
            let made = unsafe pthread_cond_init(condition, nil)
        #else
            var attributes = pthread_condattr_t()
            // SAFETY: the attributes live for the calls, and are made before they are used.
            unsafe pthread_condattr_init(&attributes)
            unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            let made = unsafe pthread_cond_init(condition, &attributes)
            // SAFETY: they are not used after this.
            unsafe pthread_condattr_destroy(&attributes)
        #endif
        invariant(made == 0, "no condition could be made")
    }

    deinit {
        // SAFETY: nobody holds or waits for what nobody refers to.
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` while no other thread is in a body of this monitor.
    package func locked<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        // SAFETY: the mutex lives as long as the object.
        let status = unsafe pthread_mutex_lock(mutex)
        invariant(status == 0, "a mutex could not be locked")
        invariant(!isHeld, "two threads are in a body of one monitor")
        invariant(!isWaking, "those that wait are to be woken by nobody")
        isHeld = true
        defer {
            let wakes = isWaking
            (isHeld, isWaking) = (false, false)
            // SAFETY: both live as long as the object, and this thread holds the mutex.
            unsafe pthread_mutex_unlock(mutex)
            if wakes { unsafe pthread_cond_broadcast(condition) }
        }
        return try body()
    }

    /// Lets the mutex go for a wait; those that are to be woken are woken before it.
    private func leave() {
        invariant(isHeld, "a wait for what this thread does not hold")
        isHeld = false
        guard isWaking else { return }
        isWaking = false
        // SAFETY: the condition lives as long as the object.
        unsafe pthread_cond_broadcast(condition)
    }

    /// Lets others in until one of them wakes it, or so much time has really passed; called within
    /// `locked`.
    package func wait(milliseconds: UInt64) {
        leave()
        defer { isHeld = true }
        let nanoseconds = min(milliseconds, 86_400_000) * 1_000_000
        #if canImport(Darwin)
            var end = timespec()
            end.tv_sec = Int(nanoseconds / 1_000_000_000)
            end.tv_nsec = Int(nanoseconds % 1_000_000_000)
            // SAFETY: both live as long as the object, and this thread holds the mutex.
            _ = unsafe pthread_cond_timedwait_relative_np(condition, mutex, &end)
        #else
            let sum = MonotonicTime.nanoseconds() + nanoseconds
            var end = timespec()
            end.tv_sec = Int(sum / 1_000_000_000)
            end.tv_nsec = Int(sum % 1_000_000_000)
            // SAFETY: both live as long as the object, and this thread holds the mutex.
            _ = unsafe pthread_cond_timedwait(condition, mutex, &end)
        #endif
    }

    /// Lets others in until one of them wakes it; called within `locked`.
    package func wait() {
        leave()
        defer { isHeld = true }
        // SAFETY: both live as long as the object, and this thread holds the mutex.
        let status = unsafe pthread_cond_wait(condition, mutex)
        invariant(status == 0, "a condition could not be waited for")
    }

    /// Wakes all that wait once the lock is free; called within `locked`.
    package func wakeAll() {
        invariant(isHeld, "nobody holds the monitor, and nobody would be woken")
        isWaking = true
    }
}

/// The machine's two clocks.
package enum MonotonicTime {
    /// What has passed since some moment, by the clock that never steps.
    package static func nanoseconds() -> UInt64 {
        var time = timespec()
        // SAFETY: one structure that lives for the call.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(max(0, time.tv_nsec))
    }

    /// Seconds since 1970 UTC by the wall clock, of either sign, and nanoseconds within the second.
    package static func wall() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        // SAFETY: one structure that lives for the call.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
