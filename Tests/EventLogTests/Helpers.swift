// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// The RFC 6962 root, written from its definition, to compare with.
func naiveRoot(_ leaves: ArraySlice<Digest>) -> Digest {
    if leaves.isEmpty { return Digest(hashing: []) }
    if leaves.count == 1 { return leaves[leaves.startIndex] }
    var split = 1
    while split * 2 < leaves.count { split *= 2 }
    let middle = leaves.startIndex + split
    return Digest(
        hashing: [1] + naiveRoot(leaves[..<middle]).bytes + naiveRoot(leaves[middle...]).bytes)
}

func naiveRoot(of entries: [[UInt8]]) -> Digest {
    naiveRoot(entries.map { Digest(hashing: [0] + $0) }[...])
}

/// Returns an entry of 1 to `max` bytes, some of which repeat, so that it can be compressed.
func someEntry(_ random: inout SplitMix64, max: Int = 120) -> [UInt8] {
    let count = Int(random.next() % UInt64(max)) + 1
    return random.next().isMultiple(of: 3)
        ? random.bytes(count) : (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
}

/// All entries of a log.
func allEntries(_ log: EventLog) throws -> [[UInt8]] {
    var entries: [[UInt8]] = []
    var next: UInt64 = 0
    try log.forEach(from: 0, to: log.size) { index, bytes in
        #expect(index == next)
        next += 1
        var entry: [UInt8] = []
        for position in bytes.indices { entry.append(bytes[position]) }
        entries.append(entry)
    }
    return entries
}

let small = LogOptions(segmentBytesMax: 1500)
