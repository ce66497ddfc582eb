// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import Foundation
import Ledger
import Node

/// `recount submit`.
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Hand withdrawal requests in to a node.",
        discussion: """
            Reads one request a line (JSON: circuit, proof, public_inputs, amount, recipient,
            timestamp), signs those that are unsigned with a submitter's key, and leaves them
            for the node. A node that runs takes them within a second; otherwise the next
            recount run does. Any node will do: it passes them on to the others.

              recount submit net/validator-3 --request requests.jsonl
              recount submit net --request a.json b.json --wait
              my-queue | recount submit net --request - --submitter shop --wait --json

            All are handed in, or none: a line that is no request, or more than may wait,
            is told before anything is written.

            Exit codes with --wait: 0 all were approved; 1 one was not, or was refused; 2
            one was not decided in time. Without: 0 handed in; 2 not.
            """)

    @Argument(help: "The home of a validator, or a local network.", completion: .directory)
    var home: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The requests; - is standard input.", valueName: "file"),
        completion: .file())
    var request: [String]

    @OptionGroup var waiting: WaitOptions

    @Option(
        help: ArgumentHelp(
            "Who submits: a name in the local network, or the folder of a submitter.",
            valueName: "name"))
    var submitter: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the submitter's key.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print JSON Lines: an object for each request.")
    var json = false

    private struct Line: Encodable {
        var requestID: String
        var outcome: String?
        var reason: String?
    }

    func validate() throws {
        if request.isEmpty { throw ValidationError("--request names no file") }
    }

    mutating func run() throws {
        let client = try Place.client(home)
        let messages = try read(client)
        let ids: [Digest]
        do throws(NodeError) {
            ids = try client.spool.put(messages.map { .request($0) }, in: client.ledger)
        } catch { throw Failure("\(error)") }
        guard waiting.wait else {
            for id in ids {
                if json {
                    try Output.json(Line(requestID: id.hex), isLine: true)
                } else {
                    Output.line("Request \(id.hex)")
                }
            }
            if !json, let first = ids.first {
                Output.line(
                    "What becomes of it: recount show request \(home) \(Text.short(first.hex))")
            }
            return
        }
        let fates = try Waiting(client: client, patienceSeconds: waiting.patience).requests(ids)
        for (id, fate) in zip(ids, fates) {
            if json {
                try Output.json(
                    Line(requestID: id.hex, outcome: fate.line.outcome, reason: fate.line.reason),
                    isLine: true)
            } else {
                Output.line("\(id.hex)  \(fate.text)")
            }
        }
        Output.flush()
        throw ExitCode(fates.status.rawValue)
    }

    private func read(_ client: NodeClient) throws(Failure) -> [RequestMessage] {
        var messages: [RequestMessage] = []
        do {
            let key = try SubmitterHome.find(submitter, near: home) { path throws(NodeError) in
                try Passphrase.protection(ofSubmitter: path, keyFile: keyFile)
            }
            let reader = RequestReader(
                ledger: client.ledger,
                circuits: try client.state().state.circuits.map(\.circuit),
                signers: [key.named])
            for file in request {
                let source = try FileLineSource(path: file)
                while let line = try source.next() {
                    do throws(RequestProblem) {
                        messages.append(try reader.read(line: line.bytes).message)
                    } catch {
                        throw Failure("\(file), line \(line.number): \(error)")
                    }
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure("\(error)")
        }
        return messages
    }
}
