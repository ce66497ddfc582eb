// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// The sums that verdicts on signatures rest on, eight at a time in the lanes of AVX-512 IFMA.
enum SignatureLanes {
    /// Whether the processor has them; not where `RECOUNT_PORTABLE` is set.
    static let areThere = recount_ed25519_is_there() != 0

    /// Signatures of one call.
    static let countMax = Int(RECOUNT_SIGNATURES_MAX)

    /// Returns the encodings of S*B - k*A, with k the SHA-512 of R, A and the message modulo l.
    static func encodings(
        _ checks: [SignatureCheck], _ tabled: ArraySlice<TabledCheck>
    ) -> [Words256] {
        invariant(areThere, "the processor has no lanes")
        invariant(tabled.count <= countMax, "\(tabled.count) signatures in a batch")
        let room = tabled.reduce(0) { $0 + paddedSize(of: checks[$1.place]) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: room, alignment: 64) { blocks in
            unsafe withUnsafeTemporaryAllocation(
                of: recount_signature.self, capacity: tabled.count
            ) { signatures in
                guard let start = blocks.baseAddress, let first = signatures.baseAddress else {
                    return []
                }
                unsafe fill(first, start, checks, tabled)
                // SAFETY: all signatures and blocks were filled; the tables live for the call,
                // since `tabled` holds them.
                unsafe recount_ed25519(KeyTable.generator.start, first, tabled.count)
                return unsafe signatures.map { signature in
                    let (word0, word1, word2, word3) = unsafe signature.encoding
                    return Words256(word0, word1, word2, word3)
                }
            }
        }
    }

    /// Writes what the kernel reads: a signature each, and their blocks one after the other.
    private static func fill(
        _ signatures: UnsafeMutablePointer<recount_signature>, _ start: UnsafeMutableRawPointer,
        _ checks: [SignatureCheck], _ tabled: ArraySlice<TabledCheck>
    ) {
        var blocks = unsafe start
        for (number, tabled) in tabled.enumerated() {
            let check = checks[tabled.place]
            let size = paddedSize(of: check)
            let scalar = tabled.scalar.words
            // SAFETY: there is room for all signatures, and for the padded sizes of all messages.
            unsafe pad(check, to: blocks, size: size)
            unsafe (signatures + number).initialize(
                to: recount_signature(
                    table: tabled.table.start,
                    blocks: blocks.assumingMemoryBound(to: UInt8.self), blockCount: size / 128,
                    scalar: (scalar.word0, scalar.word1, scalar.word2, scalar.word3),
                    encoding: (0, 0, 0, 0)))
            unsafe blocks += size
        }
    }

    /// Bytes of R, A and the message in whole blocks with a bit set after them and their length.
    private static func paddedSize(of check: SignatureCheck) -> Int {
        (64 + check.message.count + 17 + 127) & ~127
    }

    /// Writes them (FIPS 180-4, section 5.1.2).
    private static func pad(
        _ check: SignatureCheck, to start: UnsafeMutableRawPointer, size: Int
    ) {
        let count = 64 + check.message.count
        // SAFETY: `size` is the padded size, which the caller has room for.
        unsafe start.storeBytes(of: check.signature.r, as: Bytes32.self)
        unsafe start.storeBytes(of: check.key.value, toByteOffset: 32, as: Bytes32.self)
        unsafe check.message.withUnsafeBytes { message in
            if let bytes = message.baseAddress {
                unsafe (start + 64).copyMemory(from: bytes, byteCount: message.count)
            }
        }
        unsafe (start + count).initializeMemory(
            as: UInt8.self, repeating: 0, count: size - count)
        unsafe start.storeBytes(of: 0x80, toByteOffset: count, as: UInt8.self)
        unsafe start.storeBytes(
            of: UInt64(count * 8).bigEndian, toByteOffset: size - 8, as: UInt64.self)
    }
}
