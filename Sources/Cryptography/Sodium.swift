// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// What libsodium is asked for once, before anything else of it is used.
enum Sodium {
    /// Initialises the library; true for ever after. `sodium_init` is safe to call from any thread.
    static let isReady: Bool = {
        let status = sodium_init()
        invariant(status >= 0, "libsodium could not be initialised")
        return true
    }()
}

/// Returns `count` bytes from the operating system's generator, by libsodium.
package func randomBytes(_ count: Int) -> [UInt8] {
    invariant(Sodium.isReady, "libsodium is not ready")
    var bytes = [UInt8](repeating: 0, count: count)
    // SAFETY: the array has room for `count` bytes.
    unsafe randombytes_buf(&bytes, count)
    return bytes
}
