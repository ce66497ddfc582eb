// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Cryptography
import Ledger
import Node

/// `recount job submit`.
struct JobSubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Submit a job to the node of a home.",
        discussion: """
            Puts the module and the input beside the ledger, signs the job with a listed
            submitter's key, and leaves it for the node: one that runs takes it at once,
            otherwise the next recount run does.

              recount job submit home words.wasm --input text.txt
              recount job submit home words.wasm --input - --fuel 5000000 --memory 16MiB
              recount job show home 9c41

            The same module and input may be submitted again; it is another job.
            """)

    @Argument(help: "The home.", completion: .directory)
    var home: String

    @Argument(help: "The module, in WebAssembly's binary form.", completion: .file())
    var module: String

    @OptionGroup var limits: JobLimitOptions

    @Option(
        help: ArgumentHelp(
            "Seconds of ledger time that it may take; no more than the ledger allows.",
            valueName: "seconds"))
    var timeout: SecondCount?

    @Option(help: ArgumentHelp("The submitter; needed where there are several.", valueName: "name"))
    var submitter: String?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

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
    }

    func validate() throws {
        if let timeout, timeout.milliseconds == 0 {
            throw ValidationError("--timeout must be above zero")
        }
    }

    mutating func run() throws {
        let module = try JobFile.module(self.module)
        let input = try JobFile.input(limits.input)
        let milliseconds = timeout?.milliseconds ?? 0
        let id: JobID
        do throws(NodeError) {
            let protection = try Passphrase.protection(of: home, keyFile: keyFile)
            let opened = try Home.open(at: home, protection: protection)
            id = try JobSubmission.submit(
                module: module, input: input, fuel: limits.fuel,
                memoryBytes: limits.memory.bytes, milliseconds: milliseconds, home: opened,
                submitter: submitter, now: SystemClock().now())
        } catch {
            throw Failure("\(error)")
        }
        let submitted = Submitted(
            jobID: id.hex, module: Digest(hashing: module).hex, input: Digest(hashing: input).hex,
            inputBytes: input.count, fuel: limits.fuel, memoryBytes: limits.memory.bytes,
            milliseconds: milliseconds, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version)
        if json { return try Output.json(submitted) }
        show(submitted)
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
        Output.line()
        Output.line(
            "A node that runs takes it at once; otherwise: recount run \(home)")
        Output.line(
            "What becomes of it: recount job show \(home) \(Text.short(submitted.jobID))")
    }
}
