// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CKernels

/// A table as the kernel reads it, whose entries a test chooses: they need not be points.
@safe
final class CraftedTable {
    private static let digitMax = 1 << (Int(RECOUNT_WINDOW_BITS) - 1)
    private static let entryCount = digitMax * Int(RECOUNT_WINDOWS)
    private let words: UnsafeMutablePointer<UInt64>

    /// The neutral point as an entry.
    static let neutral: [UInt64] = {
        let half = ReferenceField(2).inverse.limbs
        return half + half + [0, 0, 0, 0, 0]
    }()

    /// Calls `entry` for each place of the table.
    init(_ entry: (Int) -> [UInt64]) {
        // SAFETY: sixteen words an entry, aligned to it, all initialised, freed by `deinit`.
        unsafe words = UnsafeMutableRawPointer.allocate(
            byteCount: Self.entryCount * 128, alignment: 128
        ).bindMemory(to: UInt64.self, capacity: Self.entryCount * 16)
        unsafe words.initialize(repeating: 0, count: Self.entryCount * 16)
        for place in 0..<Self.entryCount {
            for (offset, limb) in entry(place).enumerated() where offset < 15 {
                unsafe words[16 * place + offset] = limb
            }
        }
    }

    deinit { unsafe words.deallocate() }

    var start: UnsafeRawPointer { unsafe UnsafeRawPointer(words) }

    /// Adds up what `scalar` wants of this table, four words, least significant first.
    func add(_ scalar: [UInt64], to point: inout ReferencePoint) {
        let bits = Int(RECOUNT_WINDOW_BITS)
        var carry = 0
        for window in 0..<Int(RECOUNT_WINDOWS) {
            var digit = carry
            for bit in 0..<bits where window * bits + bit < 256 {
                let (word, shift) = ((window * bits + bit) / 64, (window * bits + bit) % 64)
                digit += Int(scalar[word] >> UInt64(shift) & 1) << bit
            }
            carry = digit > Self.digitMax ? 1 : 0
            let size = carry == 1 ? 2 * Self.digitMax - digit : digit
            guard size > 0 else { continue }
            let place = Self.digitMax * window + size - 1
            // SAFETY: a place of the table.
            let entry = (0..<15).map { unsafe words[16 * place + $0] }
            point.add(entry[...], isNegated: carry == 1)
        }
    }

    /// What the kernel makes of scalars below the group's order and this table, eight or fewer; the
    /// other table, of the keys, has neutral entries alone.
    func encodings(_ scalars: [[UInt64]]) -> [[UInt64]] {
        let block = [UInt8](repeating: 0, count: 128)
        return unsafe block.withUnsafeBufferPointer { block in
            guard let bytes = block.baseAddress else { return [] }
            // SAFETY: the tables and the block live for the call.
            var signatures = unsafe scalars.map { scalar in
                unsafe recount_signature(
                    table: Self.ofNothing.start, blocks: bytes, blockCount: 1,
                    scalar: (scalar[0], scalar[1], scalar[2], scalar[3]), encoding: (0, 0, 0, 0))
            }
            let count = unsafe signatures.count
            unsafe recount_ed25519(start, &signatures, count)
            return unsafe signatures.map { signature in
                let words = unsafe signature.encoding
                return [words.0, words.1, words.2, words.3]
            }
        }
    }

    private nonisolated(unsafe) static let ofNothing = CraftedTable { _ in neutral }
}
