// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Forensics
import Hosting
import Ledger

/// `recount answer`.
struct AnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer",
        abstract: "Answer an accusation by absence from the journal of the accused.",
        discussion: """
            recount culprits accuses who claimed to hold T prevotes that nobody has shown:
            who precommitted, or prevoted on the ground of a round, or proposed with a
            valid round. Who keeps to the rules has journaled them before it spoke. The
            answer shows them, and a stranger judges it by recount evidence verify.

              recount answer home --accusation 0003-validator-4-claim.rcev
              recount answer home --accusation claim.rcev --out answer.rcev

            That a journal does not answer proves nothing: it may have been lost. The
            validator is told so.

            Exit codes: 0 the journal answers; 1 it does not; 2 the accusation or the
            journal cannot be read.
            """)

    @Argument(
        help: "The home of the accused, its ledger beside its journal, or the journal.",
        completion: .directory)
    var home: String

    @Option(
        help: ArgumentHelp("The accusation, a file of evidence.", valueName: "file"),
        completion: .file())
    var accusation: String

    @Option(
        help: ArgumentHelp("Write the answer, a file of evidence.", valueName: "file"),
        completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let isCleared: Bool
        let shown: Int
        let needed: UInt32
        let sentence: String
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force, json: json)
        let (file, claim) = try readClaim()
        let answer: ClaimAnswer
        do throws(JournalError) {
            answer = try ClaimAnswer(
                claim, journal: JournalPlace.locate(home), ledger: file.ledger)
        } catch {
            throw Failure("the journal of \(home) cannot be read: \(error.words)")
        }
        let reply = EvidenceFile(ledger: file.ledger, charge: .answer(answer))
        let verdict = reply.verdict()
        let isCleared = verdict.effect == .clears
        if let out, isCleared {
            try OutputFile.write(reply.bytes, to: out, force: replacing.force)
        }
        let result = Result(
            isCleared: isCleared, shown: answer.prevotes.count, needed: claim.threshold,
            sentence: verdict.sentence)
        if json {
            try Output.json(result)
        } else if out != "-" || !isCleared {
            Output.line(Output.strong(isCleared ? "cleared" : "not cleared"))
            Output.line("  \(result.sentence)".visible)
        }
        Output.flush()
        if !isCleared { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private func readClaim() throws(Failure) -> (EvidenceFile, UnfoundedClaim) {
        let bytes = try InputFile.read(accusation, bytesMax: EvidenceFile.bytesMax)
        let file: EvidenceFile
        do throws(EvidenceFormatError) { file = try EvidenceFile(bytes) } catch {
            throw Failure("\(accusation): \(error)")
        }
        guard case .claim(let claim) = file.charge else {
            throw Failure(
                "\(accusation) is no accusation by absence, but of the kind \(file.charge.name),"
                    + " which no journal clears")
        }
        let verdict = file.verdict()
        guard verdict.effect == .accuses else {
            throw Failure("\(accusation): \(verdict.sentence)")
        }
        return (file, claim)
    }
}
