// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import Foundation
import Ledger

/// The command line.
@main
struct Recount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recount",
        abstract: "An event-sourced ledger for a quorum of validators. Any vote can be recounted.",
        discussion: """
            A first round:

              recount init net --config Tools/samples/recount.toml --key-file net.key
              recount run net --requests Tools/samples/requests.jsonl --key-file net.key
              recount audit net

            LEDGER is the directory of a ledger, the home of a validator, or a local
            network made by init, which stands for its first validator's.

            Exit codes: 0 when all is well; 1 when the answer is no (a false proof, a
            ledger with something wrong in it); 2 when there is no answer (bad usage, a
            file that cannot be read, no such request). Errors go to standard error.
            With --json, results are JSON with names in snake_case: one object, or one
            object a line where there are many; errors, warnings and notes are JSON too,
            one object a line on standard error.
            """,
        version: ProgramVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Network",
                subcommands: [
                    InitCommand.self, KeygenCommand.self, GenesisCommand.self, ConfigCommand.self,
                    RunCommand.self, NodeCommand.self, BridgeCommand.self, SubmitCommand.self,
                    RequestCommand.self, JobCommand.self, GovernCommand.self, SimulateCommand.self,
                    CompileModuleCommand.self,
                ]),
            CommandGroup(
                name: "View",
                subcommands: [
                    ShowCommand.self, LogCommand.self, RequestsCommand.self,
                    ValidatorsCommand.self, LeadersCommand.self, ChartCommand.self,
                    ReportCommand.self, ReplayCommand.self, LedgerCommand.self,
                    ProjectionsCommand.self, ExportCommand.self, SchemaCommand.self,
                ]),
            CommandGroup(
                name: "Proof",
                subcommands: [
                    AuditCommand.self, ProveCommand.self, CertificateCommand.self,
                    CheckpointCommand.self, EvidenceCommand.self, ProofCommand.self,
                ]),
            CommandGroup(
                name: "Explanation",
                subcommands: [
                    WhyCommand.self, DisagreementsCommand.self, WhatIfCommand.self,
                    DiffCommand.self, BisectCommand.self, CulpritsCommand.self, CaseCommand.self,
                    AnswerCommand.self,
                ]),
            CommandGroup(
                name: "Care",
                subcommands: [
                    DoctorCommand.self, BackupCommand.self, RecoverCommand.self,
                    DrillCommand.self, SnapshotCommand.self,
                ]),
        ])

    /// Throws where an argument is not UTF-8: what is read in its place would name another file.
    private static func checkArguments() throws(Failure) {
        let broken = CommandLine.arguments.first { $0.unicodeScalars.contains("\u{FFFD}") }
        guard let broken else { return }
        throw Failure(
            "the argument \(broken) is not UTF-8, and paths that are not cannot be named here;"
                + " rename the file, or name a link to it (ln -s)")
    }

    /// Runs the command that the arguments name. Bad usage exits with 2, not with 64.
    static func main() async {
        ForeignOutput.holdStandardStreams()
        do {
            try checkArguments()
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Output.flush()
        } catch let failure as Failure {
            end(failure.message, failure.status)
        } catch {
            Output.flush()
            switch exitCode(for: error) {
            case .validationFailure: endUsage(error)
            // Nobody gave it words.
            case .failure where !(error is ExitCode): end(ErrorWords.of(error), .unusable)
            default: endWithMessage(of: error)
            }
        }
    }

    /// Ends as the error says, with its text, which is help, a version or a completion script where
    /// nothing is wrong: what is asked for is an answer, and an answer that is lost is an error.
    private static func endWithMessage(of error: any Error) -> Never {
        let code = exitCode(for: error)
        guard code.isSuccess else { exit(withError: error) }
        let text = fullMessage(for: error)
        if !text.isEmpty { Output.row(text) }
        Output.flush()
        Foundation.exit(ExitStatus.good.rawValue)
    }

    private static func end(_ message: String, _ status: ExitStatus) -> Never {
        Output.error(message, status)
        Foundation.exit(status.rawValue)
    }

    /// Says what is wrong with the arguments, and how they are given.
    private static func endUsage(_ error: any Error) -> Never {
        let mistyped = Mistyped.problem(in: Array(CommandLine.arguments.dropFirst()))
        if Output.saysJSON { end(mistyped ?? message(for: error), .unusable) }
        var lines = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        if let mistyped { lines[0] = "Error: \(mistyped)" }
        Output.standardError(lines.map(\.visible).joined(separator: "\n") + "\n")
        Foundation.exit(ExitStatus.unusable.rawValue)
    }
}
