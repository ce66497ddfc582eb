// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CLZ4

/// LZ4 block compression by liblz4. Empty and oversized input is answered with nil, never a trap.
package enum LZ4 {
    /// Compresses into one block; nil where the bytes are too many or none.
    package static func compress(_ raw: [UInt8]) -> [UInt8]? {
        guard !raw.isEmpty, raw.count <= LogLimits.frameRawBytesMax else { return nil }
        let bound = Int(LZ4_compressBound(Int32(raw.count)))
        guard bound > 0 else { return nil }
        // SAFETY: the source holds `raw.count` bytes and the destination has room for `bound`;
        // liblz4 tells how many of them it wrote.
        let block = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            let written = unsafe raw.withUnsafeBytes { source in
                unsafe LZ4_compress_default(
                    source.baseAddress, buffer.baseAddress, Int32(raw.count), Int32(bound))
            }
            count = max(0, Int(written))
        }
        return block.isEmpty ? nil : block
    }

    /// Restores exactly `count` bytes from a block; nil where it holds anything else.
    package static func decompress(_ block: Span<UInt8>, count: Int) -> [UInt8]? {
        guard let raw = decompress(block, atMost: count), raw.count == count else { return nil }
        return raw
    }

    /// Restores at most `max` bytes from a block; nil where it is malformed or holds more.
    package static func decompress(_ block: Span<UInt8>, atMost max: Int) -> [UInt8]? {
        guard (0...LogLimits.frameRawBytesMax).contains(max), block.count <= Int(Int32.max)
        else { return nil }
        var isWhole = false
        // SAFETY: the source holds `block.count` bytes and the destination has room for `max`;
        // liblz4 reads and writes within them and tells how many it wrote.
        let raw = unsafe [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            let written = unsafe block.withUnsafeBytes { source in
                unsafe LZ4_decompress_safe(
                    source.baseAddress, buffer.baseAddress, Int32(block.count), Int32(max))
            }
            isWhole = written >= 0
            count = Swift.max(0, Int(written))
        }
        return isWhole ? raw : nil
    }
}

/// Returns a copy of the bytes.
func copied(_ bytes: Span<UInt8>) -> [UInt8] {
    // SAFETY: as many bytes are written as the source holds, which lives for the call.
    unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
        }
        count = bytes.count
    }
}
