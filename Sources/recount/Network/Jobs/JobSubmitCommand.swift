// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Compute
import Cryptography
import Ledger
import Node

/// `recount job submit`.
struct JobSubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Hand a job in to a node.",
        discussion: """
            Puts the module and the input beside the ledger, signs the job with a listed
            submitter's key, and leaves it for the node: one that runs takes it within a
            second, otherwise the next recount run does. Any node will do.

              recount job submit net words.wasm --input text.txt --wait
              recount job submit net/validator-3 words.wasm --input - --fuel 5000000
              recount job show net 9c41
              recount job submit --node http://127.0.0.1:5100 words.wasm \\
                --submitter net/submitters/submitter --wait

            The same module and input may be submitted again; it is another job. A module
            that cannot run (no WebAssembly, no memory, an import that jobs have not) is
            refused here already, unless --unjudged leaves that to the validators.

            Exit codes with --wait: 0 two agreed on a result; 1 none did, or it was
            refused; 2 it was not decided in time.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The module, in WebAssembly's binary form.", completion: .file())
    var module: String?

    @OptionGroup var limits: JobLimitOptions

    @Option(
        help: ArgumentHelp(
            "Seconds of ledger time that it may take; no more than the ledger allows.",
            valueName: "seconds"))
    var timeout: SecondCount?

    @Option(
        help: ArgumentHelp(
            "Who submits: a name in the local network, or the folder of a submitter.",
            valueName: "name"))
    var submitter: String?

    @OptionGroup var pin: LedgerPin

    @OptionGroup var waiting: WaitOptions

    @Option(
        help: ArgumentHelp("The file that unlocks the submitter's key.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Submit the module whatever it is.")
    var unjudged = false

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Submitted: Encodable {
        let jobID: String
        let module: String
        let input: String
        let inputBytes: Int
        let fuel: UInt64
        let memoryBytes: UInt64
        let milliseconds: UInt64
        let engine: String
        let engineVersion: String
        var decision: String?
        var reason: String?
    }

    mutating func validate() throws {
        module = try place.check(module, "module")
        if let timeout, timeout.milliseconds == 0 {
            throw ValidationError("--timeout must be above zero")
        }
    }

    mutating func run() throws {
        let path = self.module ?? ""
        let module = try unjudged ? JobFile.unjudgedModule(path) : JobFile.module(path)
        let input = try JobFile.input(limits.input)
        switch try place.source() {
        case .ledger(let home): try submit(module, input, to: home)
        case .node(let node): try submit(module, input, to: node)
        }
    }

    private var milliseconds: UInt64 { timeout?.milliseconds ?? 0 }

    private func key(near home: String) throws(NodeError) -> SigningKey {
        try SubmitterHome.find(submitter, near: home) { path throws(NodeError) in
            try Passphrase.protection(ofSubmitter: path, keyFile: keyFile)
        }.key
    }

    private func submitted(_ id: JobID, _ module: [UInt8], _ input: [UInt8]) -> Submitted {
        Submitted(
            jobID: id.hex, module: Digest(hashing: module).hex, input: Digest(hashing: input).hex,
            inputBytes: input.count, fuel: limits.fuel, memoryBytes: limits.memory.bytes,
            milliseconds: milliseconds, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version)
    }

    private func submit(_ module: [UInt8], _ input: [UInt8], to node: AskedNode) throws {
        let remote = RemoteSubmission(node, patienceSeconds: waiting.patienceSeconds)
        let ledger = try remote.ledger()
        try pin.check(ledger, node.name)
        let message: JobMessage
        do throws(NodeError) {
            message = try JobSubmission.message(
                module: module, input: input, fuel: limits.fuel,
                memoryBytes: limits.memory.bytes, milliseconds: milliseconds, in: ledger,
                by: try key(near: "."), now: try SystemClock().checked())
        } catch { throw Failure("\(error)") }
        let id = message.id(in: ledger)
        let upload = JobUpload(message, module: module, input: input)
        let reason = try remote.put(["jobs"], upload.encoded, id.digest)
        guard waiting.wait else {
            if let reason { throw Failure("the job is refused: \(reason)") }
            if json { return try Output.json(submitted(id, module, input)) }
            show(submitted(id, module, input))
            return Output.line(
                "What becomes of it: recount job show --node \(node.name) \(Text.short(id.hex))")
        }
        try tell(
            submitted(id, module, input),
            try reason.map { .refused($0) } ?? remote.job(id.digest))
    }

    private func submit(_ module: [UInt8], _ input: [UInt8], to home: String) throws {
        let id: JobID
        let client = try Place.client(home)
        try pin.check(client.ledger, home)
        do throws(NodeError) {
            id = try JobSubmission.submit(
                module: module, input: input, fuel: limits.fuel,
                memoryBytes: limits.memory.bytes, milliseconds: milliseconds, to: client,
                by: try key(near: home), now: try SystemClock().checked())
        } catch {
            throw Failure("\(error)")
        }
        let submitted = submitted(id, module, input)
        guard waiting.wait else {
            if json { return try Output.json(submitted) }
            show(submitted)
            Output.line()
            Output.line(
                "A node that runs takes it within a second; otherwise:"
                    + " recount run \(Place.network(home)) --requests /dev/null")
            return Output.line(
                "What becomes of it: recount job show \(home) \(Text.short(submitted.jobID))")
        }
        try tell(
            submitted,
            try Waiting(client: client, patienceSeconds: waiting.patienceSeconds).jobs([id.digest])[
                0])
    }

    private func tell(_ submitted: Submitted, _ fate: Fate) throws {
        var submitted = submitted
        submitted.decision = fate.line.outcome
        submitted.reason = fate.line.reason
        if json {
            try Output.json(submitted)
        } else {
            show(submitted)
            Output.line("  \(fate.text.visible)")
        }
        Output.flush()
        throw ExitCode(fate.status.rawValue)
    }

    private func show(_ submitted: Submitted) {
        Output.line(Output.strong("Job \(submitted.jobID)"))
        var list = Listing()
        list.add("module", submitted.module)
        list.add(
            "input",
            submitted.input + ", " + Text.count(UInt64(submitted.inputBytes), "byte"))
        list.add("engine", "\(submitted.engine) \(submitted.engineVersion)")
        list.add(
            "limits",
            JobText.limits(submitted.fuel, submitted.memoryBytes, submitted.milliseconds))
        list.print()
    }
}
