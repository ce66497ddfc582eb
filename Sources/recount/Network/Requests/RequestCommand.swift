// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import EventLog
import Ledger
import Node
import Storage

/// `recount request`.
struct RequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Look at withdrawal requests before they are handed in.",
        subcommands: [RequestIDCommand.self])
}

/// `recount request id`.
struct RequestIDCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id", abstract: "Tell the identity that requests have, offline and keyless.",
        discussion: """
            The identity is a hash over the ledger, the submitter's key and every field of
            the request but the signature: who hands a request in can know it before, keep
            it, and ask for it later. Needs a copy of the ledger, of any age, or the file
            that recount genesis made; no node, and nobody's key.

              recount request id request.json --ledger net
              recount request id requests.jsonl --genesis genesis.recount --submitter shop
              my-queue | recount request id - --ledger net --json

            The submitter is the one that the request names, or --submitter (a name of the
            ledger, or 64 hexadecimal digits of a key), or the only one of the ledger.

            Exit codes: 0 told; 2 a line is no request, or something cannot be read.
            """)

    @Argument(
        help: "The requests, one a line; - is standard input.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "A ledger, the home of a validator, or a local network.", valueName: "ledger"),
        completion: .directory)
    var ledger: String?

    @Option(
        help: ArgumentHelp("The file that recount genesis made.", valueName: "file"),
        completion: .file())
    var genesis: String?

    @Option(
        help: ArgumentHelp("Who submits what names nobody: a name or a key.", valueName: "name"))
    var submitter: String?

    @Flag(help: "Print JSON Lines: an object for each request.")
    var json = false

    private struct Line: Encodable {
        var line: Int
        var requestID: String
    }

    func validate() throws {
        guard (ledger == nil) != (genesis == nil) else {
            throw ValidationError(
                "name the ledger: with --ledger a copy, or with --genesis its file")
        }
    }

    mutating func run() throws {
        let reader = try reader()
        var lines: [Line] = []
        do throws(NodeError) {
            let source = try FileLineSource(path: file)
            while let line = try source.next() {
                do throws(RequestProblem) {
                    let id = try reader.identity(line: line.bytes, submitter: submitter)
                    lines.append(Line(line: line.number, requestID: id.hex))
                } catch { throw .cannot("\(file), line \(line.number): \(error)") }
            }
        } catch { throw Failure("\(error)") }
        guard !lines.isEmpty else { throw Failure("\(file) is empty: there is no request in it") }
        for line in lines {
            if json { try Output.json(line, isLine: true) } else { Output.line(line.requestID) }
        }
    }

    /// What the identity rests on: the ledger, its circuits and its submitters.
    private func reader() throws(Failure) -> RequestReader {
        if let genesis {
            let file: GenesisFile
            do throws(NodeError) { file = try GenesisFile.load(path: genesis) } catch {
                throw Failure("\(error)")
            }
            return RequestReader(
                ledger: file.ledger, circuits: file.opened.circuits.map(\.circuit), signers: [],
                submitters: file.opened.submitters.map { ($0.name, $0.key) })
        }
        let opened = try openStored(Place.ledger(ledger ?? ""), .readOnly)
        return RequestReader(
            ledger: opened.state.ledger, circuits: opened.state.circuits.map(\.circuit),
            signers: [],
            submitters: opened.state.submitters.map { ($0.name, $0.key) })
    }
}
