// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Cryptography
import EventLog
import Ledger

/// `recount certificate`.
struct CertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Recount a decision from one file, without a ledger.",
        discussion: """
            recount prove request writes certificates. The article "Certificates" in the
            documentation says byte by byte what is in them and how to check one without
            this program.

              recount certificate show 3f9a.rcct
              recount certificate verify 3f9a.rcct --policy 7-of-10 --ledger ID
              recount certificate page 3f9a.rcct --out 3f9a.html
            """,
        subcommands: [
            CertificateVerifyCommand.self, CertificateShowCommand.self,
            CertificatePageCommand.self,
        ])
}

/// Readers of what a policy is made of.
enum PolicyFiles {
    private static let bytesMax = 16 << 20

    /// Reads a file of keys, one a line.
    static func keys(_ path: String) throws(Failure) -> [PolicyKey] {
        let bytes = try InputFile.read(path, bytesMax: bytesMax)
        do throws(PolicyError) {
            return try PolicyKey.list(bytes)
        } catch {
            throw Failure("\(path): \(error)")
        }
    }

    /// Reads a certificate; throws with exit code 1 where the bytes are none, since the answer to
    /// what they are said to prove is no.
    static func certificate(_ path: String) throws(Failure) -> Certificate {
        let bytes = try InputFile.read(path, bytesMax: Certificate.bytesMax)
        do throws(CertificateFormatError) {
            return try Certificate(bytes)
        } catch {
            throw Failure("\(path) is no certificate: \(error)", .wrong)
        }
    }
}

/// `recount certificate verify`.
struct CertificateVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recount a decision from its certificate.",
        discussion: """
            Checks the signatures under the checkpoint against the policy, that every
            entry is in the log that was signed, the submitter's and every vote's
            signature, the pinned validators, and the zero-knowledge proof; counts the
            votes again; and compares with what the ledger says. Asks no ledger and no
            network.

            The policy says how many of which keys must have signed: those of the
            validators that the first entry of the ledger names (--ledger, with the
            identity that you know), or those in a file (--keys).

              recount certificate verify 3f9a.rcct --policy 7-of-10 --ledger ID
              recount certificate verify 3f9a.rcct --policy 7-of-10 --keys keys.txt --json

            A decision can follow the rules and contradict the mathematics of the proof:
            a rejection of a proof that holds is valid, and is told; an approval of a
            proof that does not hold is not valid.

            Exit codes: 0 valid; 1 not valid, and the check that fails is named; 2 it could
            not be judged: a file cannot be read, or the policy fits no such ledger.
            """)

    @Argument(help: "The certificate, or - for standard input.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("How many of how many keys must have signed.", valueName: "T-of-N"))
    var policy: String

    @Option(
        help: ArgumentHelp(
            "The identity of the ledger: 64 hexadecimal digits.", valueName: "id"))
    var ledger: String?

    @Option(
        help: ArgumentHelp(
            "The keys: one a line, 64 hexadecimal digits or a C2SP key.", valueName: "file"),
        completion: .file())
    var keys: String?

    @Flag(help: "Print the report as one JSON object.")
    var json = false

    mutating func run() throws {
        let policy = try readPolicy()
        let certificate: Certificate
        do throws(Failure) {
            certificate = try PolicyFiles.certificate(file)
        } catch {
            if json, error.status == .wrong {
                try Output.json(Malformed(isValid: false, reason: error.message))
            }
            throw error
        }
        let report: CertificateReport
        do throws(PolicyError) {
            report = try certificate.verify(policy)
        } catch {
            throw Failure("--policy \(policy.quorum) does not fit the ledger: \(error)")
        }
        if json { try Output.json(report) } else { CertificateText(report: report).print() }
        Output.flush()
        throw ExitCode(report.isValid ? ExitStatus.good.rawValue : ExitStatus.wrong.rawValue)
    }

    private struct Malformed: Encodable {
        var isValid: Bool
        var reason: String
    }

    private func readPolicy() throws(Failure) -> CertificatePolicy {
        var id: LedgerID?
        if let ledger {
            guard let value = Bytes32(hex: ledger) else {
                throw Failure("--ledger \(ledger) is not 64 hexadecimal digits")
            }
            id = LedgerID(Digest(value))
        }
        let source: CertificatePolicy.Keys
        switch (keys, id) {
        case (let path?, _): source = .listed(try PolicyFiles.keys(path), ledger: id)
        case (nil, let id?): source = .validators(of: id)
        case (nil, nil):
            throw Failure(
                "whose signatures count? Give --ledger with the identity of the ledger, whose"
                    + " first entry names its validators, or --keys with a file of their keys")
        }
        do throws(PolicyError) {
            return try CertificatePolicy(quorum: try Quorum(policy), keys: source)
        } catch {
            throw Failure("--policy \(policy): \(error)")
        }
    }
}

/// A report as people read it.
private struct CertificateText {
    let report: CertificateReport

    func print() {
        Output.line(
            Output.strong(
                report.isValid ? "The certificate is valid." : "The certificate is not valid."))
        if let flaw = report.flaw { Output.line("\(flaw)".visible) }
        if let decision = report.decision { list(decision) }
        var table = Table(("check", .left), ("result", .left), ("found", .left))
        for check in CertificateCheck.allCases {
            for line in report.checks where line.check == check {
                table.add(check.rawValue, line.result.rawValue, line.detail)
            }
        }
        Output.line()
        table.print()
        for note in report.notes { Output.line("Note: \(note.visible)") }
    }

    private func list(_ decision: CertifiedDecision) {
        var list = Listing()
        list.add("ledger", "\(report.ledgerID) (\(report.name))")
        list.add("request", "\(decision.requestID), entry \(decision.entry)")
        list.add("outcome", "\(decision.outcome): \(decision.reason)")
        list.add(
            "votes",
            "\(decision.approvals) approve, \(decision.rejections) reject, \(decision.abstentions)"
                + " abstain, of \(decision.validators) validators; \(decision.threshold) approvals"
                + " were needed")
        list.add("decided by", "entry \(decision.deciding), at \(UTC.text(Time(decision.time)))")
        list.add("pays", "\(decision.amount) to \(decision.recipient)")
        list.add("proof", decision.proofHolds == true ? "holds" : "does not hold")
        list.print()
    }
}

/// `recount certificate show`.
struct CertificateShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a certificate says. Nothing of it is verified.",
        discussion: """
              recount certificate show 3f9a.rcct

            Use recount certificate verify before you rest anything on it.
            """)

    @Argument(help: "The certificate, or - for standard input.", completion: .file())
    var file: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Shown: Encodable {
        struct Part: Encodable {
            var request: UInt64
            var circuit: String
            var circuitID: String
            var submitter: String
            var pinned: [String]
        }

        struct Entry: Encodable {
            var entry: UInt64
            var kind: String
            var bytes: Int
            var fields: Field?
        }

        var isVerified = false
        var checkpoint: String
        var subject: Part
        var conflict: Part?
        var entries: [Entry]
        var proof: [String]
    }

    mutating func run() throws {
        let certificate = try PolicyFiles.certificate(file)
        let names = Self.names(certificate)
        let shown = Shown(
            checkpoint: String(decoding: certificate.note, as: UTF8.self),
            subject: Self.part(certificate.subject, names),
            conflict: certificate.conflict.map { Self.part($0, names) },
            entries: certificate.entries.map { Self.entry($0, names) },
            proof: certificate.proof.map(\.hex))
        if json { return try Output.json(shown) }
        Output.line("Nothing of this is verified: recount certificate verify \(file) does that.")
        Output.line()
        for line in shown.checkpoint.split(separator: "\n", omittingEmptySubsequences: false) {
            Output.line(line.visible)
        }
        for (name, part) in [("subject", shown.subject), ("conflict", shown.conflict)] {
            guard let part else { continue }
            var list = Listing()
            list.add(name, "request of entry \(part.request)")
            list.add("circuit", "\(part.circuit), \(part.circuitID)")
            list.add("submitter", part.submitter)
            for (place, key) in part.pinned.enumerated() {
                list.add(place == 0 ? "pinned" : "", key)
            }
            list.print()
        }
        Output.line()
        for entry in shown.entries {
            let fields = entry.fields?.text() ?? "not an event"
            Output.line(Output.cut("  entry \(entry.entry)  \(entry.kind) \(fields)"))
        }
        Output.line("  \(Text.count(UInt64(shown.proof.count), "hash", "hashes")) of proof")
    }

    /// The names in the first entry, which every certificate holds.
    private static func names(_ certificate: Certificate) -> LedgerNames {
        guard let first = certificate.entries.first, first.index == 0 else {
            return LedgerNames(validators: [])
        }
        do throws(Ledger.DecodingError) {
            guard case .ledgerOpened(let opened) = try Event(decoding: first.bytes) else {
                return LedgerNames(validators: [])
            }
            return LedgerNames(opened)
        } catch {
            return LedgerNames(validators: [])
        }
    }

    private static func part(_ part: Certificate.Part, _ names: LedgerNames) -> Shown.Part {
        Shown.Part(
            request: part.request.rawValue, circuit: part.circuit.name,
            circuitID: part.circuit.id.hex, submitter: part.submitter.hex,
            pinned: part.pinned.map {
                "\(Field($0.index).named(by: names).text()) \($0.key.hex)"
                    + " stake \($0.stake.rawValue) reputation \($0.reputation.rawValue)"
            })
    }

    private static func entry(
        _ entry: Certificate.Entry, _ names: LedgerNames
    ) -> Shown.Entry {
        do throws(Ledger.DecodingError) {
            let event = try Event(decoding: entry.bytes)
            return Shown.Entry(
                entry: entry.index, kind: event.kind, bytes: entry.bytes.count,
                fields: Field.record(event.fields).named(by: names))
        } catch {
            return Shown.Entry(
                entry: entry.index, kind: "unknown", bytes: entry.bytes.count, fields: nil)
        }
    }
}

/// `recount certificate page`.
struct CertificatePageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page",
        abstract: "Write a page that checks a certificate in any browser.",
        discussion: """
            One file of HTML with the certificate and all that verifies it, the
            zero-knowledge proof included. It asks no network: the browser counts the
            decision again, and whoever opens it says which ledger it must be of.

              recount certificate page 3f9a.rcct --out 3f9a.html

            Who gets the page from somebody they do not trust makes it themselves, from
            the certificate alone: a false page can say anything. Nothing is verified here.
            """)

    @Argument(help: "The certificate, or - for standard input.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp("The page to write; - is standard output.", valueName: "file"),
        completion: .file())
    var out: String

    @OptionGroup var replacing: ForceOption

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force)
        let page = CertificatePage.html(of: try PolicyFiles.certificate(file).bytes)
        try OutputFile.write(page, to: out, force: replacing.force)
        if out == "-" { return }
        Output.line("\(out): \(page.count) bytes; open it in a browser".visible)
    }
}
