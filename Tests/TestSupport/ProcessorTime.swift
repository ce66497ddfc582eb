// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The time that this thread has had a processor for, in nanoseconds: what runs beside it adds
/// nothing.
package func processorNanoseconds() -> UInt64 {
    var time = timespec()
    // SAFETY: one structure that lives for the call.
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// What a body costs the processor, on the thread that runs it from its beginning to its end.
package func processorTime(_ body: () throws -> Void) rethrows -> Duration {
    let start = processorNanoseconds()
    try body()
    return .nanoseconds(Int64(processorNanoseconds() - start))
}
