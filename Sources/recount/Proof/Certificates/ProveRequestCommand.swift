// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Ledger
import Projections

/// `recount prove request`.
struct ProveRequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Write the certificate of a decision: one file that anybody can recount.",
        discussion: """
            The file holds the request, the votes with their signatures, the pinned
            validators, the decision, a proof that all of it is in the log, and the
            checkpoint that validators signed. Where a decision rests on votes that never
            came, it holds every entry of the round.

              recount prove request home 3f9a
              recount prove request home 3f9a --out 3f9a.rcct
              recount prove request --node http://127.0.0.1:5100 3f9a
              recount certificate verify 3f9a.rcct --policy 7-of-10 --ledger ID

            The request is named by the first digits of its identity, or by its entry. Of
            the checkpoints in the ledger that cover the decision, the one with the most
            signatures is taken, and of equal ones the newest. Signature lines that a
            reader could not check are left out: those of keys that are not validators'.
            A node gives the certificate under its newest checkpoint.

            Exit codes: 0 it is written; 2 there is no such request, it is not decided, or
            no checkpoint covers it.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The first digits of the identity, or the entry of the request.",
        completion: Completions.requests)
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Write it here, instead of a file named for the request.",
            valueName: "file"), completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Option(help: ArgumentHelp("Take this checkpoint.", valueName: "file"), completion: .file())
    var checkpoint: String?

    @Option(
        help: ArgumentHelp(
            "Keep the signatures of these keys too: one a line, hexadecimal or as a C2SP key.",
            valueName: "file"), completion: .file())
    var keys: String?

    @Flag(help: "Print one JSON object about the file.")
    var json = false

    private struct Written: Encodable {
        var file: String
        var bytes: Int
        var requestID: String
        var entry: UInt64
        var outcome: String
        var entries: Int
        var ledgerID: String
        var checkpointSize: UInt64
        var checkpointSigners: Int
    }

    mutating func validate() throws {
        id = try place.check(id, "id")
        if place.option.node != nil, checkpoint != nil || keys != nil {
            throw ValidationError("--checkpoint and --keys are for a LEDGER, not for --node")
        }
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force, json: json)
        let written =
            switch try place.source() {
            case .ledger(let path): try write(id ?? "", from: path)
            case .node(let node): try write(id ?? "", from: node)
            }
        if json { return try Output.json(written) }
        if written.file == "-" { return }
        Output.line(
            "\(written.file): request \(written.requestID.prefix(16).visible)…,"
                + " \(written.outcome.visible),"
                + " \(Text.count(UInt64(written.entries), "entry", "entries")) of"
                + " \(Text.grouped(written.checkpointSize)),"
                + " \(Text.count(UInt64(written.bytes), "byte"))")
        Output.line(
            "\(Text.count(UInt64(written.checkpointSigners), "key")) signed the checkpoint."
                + " To recount it:")
        Output.line(
            "  recount certificate verify \(written.file) --policy T-of-N --ledger"
                + " \(written.ledgerID)")
    }

    private func write(_ id: String, from node: AskedNode) throws(Failure) -> Written {
        let row = try node.find(
            RequestView.self, "request", id, hint: RequestsCommand.hint(node.name),
            ["requests", id])
        let bytes = try node.ask { node throws(ClientError) in
            try node.bytes(
                ["requests", row.requestID, "certificate"], bytesMax: Certificate.bytesMax)
        }
        let certificate: Certificate
        let signed: SignedCheckpoint
        do {
            certificate = try Certificate(bytes)
            signed = try SignedCheckpoint(certificate.note)
        } catch {
            throw Failure("what \(node.name) gives is no certificate: \(error)")
        }
        guard certificate.subject.request.rawValue == row.entry else {
            throw Failure("\(node.name) gives the certificate of another request")
        }
        let path = out ?? "\(row.requestID.filter(\.isHexDigit).prefix(16)).rcct"
        try OutputFile.write(bytes, to: path, force: replacing.force)
        let signers = Set(
            signed.note.signatures.filter { $0.cosignatureSeconds != nil }
                .map { $0.name.description })
        return Written(
            file: path, bytes: bytes.count, requestID: row.requestID, entry: row.entry,
            outcome: row.outcome, entries: certificate.entries.count,
            ledgerID: String(signed.checkpoint.origin.dropFirst("recount/".count)),
            checkpointSize: signed.head.size, checkpointSigners: signers.count)
    }

    private func write(_ id: String, from ledger: String) throws(Failure) -> Written {
        let log = try openLedger(ledger)
        let maker = try RequestLookup.find(id, in: log, ledger) {
            selector throws(HistoryError) in try Self.maker(selector, log)
        }.get()
        let keys = try self.keys.map { path throws(Failure) in try PolicyFiles.keys(path) } ?? []
        let signed = try choose(maker, log, keys, ledger)
        let certificate: Certificate
        let signers: Int
        do throws(CertificateMakingError) {
            certificate = try maker.certificate(under: signed, keeping: keys)
            signers = try maker.signerCount(of: signed, keeping: keys)
        } catch {
            throw Failure("\(checkpoint ?? log.directory): \(error)")
        }
        let bytes = certificate.bytes
        let requestID = maker.subject.id.hex
        let path = out ?? "\(requestID.prefix(16)).rcct"
        try OutputFile.write(bytes, to: path, force: replacing.force)
        return Written(
            file: path, bytes: bytes.count, requestID: requestID, entry: maker.subject.entry,
            outcome: "\(maker.subject.decision.outcome)",
            entries: certificate.entries.count,
            ledgerID: String(signed.checkpoint.origin.dropFirst("recount/".count)),
            checkpointSize: signed.head.size, checkpointSigners: signers)
    }

    /// A request that is not found may be looked for otherwise; what else fails is kept.
    private static func maker(
        _ selector: RequestSelector, _ log: EventLog
    ) throws(HistoryError) -> Result<CertificateMaker, Failure> {
        if let maker = ProjectionsIndex(of: log)?.certificateMaker(
            called: selector.name, in: log)
        {
            return .success(maker)
        }
        do throws(CertificateMakingError) {
            return .success(try CertificateMaker(selector, in: log))
        } catch {
            if case .history(let error) = error { throw error }
            return .failure(Failure("\(error)"))
        }
    }

    private func choose(
        _ maker: CertificateMaker, _ log: EventLog, _ keys: [PolicyKey], _ ledger: String
    ) throws(Failure) -> SignedCheckpoint {
        if let checkpoint { return try CheckpointFiles.read(checkpoint) }
        var best: (signers: Int, signed: SignedCheckpoint)?
        for signed in CheckpointFiles.all(in: log.directory)
        where signed.head.size >= maker.neededEntries && signed.head.size <= log.size {
            let signers: Int
            do throws(CertificateMakingError) {
                signers = try maker.signerCount(of: signed, keeping: keys)
            } catch {
                throw Failure("\(error)")
            }
            if signers > best?.signers ?? 0 { best = (signers, signed) }
        }
        if let best { return best.signed }
        throw Failure(
            "no checkpoint in \(log.directory)/checkpoints covers the decision, which needs the"
                + " first \(maker.neededEntries) entries; make one with recount checkpoint sign"
                + " \(ledger), or name one with --checkpoint")
    }
}
