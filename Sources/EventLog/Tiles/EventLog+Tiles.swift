// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension EventLog {
    /// Returns what stands in the file of a tile, for a log that is served and not exported.
    ///
    /// A partial tile is given of any width that the log has. Throws `.outOfRange` where the log is
    /// shorter. Costs the reading of the frames of at most 256 entries; nothing above the leaves.
    package func bytes(of tile: TilePath) throws(LogError) -> [UInt8] {
        let full = UInt64(TilePath.fullWidth)
        let count = TilePath.count(level: tile.level ?? 0, size: size)
        guard tile.number < count / full || (tile.number == count / full && tile.width > 0),
            tile.number * full + UInt64(tile.width) <= count
        else { throw .outOfRange(index: tile.number, size: count) }
        let start = tile.number * full
        let end = start + UInt64(tile.width)
        if let level = tile.level, level > 0 { return hashes(level: level, start..<end) }
        var leaves = LeafTile(firstIndex: start)
        try forEachFrame(from: start, to: end) { frame in
            let low = max(start, frame.firstIndex) - frame.firstIndex
            let high = min(end, frame.endIndex) - frame.firstIndex
            for entry in Int(low)..<Int(high) { leaves.append(frame, entry) }
            return true
        }
        invariant(
            leaves.width == tile.width, "a tile of \(leaves.width) leaves, not \(tile.width)")
        return tile.level == nil ? leaves.bundle : leaves.hashes
    }

    /// The roots of complete subtrees of 256^level leaves, one after the other; `level` from 1.
    func hashes(level: Int, _ positions: Range<UInt64>) -> [UInt8] {
        invariant(level > 0, "hashes of level \(level) are asked of the tree above the tiles")
        var hashes: [UInt8] = []
        monitor.locked {
            for position in positions {
                contents.tiles.node(level: 8 * (level - 1), number: Int(position))
                    .value.append(to: &hashes)
            }
        }
        invariant(
            hashes.count == 32 * positions.count,
            "\(hashes.count) bytes of \(positions.count) hashes")
        return hashes
    }
}

/// The entries of a tile as they are written, and their hashes.
///
/// Invariant: `hashes.count == 32 * width`.
struct LeafTile {
    let firstIndex: UInt64
    var width = 0
    var bundle: [UInt8] = []
    var hashes: [UInt8] = []

    init(firstIndex: UInt64) { self.firstIndex = firstIndex }

    mutating func append(_ frame: LogFrame, _ entry: Int) {
        let range = frame.range(of: entry)
        bundle += [UInt8](bigEndian: UInt16(range.count))
        bundle += frame.bytes[range]
        frame.leafHash(of: entry).value.append(to: &hashes)
        width += 1
    }
}
