// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation

/// `recount export parquet`.
struct ExportParquetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parquet",
        abstract: "Write a ledger as Parquet tables, for Spark, DuckDB and pandas.",
        discussion: """
            Writes requests, votes, changes of reputation, leaders, jobs, settlements,
            evidence, disagreements, batches and entries as Parquet, in folders by table
            and day. Each file says in its metadata of which ledger and entries it is, and
            under which root of the log. Run again, only what is new is written; what was
            interrupted is completed or undone first, so that readers never see a part.

              recount export parquet home tables/
              recount export parquet home tables/ --verify
              duckdb -c "SELECT outcome, count(*) FROM
                  'tables/requests/*/*.parquet' GROUP BY outcome"

            --verify compares a folder with the log, row for row, and names the file and
            the first row that differ; files of another log are told by their metadata.

            This runs Tools/analytics/parquet.py with pyarrow from PyPI, which
            Tools/analytics/setup installs. RECOUNT_ANALYTICS names the folder of the
            script where it is not beside the program's own.

            Exit codes: 0 it is written, or equal; 1 something differs; 2 it cannot be
            written or compared.
            """)

    @Argument(
        help: "A ledger, the home of a validator, a local network, or a folder of tiles.",
        completion: .directory)
    var ledger: String

    @Argument(help: "The folder; made where it is not there.", completion: .directory)
    var folder: String

    @Option(
        help: ArgumentHelp(
            "Begin a new folder with the batch of this entry.", valueName: "entry"))
    var from: UInt64?

    @Option(help: ArgumentHelp("Only batches that end before this entry.", valueName: "entry"))
    var to: UInt64?

    @Flag(help: "Compare the folder with the log, and write nothing.")
    var verify = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if verify, from != nil || to != nil {
            throw ValidationError(
                "--verify compares all that the folder holds, without --from and --to")
        }
    }

    mutating func run() throws {
        let program = try ownPath()
        let tools = try Self.tools(beside: program)
        var arguments = [
            "\(tools)/parquet.py", verify ? "verify" : "export", ledger, folder, "--recount",
            program,
        ]
        if let from { arguments += ["--from", "\(from)"] }
        if let to { arguments += ["--to", "\(to)"] }
        if json { arguments.append("--json") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.python(tools))
        process.arguments = arguments
        Output.flush()
        do { try process.run() } catch {
            throw Failure("python3 cannot be started: \(ErrorWords.of(error)); install it")
        }
        process.waitUntilExit()
        throw ExitCode(process.terminationReason == .exit ? process.terminationStatus : 2)
    }

    private func ownPath() throws(Failure) -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            guard let path = CommandLine.arguments.first else {
                throw Failure("the program does not know where it lies")
            }
            return URL(fileURLWithPath: path).standardizedFileURL.path
        }
    }

    /// The folder of the scripts: the one that is named, or that of the clone the program was built
    /// in.
    private static func tools(beside program: String) throws(Failure) -> String {
        if let named = ProcessInfo.processInfo.environment["RECOUNT_ANALYTICS"] { return named }
        var folder = URL(fileURLWithPath: program).deletingLastPathComponent()
        for _ in 0..<6 {
            let tools = folder.appendingPathComponent("Tools/analytics").path
            if FileManager.default.fileExists(atPath: tools + "/parquet.py") { return tools }
            folder.deleteLastPathComponent()
        }
        throw Failure(
            "Tools/analytics is not near the program: name it with RECOUNT_ANALYTICS")
    }

    /// The interpreter that Tools/analytics/setup filled, or any.
    private static func python(_ tools: String) -> String {
        let own = URL(fileURLWithPath: tools).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build/python/bin/python").path
        if FileManager.default.fileExists(atPath: own) { return own }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map { "\($0)/python3" }
            .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "/usr/bin/python3"
    }
}
