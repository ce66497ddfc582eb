// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Where something stands in a text, for people: both count from 1, a column is a character.
package struct TextPlace: Equatable, Sendable {
    /// The line; a line feed ends one.
    package let line: Int
    /// The character of the line, as Unicode scalars count.
    package let column: Int

    /// Both count from 1.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The place of a byte in a text of UTF-8. Cost: linear in `offset`.
    package init(of offset: Int, in bytes: [UInt8]) {
        let before = bytes.prefix(offset)
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        line = 1 + before.count { $0 == 0x0A }
        // All but the bytes that continue a character.
        column = 1 + before[start...].count { $0 & 0xC0 != 0x80 }
    }
}

extension TextPlace: CustomStringConvertible {
    package var description: String { "line \(line), column \(column)" }
}
