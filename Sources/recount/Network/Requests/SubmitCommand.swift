// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
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
            Reads one request a line (JSON: circuit, proof, public_inputs, amount,
            recipient, timestamp), signs those that are unsigned with a submitter's key,
            and leaves them for the node. A node that runs takes them within a second;
            otherwise the next recount run does. Any node will do: it passes them on to the
            others.

              recount submit net/validator-3 --request requests.jsonl
              recount submit net --request a.json b.json --wait
              my-queue | recount submit net --request - --submitter shop --wait --json

            All are handed in, or none: a line that is no request, or more than may wait,
            is told before anything is written. Over HTTP they go one after the other, as
            fast as the node takes them; --submitter names the folder of the key.

              recount submit --node http://127.0.0.1:5100 --request a.json \\
                --submitter net/submitters/submitter --wait

            Exit codes with --wait: 0 all were approved; 1 one was not, or was refused; 2
            one was not decided in time. Without: 0 handed in; 2 not.
            """)

    @OptionGroup var place: LedgerOrNode

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The requests; - is standard input.", valueName: "file"),
        completion: .file())
    var request: [String]

    @OptionGroup var pin: LedgerPin

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
        try place.check()
        if request.isEmpty { throw ValidationError("--request names no file") }
    }

    mutating func run() throws {
        switch try place.source() {
        case .ledger(let home): try submit(to: home)
        case .node(let node): try submit(to: node)
        }
    }

    private func submit(to node: AskedNode) throws {
        let remote = RemoteSubmission(node, patienceSeconds: waiting.patienceSeconds)
        let ledger = try remote.ledger()
        try pin.check(ledger, node.name)
        let messages = try read(ledger, try remote.circuits(), near: ".")
        let ids = messages.map { $0.id(in: ledger).digest }
        var refused: [Int: String] = [:]
        for (place, message) in messages.enumerated() {
            let reason = try remote.put(
                ["requests"], Message.request(message).encoded, ids[place])
            guard let reason else { continue }
            guard waiting.wait else {
                throw Failure(
                    "request \(ids[place].hex), the \(place + 1). of \(ids.count), is refused:"
                        + " \(reason); those before it are handed in")
            }
            refused[place] = reason
        }
        guard waiting.wait else { return try tell(ids, at: "--node \(node.name)") }
        let others = ids.indices.filter { refused[$0] == nil }
        var fates = ids.indices.map { Fate.refused(refused[$0] ?? "") }
        for (place, fate) in zip(others, try remote.requests(others.map { ids[$0] })) {
            fates[place] = fate
        }
        try tell(ids, fates)
    }

    private func submit(to home: String) throws {
        let client = try Place.client(home)
        try pin.check(client.ledger, home)
        let circuits: [Circuit]
        do throws(NodeError) { circuits = try client.state().state.circuits.map(\.circuit) } catch {
            throw Failure("\(error)")
        }
        let messages = try read(client.ledger, circuits, near: home)
        let ids: [Digest]
        do throws(NodeError) {
            ids = try client.spool.put(messages.map { .request($0) }, in: client.ledger)
        } catch { throw Failure("\(error)") }
        guard waiting.wait else { return try tell(ids, at: home) }
        try tell(
            ids, try Waiting(client: client, patienceSeconds: waiting.patienceSeconds).requests(ids)
        )
    }

    private func tell(_ ids: [Digest], at place: String) throws(Failure) {
        for id in ids {
            if json {
                try Output.json(Line(requestID: id.hex), isLine: true)
            } else {
                Output.line("Request \(id.hex)")
            }
        }
        if !json, let first = ids.first {
            Output.line(
                "What becomes of it: recount show request \(place) \(Text.short(first.hex))")
        }
    }

    private func tell(_ ids: [Digest], _ fates: [Fate]) throws {
        for (id, fate) in zip(ids, fates) {
            if json {
                try Output.json(
                    Line(requestID: id.hex, outcome: fate.line.outcome, reason: fate.line.reason),
                    isLine: true)
            } else {
                Output.line("\(id.hex)  \(fate.text.visible)")
            }
        }
        Output.flush()
        throw ExitCode(fates.status.rawValue)
    }

    private func read(
        _ ledger: LedgerID, _ circuits: [Circuit], near home: String
    ) throws(Failure) -> [RequestMessage] {
        var messages: [RequestMessage] = []
        do {
            let key = try SubmitterHome.find(submitter, near: home) { path throws(NodeError) in
                try Passphrase.protection(ofSubmitter: path, keyFile: keyFile)
            }
            let reader = RequestReader(
                ledger: ledger, circuits: circuits, signers: [key.named])
            for file in request {
                let source = try FileLineSource(path: file)
                let before = messages.count
                while let line = try source.next() {
                    do throws(RequestProblem) {
                        messages.append(try reader.read(line: line.bytes).message)
                    } catch {
                        throw Failure("\(file), line \(line.number): \(error)")
                    }
                }
                guard messages.count > before else {
                    throw Failure(
                        "\(file == "-" ? "standard input" : file) is empty: there is no request to"
                            + " hand in")
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
