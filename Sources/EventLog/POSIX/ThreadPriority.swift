// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// How much of the processors a thread is given while others want them.
package enum ThreadPriority {
    /// Lets every other thread of the system go before this one, until it ends.
    package static func giveWay() {
        // On Linux this is of the calling thread alone. Where it cannot be had, nothing is lost.
        #if os(Linux)
            _ = setpriority(CInt(PRIO_PROCESS.rawValue), 0, 19)
        #endif
    }
}
