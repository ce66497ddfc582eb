// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Bytes that nobody else may see: a seed, a passphrase, the key of a box.
///
/// They lie in memory of libsodium's: between pages that cannot be touched, kept out of swap and of
/// core dumps where the system allows it, and overwritten when the last reference goes. What was
/// copied from elsewhere is still there too: whoever read it clears it (`wipe`). Swift promises
/// nothing for a `String`, nor for an array that it moved as it grew, and libsodium none for
/// registers and stack; a secret should come in through an array of its final length.
@safe
package final class SecretBytes: @unchecked Sendable {
    /// How many there are.
    package let count: Int
    private let start: UnsafeMutablePointer<UInt8>

    /// Room for `count` bytes, filled by `body`.
    package init(count: Int, filledBy body: (UnsafeMutablePointer<UInt8>) -> Void) {
        invariant(Sodium.isReady, "libsodium is not ready")
        invariant(count >= 0, "a secret of \(count) bytes")
        let memory = unsafe sodium_malloc(count)
        invariant(unsafe memory != nil, "no memory for a secret of \(count) bytes")
        // SAFETY: `count` bytes of our own, freed by `deinit`; sodium_malloc fills them.
        guard let bytes = unsafe memory?.assumingMemoryBound(to: UInt8.self) else {
            fatalError("no memory for a secret")
        }
        self.count = count
        unsafe start = unsafe bytes
        unsafe body(bytes)
    }

    deinit {
        // SAFETY: allocated by `init` and freed once; sodium_free overwrites it first.
        unsafe sodium_free(start)
    }

    /// `count` bytes from the operating system's generator.
    package convenience init(random count: Int) {
        unsafe self.init(count: count) { bytes in
            // SAFETY: room for `count` bytes.
            unsafe randombytes_buf(bytes, count)
        }
    }

    /// A copy of bytes; the caller clears its own.
    package convenience init(copying bytes: [UInt8]) {
        unsafe self.init(count: bytes.count) { memory in
            for (place, byte) in bytes.enumerated() {
                // SAFETY: room for as many bytes as there are in the array.
                unsafe memory[place] = byte
            }
        }
    }

    /// The bytes that hexadecimal digits stand for, with blanks and line ends around them or not;
    /// nil for any other text.
    package convenience init?(hexDigits text: SecretBytes) {
        var digits: [UInt8] = []
        digits.reserveCapacity(text.count)
        defer { wipe(&digits) }
        for place in 0..<text.count {
            // SAFETY: the text has `count` bytes.
            digits.append(unsafe text.withBytes { unsafe $0[place] })
        }
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        while let last = digits.last, isBlank(last) { digits.removeLast() }
        let start = digits.prefix { isBlank($0) }.count
        guard (digits.count - start).isMultiple(of: 2) else { return nil }
        var values: [UInt8] = []
        values.reserveCapacity(digits.count)
        defer { wipe(&values) }
        for digit in digits[start...] {
            switch digit {
            case 0x30...0x39: values.append(digit - 0x30)
            case 0x41...0x46: values.append(digit - 0x41 + 10)
            case 0x61...0x66: values.append(digit - 0x61 + 10)
            default: return nil
            }
        }
        unsafe self.init(count: values.count / 2) { bytes in
            for place in 0..<values.count / 2 {
                // SAFETY: room for half as many bytes as there are digits.
                unsafe bytes[place] = values[2 * place] << 4 | values[2 * place + 1]
            }
        }
    }

    /// Two lower-case hexadecimal digits for each byte, and the end of a line.
    package var hexLine: SecretBytes {
        unsafe SecretBytes(count: 2 * count + 1) { text in
            for place in 0..<count {
                // SAFETY: room for two digits of each byte, and one more.
                let byte = unsafe start[place]
                for (offset, value) in [(0, byte >> 4), (1, byte & 15)] {
                    unsafe text[2 * place + offset] = value < 10 ? 0x30 + value : 0x57 + value
                }
            }
            unsafe text[2 * count] = 0x0A
        }
    }

    /// Lends the bytes; the pointer is good for the call only.
    package func withBytes<T>(_ body: (UnsafePointer<UInt8>) -> T) -> T {
        // SAFETY: the object lives through the call.
        withExtendedLifetime(self) { unsafe body(start) }
    }

    /// Appends a copy of the bytes, which the caller clears.
    package func append(to bytes: inout [UInt8]) {
        for place in 0..<count {
            // SAFETY: there are `count` bytes.
            bytes.append(unsafe start[place])
        }
    }

    /// Whether both hold the same bytes, in a time that does not depend on where they differ.
    package func equals(_ other: SecretBytes) -> Bool {
        guard count == other.count else { return false }
        // SAFETY: both have `count` bytes, for the call.
        return unsafe sodium_memcmp(start, other.start, count) == 0
    }
}

/// Overwrites bytes that are needed no more, and empties the array.
///
/// Only this array's own storage is overwritten: a copy that shares it keeps the bytes.
package func wipe(_ bytes: inout [UInt8]) {
    invariant(Sodium.isReady, "libsodium is not ready")
    let count = bytes.count
    // SAFETY: the array has `count` bytes.
    unsafe sodium_memzero(&bytes, count)
    bytes = []
}
