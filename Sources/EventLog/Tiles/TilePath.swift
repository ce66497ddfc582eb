// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The name of a file in a folder of tiles, below its root.
///
/// `tile/<level>/<number>` and `tile/entries/<number>`, followed by `.p/<width>` where the tile is
/// partial. The number is written in groups of three digits, `x` before all but the last, so that
/// 1234067 is `x001/x234/067`. Source: C2SP tlog-tiles, sections Merkle Tree and Log entries.
package struct TilePath: Hashable, Sendable, CustomStringConvertible {
    /// How many hashes or entries a full tile has.
    package static let fullWidth = 256

    /// The level of a tile of hashes; nil for a bundle of entries.
    package let level: Int?
    /// The number of the tile within its level.
    package let number: UInt64
    /// How many hashes or entries it has, 1 to 256.
    package let width: Int

    /// A tile of hashes.
    package static func hashes(level: Int, number: UInt64, width: Int = fullWidth) -> TilePath {
        TilePath(level: level, number: number, width: width)
    }

    /// A bundle of entries.
    package static func entries(number: UInt64, width: Int = fullWidth) -> TilePath {
        TilePath(level: nil, number: number, width: width)
    }

    /// The same tile of another size of the log.
    func withWidth(_ width: Int) -> TilePath {
        TilePath(level: level, number: number, width: width)
    }

    /// The path with slashes, below the root of the folder.
    package var description: String { (["tile"] + elements).joined(separator: "/") }

    private var elements: [String] {
        var groups: [String] = []
        var rest = number
        repeat {
            let group = "\(rest % 1000)"
            let padded = String(repeating: "0", count: 3 - group.utf8.count) + group
            groups.append((groups.isEmpty ? "" : "x") + padded)
            rest /= 1000
        } while rest > 0
        var elements = [level.map { "\($0)" } ?? "entries"] + groups.reversed()
        if width < Self.fullWidth {
            elements[elements.count - 1] += ".p"
            elements.append("\(width)")
        }
        return elements
    }

    /// How wide tile `number` is in a level of `count` hashes or entries; 0 beyond the end.
    static func width(of number: UInt64, in count: UInt64) -> Int {
        let full = UInt64(fullWidth)
        guard number <= count / full else { return 0 }
        return number < count / full ? fullWidth : Int(count % full)
    }

    /// How many complete subtrees of 256^level leaves a log of `size` entries has.
    static func count(level: Int, size: UInt64) -> UInt64 {
        level < 8 ? size >> UInt64(8 * level) : 0
    }
}
