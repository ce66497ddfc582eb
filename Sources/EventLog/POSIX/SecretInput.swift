// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Secrets that people hand to a program. They never become a `String`, whose copies stay in
/// memory.
package enum SecretInput {
    /// Takes the value of an environment variable out of the environment: it is overwritten there,
    /// and neither a second call nor a process that is started later finds it. Nil where there is
    /// none, or an empty one.
    ///
    /// Call it while no other thread reads the environment.
    package static func takeVariable(_ name: String) -> SecretBytes? {
        // SAFETY: the value ends in zero and stays where it is until the environment is changed.
        guard let value = unsafe getenv(name) else { return nil }
        let secret = unsafe drain(value)
        // SAFETY: the name ends in zero and lives for the call.
        unsafe unsetenv(name)
        return secret.count > 0 ? secret : nil
    }

    /// Asks on the terminal, without showing what is typed; nil where there is no terminal.
    package static func ask(_ prompt: String) -> SecretBytes? {
        // SAFETY: the prompt ends in zero for the call; the answer is overwritten before the next.
        guard let answer = unsafe getpass(prompt) else { return nil }
        return unsafe drain(answer)
    }

    /// Copies a text that ends in zero, and overwrites it with zeros.
    private static func drain(_ text: UnsafeMutablePointer<CChar>) -> SecretBytes {
        // SAFETY: the text ends in zero.
        let count = unsafe strlen(text)
        let secret = unsafe SecretBytes(count: count) { bytes in
            // SAFETY: both have `count` bytes.
            unsafe _ = memcpy(bytes, text, count)
        }
        // SAFETY: the text has `count` bytes, which others still point to: this is not left out.
        unsafe _ = memset(text, 0, count)
        return secret
    }
}
