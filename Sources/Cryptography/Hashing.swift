// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CKernels
import Crypto

/// SHA-256 (FIPS 180-4) of bytes in one piece, with a byte before them or none.
enum Hashing {
    /// Whether the processor has instructions for it, which are used then; else swift-crypto
    /// hashes, and also where `RECOUNT_PORTABLE` is set.
    static let isInHardware = recount_sha256_is_there() != 0

    static func digest(prefix: UInt8? = nil, _ bytes: Span<UInt8>) -> Bytes32 {
        guard isInHardware else { return portable(prefix: prefix, bytes) }
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe inHardware(prefix, bytes)
        }
    }

    /// Of two digests, one after the other.
    static func digest(prefix: UInt8, _ left: Bytes32, _ right: Bytes32) -> Bytes32 {
        // SAFETY: two values of thirty-two bytes without padding, for the call.
        unsafe withUnsafeBytes(of: (left, right)) { values in
            guard isInHardware else {
                return unsafe portable(prefix: prefix, Span(_unsafeBytes: values))
            }
            return unsafe values.withMemoryRebound(to: UInt8.self) { bytes in
                unsafe inHardware(prefix, bytes)
            }
        }
    }

    /// The nodes of a tree above the first two digests and above the others.
    static func nodes(
        _ left: Bytes32, _ right: Bytes32, _ nextLeft: Bytes32, _ nextRight: Bytes32
    ) -> (Bytes32, Bytes32) {
        // SAFETY: four values of thirty-two bytes without padding, for the call.
        unsafe withUnsafeBytes(of: (left, right, nextLeft, nextRight)) { values in
            let span = unsafe Span<UInt8>(_unsafeBytes: values)
            return digests(prefix: 1, span.extracting(0..<64), span.extracting(64..<128))
        }
    }

    /// Those of two messages with the same byte before them.
    static func digests(
        prefix: UInt8, _ left: Span<UInt8>, _ right: Span<UInt8>
    ) -> (Bytes32, Bytes32) {
        guard isInHardware else {
            return (portable(prefix: prefix, left), portable(prefix: prefix, right))
        }
        var both = (Bytes32.zero, Bytes32.zero)
        // SAFETY: the kernel reads both messages and writes twice thirty-two bytes, for the call.
        unsafe withUnsafeMutablePointer(to: &both) { both in
            unsafe both.withMemoryRebound(to: UInt8.self, capacity: 64) { output in
                unsafe left.withUnsafeBufferPointer { left in
                    unsafe right.withUnsafeBufferPointer { right in
                        unsafe recount_sha256_two(
                            Int32(prefix), left.baseAddress, left.count, right.baseAddress,
                            right.count, output)
                    }
                }
            }
        }
        return both
    }

    private static func inHardware(
        _ prefix: UInt8?, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Bytes32 {
        var digest = Bytes32.zero
        // SAFETY: the kernel reads the bytes and writes thirty-two, for the call.
        unsafe withUnsafeMutablePointer(to: &digest) { digest in
            unsafe digest.withMemoryRebound(to: UInt8.self, capacity: 32) { output in
                unsafe recount_sha256(
                    prefix.map(Int32.init) ?? -1, bytes.baseAddress, bytes.count, output)
            }
        }
        return digest
    }

    /// The same by swift-crypto.
    static func portable(prefix: UInt8? = nil, _ bytes: Span<UInt8>) -> Bytes32 {
        var hasher = SHA256()
        // SAFETY: the buffers live for their calls, and the hasher keeps no pointer.
        if let prefix {
            unsafe withUnsafeBytes(of: prefix) { unsafe hasher.update(bufferPointer: $0) }
        }
        unsafe bytes.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        // SAFETY: the buffer holds the thirty-two bytes of the digest for the call.
        let value = unsafe hasher.finalize().withUnsafeBytes { buffer in
            unsafe Bytes32(Span(_unsafeBytes: buffer))
        }
        invariant(value != nil, "SHA-256 gave other than thirty-two bytes")
        return value ?? .zero
    }
}
