// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The system's words for an `errno`.
enum SystemText {
    /// Returns the message, with the number.
    static func of(_ code: Int32) -> String {
        // SAFETY: `strerror` gives a string that ends in zero and lives until the next call of it
        // in this thread.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe "\(String(cString: text)) (errno \(code))"
    }
}

/// A lock with one condition to wait for.
@safe final class Monitor: @unchecked Sendable {
    // SAFETY: both are allocated for the life of the object, never moved, and used only through
    // the functions that are made for them.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        // SAFETY: room for one of each, initialised by the functions that are made for it.
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        let made = unsafe (pthread_mutex_init(mutex, nil), pthread_cond_init(condition, nil))
        invariant(made.0 == 0, "no mutex could be made")
        invariant(made.1 == 0, "no condition could be made")
    }

    deinit {
        // SAFETY: nobody holds or waits for what nobody refers to.
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` while no other thread is in a body of this monitor.
    func locked<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        // SAFETY: the mutex lives as long as the object.
        let status = unsafe pthread_mutex_lock(mutex)
        invariant(status == 0, "a mutex could not be locked")
        defer {
            // SAFETY: the mutex lives as long as the object, and this thread holds it.
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body()
    }

    /// Lets others in until one of them calls `wakeAll`; called within `locked`.
    func wait() {
        // SAFETY: both live as long as the object, and this thread holds the mutex.
        let status = unsafe pthread_cond_wait(condition, mutex)
        invariant(status == 0, "a condition could not be waited for")
    }

    /// Wakes all that wait; called within `locked`.
    func wakeAll() {
        // SAFETY: the condition lives as long as the object.
        unsafe pthread_cond_broadcast(condition)
    }
}
