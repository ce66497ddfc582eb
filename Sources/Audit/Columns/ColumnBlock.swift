// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// A value of a row.
enum ColumnValue {
    case absent
    case integer(UInt64)
    case signed(Int32)
    case text(String)
    case hash(Bytes32)
    case bytes([UInt8])

    static func hash(_ digest: Digest) -> ColumnValue { .hash(digest.value) }

    static func number(_ value: some BinaryInteger) -> ColumnValue {
        .integer(UInt64(value))
    }
}

/// Rows of one table and one day, by columns, that are not written yet.
struct ColumnBlock {
    private struct Buffer {
        let type: ColumnType
        var data = BorshWriter()
        /// Where each value of no fixed length ends.
        var ends: [UInt32] = []
        /// Whether each value is there.
        var isThere: [Bool] = []
        var hasNone = false
    }

    /// Rows of a block at most.
    static let rowsMax = 1 << 16
    /// A block of as many bytes is written, whatever its rows.
    static let bytesMax = 16 << 20

    let table: ColumnTable
    private(set) var day: UInt64 = 0
    private(set) var rows = 0
    private var bytes = 0
    private var buffers: [Buffer]

    init(_ table: ColumnTable) {
        self.table = table
        buffers = table.columns.map { Buffer(type: $0.type) }
    }

    /// Whether it is to be written before a row of a day is added.
    func isFull(for day: UInt64) -> Bool {
        rows > 0 && (day != self.day || rows >= Self.rowsMax || bytes >= Self.bytesMax)
    }

    /// Adds a row.
    ///
    /// - Precondition: It has a value for each column, of its type.
    mutating func add(_ values: [ColumnValue], day: UInt64) {
        invariant(
            values.count == buffers.count,
            "\(values.count) values for \(buffers.count) columns of \(table)")
        self.day = day
        rows += 1
        for place in buffers.indices { add(values[place], at: place) }
    }

    private mutating func add(_ value: ColumnValue, at place: Int) {
        let before = buffers[place].data.bytes.count
        var isThere = true
        switch (buffers[place].type, value) {
        case (.u16, .integer(let value)):
            buffers[place].data.write(UInt16(truncatingIfNeeded: value))
        case (.u32, .integer(let value)):
            buffers[place].data.write(UInt32(truncatingIfNeeded: value))
        case (.u64, .integer(let value)): buffers[place].data.write(value)
        // No time of a ledger is beyond what is signed; one that a party only states may be.
        case (.time, .integer(let value)): buffers[place].data.write(Int64(clamping: value))
        case (.i32, .signed(let value)): buffers[place].data.write(value)
        case (.hash, .hash(let value)): buffers[place].data.write(value)
        case (.text, .text(let value)): buffers[place].data.writeFixed(Array(value.utf8))
        case (.bytes, .bytes(let value)): buffers[place].data.writeFixed(value)
        case (let type, .absent):
            isThere = false
            buffers[place].hasNone = true
            buffers[place].data.writeFixed([UInt8](repeating: 0, count: type.width ?? 0))
        case (let type, _): invariant(false, "a value of another type than \(type)")
        }
        buffers[place].isThere.append(isThere)
        bytes += buffers[place].data.bytes.count - before
        if buffers[place].type.width == nil {
            buffers[place].ends.append(UInt32(buffers[place].data.bytes.count))
        }
    }

    /// The block as it is written, of which nothing is left here.
    ///
    /// Layout: 1 (u8), number of the table (u8), zero (u16), rows (u32), day since 1970 (u32),
    /// bytes that follow (u32). Then for each column: the number of bytes that say which values are
    /// there (u32, 0 where all are), those bytes, a bit for each value from the lowest on; for text
    /// and bytes where each value begins and, one more, the last ends (u32 each); the values, of
    /// which those that are not there are zeros.
    mutating func drain() -> [UInt8] {
        var payload = BorshWriter()
        for buffer in buffers {
            let mask = buffer.hasNone ? Self.bits(buffer.isThere) : []
            payload.write(mask)
            if buffer.type.width == nil {
                payload.write(UInt32(0))
                for end in buffer.ends { payload.write(end) }
            }
            payload.writeFixed(buffer.data.bytes)
        }
        var block = BorshWriter()
        block.write(UInt8(1))
        block.write(table.rawValue)
        block.write(UInt16(0))
        block.write(UInt32(rows))
        block.write(UInt32(truncatingIfNeeded: day))
        block.write(UInt32(payload.bytes.count))
        block.writeFixed(payload.bytes)
        self = ColumnBlock(table)
        return block.bytes
    }

    private static func bits(_ flags: [Bool]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (flags.count + 7) / 8)
        for (place, flag) in flags.enumerated() where flag {
            bytes[place / 8] |= 1 << UInt8(place % 8)
        }
        return bytes
    }
}

extension ColumnType {
    /// The bytes of a value; nil where they differ.
    var width: Int? {
        switch self {
        case .u16: 2
        case .u32, .i32: 4
        case .u64, .time: 8
        case .hash: 32
        case .text, .bytes: nil
        }
    }
}
