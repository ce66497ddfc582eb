// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The name of a file in a folder of tiles, below its root.
///
/// `tile/<level>/<number>` and `tile/entries/<number>`, followed by `.p/<width>` where the tile is
/// partial. The number is written in groups of three digits, `x` before all but the last, so that
/// 1234067 is `x001/x234/067`. Source: C2SP tlog-tiles, sections Merkle Tree and Log entries.
///
/// Invariant: `1 <= width <= 256`.
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

    /// Reads a path below the root of the folder; nil for what `description` never writes.
    package init?(_ path: String) {
        // Twenty digits in groups of three, `tile`, the level and the width.
        guard path.utf8.count <= 64 else { return nil }
        var elements = path.split(separator: "/", omittingEmptySubsequences: false)
        guard elements.count >= 3, elements.removeFirst() == "tile" else { return nil }
        let level = elements.removeFirst()
        var width = Self.fullWidth
        if elements.count >= 2, elements[elements.count - 2].hasSuffix(".p") {
            guard let value = Int(elements.removeLast()), (1..<width).contains(value) else {
                return nil
            }
            width = value
        }
        var number: UInt64 = 0
        for group in elements {
            guard let value = UInt64(group.prefix { $0 != "." }.suffix(3)), value < 1000,
                number < UInt64.max / 1001
            else { return nil }
            number = number * 1000 + value
        }
        self.init(level: Int(level), number: number, width: width)
        guard (0..<8).contains(self.level ?? 0), description == path else { return nil }
    }

    private init(level: Int?, number: UInt64, width: Int) {
        invariant(
            width >= 1 && width <= Self.fullWidth, "tile \(number) with \(width) hashes or entries")
        self.level = level
        self.number = number
        self.width = width
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
        invariant(groups.count <= 7, "\(groups.count) groups of digits of \(number)")
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
