// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import Ledger
internal import Storage

/// The tables of a ledger as a stream of columns, for programs that write them in forms of their
/// own. The article `Tables` in the documentation describes it byte by byte.
package enum ColumnStream {
    /// What stands before the blocks.
    package struct Header: Codable, Sendable {
        /// A table, by its name.
        package struct Table: Codable, Sendable {
            package let name: String
            package let number: UInt8
            package let columns: [Column]
        }

        /// The identity of the ledger, in hexadecimal.
        package let ledger: String
        /// Where it comes from.
        package let name: String
        /// The first entry of which rows come.
        package let from: UInt64
        /// The root of the log before it, in hexadecimal.
        package let root: String
        /// The entry behind the last that was asked for.
        package let to: UInt64
        /// The root of the log before that.
        package let toRoot: String
        /// The tables that come.
        package let tables: [Table]
    }

    /// What stands behind the blocks.
    package struct Trailer: Codable, Sendable {
        /// The entry behind the last of which rows came.
        package var to: UInt64
        /// The root of the log before it, in hexadecimal.
        package var root: String
        /// The root of the state there, in hexadecimal.
        package var stateRoot: String
        /// The last batch before it.
        package var height: UInt64
        /// The rows of each table that came.
        package var rows: [String: UInt64]
    }

    /// Writes the rows of the entries from the batch of `from` on, to the last batch that ends at
    /// or before `to`.
    ///
    /// - Parameters:
    ///   - path: A home, a ledger directory, or a folder of tiles.
    ///   - tables: Those that are asked for.
    ///   - to: The entry behind the last; the end of the log where nil.
    ///   - write: Takes bytes of the stream, in order.
    /// Throws where the log cannot be read or folded; what was written then has no trailer.
    package static func run(
        of path: String, _ tables: Set<ColumnTable>, from: UInt64, to: UInt64? = nil,
        disk: any Disk = POSIXDisk(),
        progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in },
        write: @escaping ([UInt8]) -> Void
    ) throws(RangeError) -> Trailer {
        let log = try AuditedLog(path, disk).log
        let end = to ?? log.size
        guard log.size > 0 else { throw .empty }
        guard from <= end, end <= log.size else {
            throw .outOfRange(from: from, to: end, size: log.size)
        }
        let base = try RangeBase(log, before: from, .search, disk)
        let start = base.state.size
        let writer = ColumnWriter(tables, write: write)
        let rows = ColumnFold(tables, add: writer.add)
        var fold: BatchFold
        do throws(LogError) {
            writer.write(header: try header(log, base.state, to: end, tables))
            fold = try BatchFold(log, from: base.state, to: end)
        } catch { throw .log(error) }
        defer { fold.end() }
        do throws(FoldFailure) {
            while try fold.advance(watchedBy: rows) {
                progress(fold.state.size - start, end - start)
            }
        } catch { throw RangeError(error) }
        writer.flush()
        let state = fold.state
        var trailer: Trailer
        do throws(LogError) {
            trailer = Trailer(
                to: state.size, root: try log.root(at: state.size).hex,
                stateRoot: StateRoot.combined(state.componentRoots()).hex,
                height: state.height.rawValue, rows: [:])
        } catch { throw .log(error) }
        for table in tables { trailer.rows[table.name] = writer.rows[table] ?? 0 }
        writer.write(trailer: trailer)
        return trailer
    }

    private static func header(
        _ log: any SweptLog, _ state: LedgerState, to end: UInt64, _ tables: Set<ColumnTable>
    ) throws(LogError) -> Header {
        var (ledger, name) = (state.ledger, state.name)
        if state.size == 0 {
            let source = try log.sweep(from: 0, tree: false, pieceBytes: 1)
            let frame = try source.read(0).frames[0]
            let bytes = Array(frame.bytes[frame.range(of: 0)])
            ledger = LedgerID(Digest(hashing: bytes))
            if case .ledgerOpened(let opened)? = event(bytes) { name = opened.name }
        }
        return Header(
            ledger: ledger.hex, name: name, from: state.size,
            root: try log.root(at: state.size).hex, to: end, toRoot: try log.root(at: end).hex,
            tables: ColumnTable.allCases.filter(tables.contains).map {
                Header.Table(name: $0.name, number: $0.rawValue, columns: $0.columns)
            })
    }

    private static func event(_ bytes: [UInt8]) -> Event? {
        do throws(DecodingError) { return try Event(decoding: bytes) } catch { return nil }
    }
}

/// Collects rows in blocks, and writes those that are full.
private final class ColumnWriter {
    private static let magic = Array("RCCS".utf8)
    private static let version: UInt16 = 1

    private var blocks: [ColumnTable: ColumnBlock] = [:]
    private let write: ([UInt8]) -> Void
    /// The rows of each table so far.
    private(set) var rows: [ColumnTable: UInt64] = [:]

    init(_ tables: Set<ColumnTable>, write: @escaping ([UInt8]) -> Void) {
        self.write = write
        for table in tables { blocks[table] = ColumnBlock(table) }
    }

    /// Adds a row; its third value is its time.
    func add(_ table: ColumnTable, _ values: [ColumnValue]) {
        guard case .integer(let time) = values[2] else { return }
        let day = Time(time).day
        if blocks[table]?.isFull(for: day) == true { flush(table) }
        blocks[table]?.add(values, day: day)
        rows[table, default: 0] += 1
    }

    private func flush(_ table: ColumnTable) {
        if let block = blocks[table]?.drain() { write(block) }
    }

    /// Writes what is left, in the order of the tables.
    func flush() {
        for table in ColumnTable.allCases where blocks[table].map({ $0.rows > 0 }) == true {
            flush(table)
        }
    }

    /// Writes the start of the stream: magic, version (u16), zero (u16), and the header as JSON
    /// behind its length (u32).
    func write(header: ColumnStream.Header) {
        var start = BorshWriter()
        start.writeFixed(Self.magic)
        start.write(Self.version)
        start.write(UInt16(0))
        start.write(Self.json(header))
        write(start.bytes)
    }

    /// Writes the end of the stream: sixteen bytes as before a block, all of them zero but for the
    /// length of the trailer, and the trailer as JSON.
    func write(trailer: ColumnStream.Trailer) {
        var end = BorshWriter()
        end.writeFixed([UInt8](repeating: 0, count: 12))
        end.write(Self.json(trailer))
        write(end.bytes)
    }

    private static func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return [UInt8](try encoder.encode(value)) } catch {
            fatalError("a header cannot be encoded: \(error)")
        }
    }
}
