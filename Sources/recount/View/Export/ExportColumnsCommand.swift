// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import EventLog
import Foundation
import Ledger
import Node

/// `recount export columns`.
struct ExportColumnsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "columns",
        abstract: "Write the tables of a ledger to standard output, by columns.",
        discussion: """
            A binary stream for programs that write tables in forms of their own, as
            recount export parquet does; the article Tables in the documentation describes
            it byte by byte. Rows are folded from the log. Each belongs to the entry after
            which nothing can change it: a request to the close of its round.

              recount export columns home > tables.rccs
              recount export columns home --from 1000000 --table votes > votes.rccs

            --from and --to are narrowed to whole batches; what is before is folded, from
            a snapshot where there is one.

            Tables: \(ExportColumnsCommand.names).

            Exit codes: 0 all is written; 2 something cannot be read.
            """)

    private static let names = ColumnTable.allCases.map(\.name).joined(separator: ", ")

    @Argument(
        help: "A ledger, the home of a validator, a local network, or a folder of tiles.",
        completion: .directory)
    var ledger: String

    @Option(help: ArgumentHelp("Only rows from the batch of this entry on.", valueName: "entry"))
    var from: UInt64 = 0

    @Option(help: ArgumentHelp("Only rows of batches that end before it.", valueName: "entry"))
    var to: UInt64?

    @Option(
        help: "Only this table; may be repeated.",
        completion: .list(ColumnTable.allCases.map(\.name)))
    var table: [String] = []

    private func tables() throws -> Set<ColumnTable> {
        guard !table.isEmpty else { return Set(ColumnTable.allCases) }
        return Set(
            try table.map { name in
                guard let found = ColumnTable.allCases.first(where: { $0.name == name }) else {
                    throw ValidationError(
                        "there is no table \(name); the tables are \(Self.names)"
                            + Spelling.suggestion(
                                for: name, among: ColumnTable.allCases.map(\.name)))
                }
                return found
            })
    }

    func validate() throws { _ = try tables() }

    mutating func run() throws {
        guard !Output.isTerminal else {
            throw Failure("the stream is not for a terminal; send it to a file or a program")
        }
        let meter = EntryMeter("tables")
        defer { meter.end() }
        do throws(RangeError) {
            let path = TiledLog.isThere(ledger, disk: POSIXDisk()) ? ledger : Place.ledger(ledger)
            _ = try ColumnStream.run(
                of: path, asked(), from: from, to: to,
                progress: { meter.show($0, of: $1) }, write: { Output.pour($0) })
        } catch {
            if case .log(let error) = error { throw failure(error, ledger) }
            throw Failure("\(ledger): \(error)")
        }
    }

    private func asked() -> Set<ColumnTable> {
        do { return try tables() } catch { return [] }
    }
}
