// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Cryptography
import EventLog
import Ledger
import Node

/// `recount govern`.
struct GovernCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "govern", abstract: "Change a ledger, as T of its validators agree to.",
        discussion: """
            A change is proposed as a file, goes from validator to validator to be signed,
            and is handed in to any node. Where the homes are at hand it is one command:

              recount govern propose net leave validator=validator-10 --submit --wait

            Between machines:

              recount govern propose net parameters threshold=8 --out change.json
              recount govern sign change.json validator-3
              recount govern submit validator-3 change.json --wait

            A machine that has a key and no ledger signs too:

              recount govern sign change.json --key keys/validator-3.key
            """,
        subcommands: [
            GovernProposeCommand.self, GovernSignCommand.self, GovernShowCommand.self,
            GovernSubmitCommand.self,
        ])
}

/// A proposal and what it is read with.
private struct Proposals {
    let client: NodeClient
    let state: LedgerState
    let words: ChangeWords

    init(_ home: String) throws(Failure) {
        client = try Place.client(home)
        do throws(NodeError) { state = try client.state().state } catch {
            throw Failure("\(error)")
        }
        words = ChangeWords(state: state)
    }

    /// What a proposal has at most: every validator's signature, in words.
    private static let bytesMax = 16 << 20

    static func read(_ file: String) throws(Failure) -> ChangeProposal {
        let bytes = try InputFile.read(file, bytesMax: bytesMax)
        do throws(ProposalProblem) { return try ChangeProposal(json: bytes) } catch {
            throw Failure("\(file): \(error)")
        }
    }

    func write(_ proposal: ChangeProposal, to file: String, force: Bool) throws(Failure) {
        try Self.write(
            proposal, says: words.text(of: proposal.message.change), to: file, force: force)
    }

    static func write(
        _ proposal: ChangeProposal, says: String, to file: String, force: Bool
    ) throws(Failure) {
        let text: String
        do { text = try proposal.json(says: says) } catch {
            throw Failure("the proposal cannot be written: \(ErrorWords.of(error))")
        }
        try OutputFile.write(Array(text.utf8), to: file, force: force)
    }

    /// Adds the signatures of the homes in a folder that belong to the ledger; returns their names.
    static func sign(
        _ proposal: inout ChangeProposal, _ place: String, keyFile: String?
    ) throws(Failure) -> [String] {
        var signed: [String] = []
        for path in try Place.homes(place) {
            do throws(NodeError) {
                let home = try NodeHome.open(
                    at: path,
                    protection: try Passphrase.protection(ofNode: path, keyFile: keyFile))
                guard home.ledger == proposal.ledger else {
                    throw .otherLedger(path: path, than: "the proposal")
                }
                proposal.sign(with: home.key)
                signed.append(home.validator)
            } catch { throw Failure("\(error)") }
        }
        return signed
    }

    func submit(
        _ proposal: ChangeProposal, _ waiting: WaitOptions, json: Bool
    ) throws {
        let message: GovernanceMessage
        do throws(ProposalProblem) { message = try proposal.message(for: state) } catch {
            throw Failure("the change cannot be handed in: \(error)", .wrong)
        }
        let id: Digest
        do throws(NodeError) {
            id = try client.spool.put([.governance(message)], in: client.ledger)[0]
        } catch { throw Failure("\(error)") }
        let says = words.text(of: message.change)
        guard waiting.wait else {
            if json { return try Output.json(GovernResult(message, says, nil)) }
            return Output.line("Handed in change \(message.number): \(says)")
        }
        let fate = try Waiting(
            client: client, patienceSeconds: waiting.patienceSeconds
        ).change(message, id)
        if json {
            try Output.json(GovernResult(message, says, fate))
        } else {
            Output.line("Change \(message.number), \(says): \(fate.text)")
        }
        Output.flush()
        throw ExitCode(fate.status.rawValue)
    }

    func show(_ proposal: ChangeProposal) {
        Self.show(ProposalStanding(proposal, in: state), members: state.members.count)
    }

    /// - Parameter members: How many have a say; nil where there is no ledger.
    static func show(_ standing: ProposalStanding, members: Int? = nil) {
        var list = Listing()
        list.add("change", standing.says)
        for effect in standing.effects { list.add("then", effect) }
        let next = standing.nextNumber.map { ", the ledger waits for \($0)" } ?? ""
        list.add("number", "\(standing.number)\(next)")
        list.add("ledger", standing.ledgerID)
        list.add("signed by", listed(standing.signers.map(text)))
        if let unsigned = standing.unsigned, !unsigned.isEmpty {
            list.add("not yet by", listed(unsigned))
        }
        if let members, let threshold = standing.threshold, let lacking = standing.lacking {
            list.add("needed", "\(threshold) of \(members), \(lacking) are lacking")
        }
        list.add("standing", "\(standing.standing.rawValue): \(standing.advice)")
        list.print()
    }

    private static func text(_ signer: ProposalStanding.Signer) -> String {
        let name = signer.name ?? signer.key
        guard signer.holds else { return "\(name) (falsely)" }
        return signer.isMember ?? true ? name : "\(name) (no member)"
    }

    private static func listed(_ names: [String]) -> String {
        names.isEmpty ? "nobody" : names.joined(separator: ", ")
    }
}

private struct GovernResult: Encodable {
    var number: UInt64
    var says: String?
    var signers: [String]
    var outcome: String?
    var reason: String?

    init(_ message: GovernanceMessage, _ says: String?, _ fate: Fate?) {
        number = message.number
        self.says = says
        signers = message.endorsements.map(\.validator.hex)
        outcome = fate?.line.outcome
        reason = fate?.line.reason
    }
}

/// `recount govern propose`.
struct GovernProposeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "propose", abstract: "Propose a change, and sign it where the keys are.",
        discussion: """
            The kinds of change, with their fields as name=value:

            \(ChangeWords.kinds.map { kind in
                "  \(kind.name) \(kind.fields.map { "\($0)=..." }.joined(separator: " "))"
                    + "\n      \(kind.meaning)"
            }.joined(separator: "\n"))

            Parameters are named as in a configuration; those not named stay. A validator
            is named by its name, its number or its key.

              recount govern propose net root circuit=withdraw root=1234 --submit --wait
              recount govern propose net leave validator=validator-10 --out change.json

            With --submit all validators sign whose homes are in the folder, and it is
            handed in. Without, it is printed, or written to --out, signed by those with
            --sign.

            Exit codes: 0 done; 1 too few have signed, or the ledger refused it; 2 the
            change cannot be proposed.
            """)

    @Argument(help: "The home of a validator, or a local network.", completion: Completions.homes)
    var home: String

    @Argument(
        help: "The kind of change.", completion: .list(ChangeWords.kinds.map(\.name)))
    var kind: String

    @Argument(help: ArgumentHelp("Its fields.", valueName: "name=value"))
    var fields: [String] = []

    @Option(
        help: ArgumentHelp("Write the proposal here.", valueName: "file"), completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Sign with the keys of the validators in the folder.")
    var sign = false

    @Flag(help: "Sign, and hand it in.")
    var submit = false

    @OptionGroup var waiting: WaitOptions

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if waiting.wait, !submit { throw ValidationError("--wait belongs to --submit") }
        if keyFile != nil, !sign, !submit {
            throw ValidationError("--key-file belongs to --sign or --submit")
        }
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force, json: json || submit)
        let proposals = try Proposals(home)
        let change: Change
        do throws(ChangeWordsProblem) { change = try proposals.words.change(kind, fields) } catch {
            throw Failure("\(error)")
        }
        var proposal = ChangeProposal(
            ledger: proposals.client.ledger, number: proposals.state.nextChange, change: change)
        if sign || submit {
            _ = try Proposals.sign(&proposal, home, keyFile: keyFile)
        }
        if let out { try proposals.write(proposal, to: out, force: replacing.force) }
        guard submit else {
            guard let out else { return try proposals.write(proposal, to: "-", force: false) }
            if out == "-" { return }
            if json {
                let says = proposals.words.text(of: change)
                return try Output.json(GovernResult(proposal.message, says, nil))
            }
            return proposals.show(proposal)
        }
        try proposals.submit(proposal, waiting, json: json)
    }
}

/// `recount govern sign`.
struct GovernSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a proposed change with the keys of homes.",
        discussion: """
            Says what the change is, adds the signatures, and replaces the file, or writes
            another one with --out. Read it first: recount govern show.

              recount govern sign change.json net/validator-3
              recount govern sign change.json net --out signed.json

            With --key a machine signs that has the key and no ledger. What the file shows
            is checked then, that every signature in it holds and that the rules do not
            refuse such a change everywhere, and nothing is written where it does not. What
            only a ledger knows is not: which change it waits for, whose keys these are,
            how many must sign, and what else the rules say.

              recount govern sign change.json --key keys/validator-3.key

            Exit codes: 0 signed; 1 the file shows that the change would come to nothing;
            2 it cannot be read or signed.
            """)

    @Argument(help: "The proposal.", completion: .file())
    var file: String

    @Argument(
        help: "The home of a validator, or a local network; not with --key.",
        completion: Completions.homes)
    var home: String?

    @Option(
        help: ArgumentHelp(
            "The key of a validator, where there is no home and no ledger.", valueName: "file"),
        completion: .file())
    var key: String?

    @Option(
        help: ArgumentHelp("Write the result here instead.", valueName: "file"),
        completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    func validate() throws {
        guard (home == nil) != (key == nil) else {
            throw ValidationError(
                "name the home that signs, or with --key the key where there is none")
        }
    }

    mutating func run() throws {
        let target = out ?? file
        // In place of itself, a file is replaced by what it becomes.
        let force = replacing.force || out == nil
        try OutputFile.check(target, force: force)
        if let home {
            try sign(home, to: target, force: force)
        } else if let key {
            try sign(key: key, to: target, force: force)
        }
    }

    private func sign(_ home: String, to target: String, force: Bool) throws {
        let proposals = try Proposals(home)
        var proposal = try Proposals.read(file)
        let names = try Proposals.sign(&proposal, home, keyFile: keyFile)
        try proposals.write(proposal, to: target, force: force)
        if target == "-" { return }
        Output.line("Signed by \(names.joined(separator: ", ")).")
        proposals.show(proposal)
    }

    /// Signs with nothing but a key, after a look at what the file shows by itself.
    private func sign(key path: String, to target: String, force: Bool) throws {
        var proposal = try Proposals.read(file)
        let key: SigningKey
        do throws(NodeError) {
            let sealed = try OfflineKey(path)
            key = try sealed.open(try Passphrase.protection(of: sealed, keyFile: keyFile))
        } catch { throw Failure("\(error)") }
        proposal.sign(with: key)
        let standing = ProposalStanding(alone: proposal)
        guard standing.standing == .unchecked else {
            throw Failure("\(file) is not signed: \(standing.advice)", .wrong)
        }
        try Proposals.write(proposal, says: standing.says, to: target, force: force)
        if target == "-" { return }
        Output.line("Signed with the key \(key.publicKey.hex).")
        Proposals.show(standing)
    }
}

/// `recount govern show`.
struct GovernShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say what a proposed change is, and how far it has come.",
        discussion: """
            Held against the ledger of a home as it is now: what the change would do, whose
            signatures are on it and whether they hold, how many are lacking, and whether
            the ledger has moved on or its rules would refuse the change. Without a home,
            what the file shows by itself.

              recount govern show change.json net/validator-3
              recount govern show change.json net --json
              recount govern show change.json

            Standing: ready to be handed in; lacking signatures; outdated, since another
            change took its number; early; refused by the rules; forged, with a signature
            that does not hold; foreign, of another ledger; unchecked, without a home.
            """)

    @Argument(help: "The proposal; - is standard input.", completion: .file())
    var file: String

    @Argument(
        help: "The home of a validator, or a local network; none without a ledger.",
        completion: Completions.homes)
    var home: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        guard let home else {
            let standing = ProposalStanding(alone: try Proposals.read(file))
            if json { return try Output.json(standing) }
            return Proposals.show(standing)
        }
        let proposals = try Proposals(home)
        let proposal = try Proposals.read(file)
        guard json else { return proposals.show(proposal) }
        try Output.json(ProposalStanding(proposal, in: proposals.state))
    }
}

/// `recount govern submit`.
struct GovernSubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Hand a change in to a node that T have signed.",
        discussion: """
            Checked before it leaves: the number, every signature, and that T of the
            members have signed. With --node the node checks, and the words for it are the
            node's.

              recount govern submit net/validator-3 change.json --wait
              recount govern submit --node http://127.0.0.1:5100 change.json --wait

            Exit codes: 0 handed in, or in the ledger with --wait; 1 too few have signed,
            or the ledger refused it; 2 it could not be handed in.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The proposal; - is standard input.", completion: .file())
    var file: String?

    @OptionGroup var waiting: WaitOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func validate() throws { file = try place.check(file, "file") }

    mutating func run() throws {
        let proposal = try Proposals.read(file ?? "")
        switch try place.source() {
        case .ledger(let home): try Proposals(home).submit(proposal, waiting, json: json)
        case .node(let node): try submit(proposal, to: node)
        }
    }

    /// Hands it in as it is: the node puts the signatures into their order, and checks all.
    private func submit(_ proposal: ChangeProposal, to node: AskedNode) throws {
        let message = proposal.message
        let remote = RemoteSubmission(node, patienceSeconds: waiting.patienceSeconds)
        guard try remote.ledger() == proposal.ledger else {
            throw Failure("the proposal is of another ledger than \(node.name) keeps", .wrong)
        }
        let size = try node.ask { node throws(ClientError) in try node.status().size }
        let body: String
        do { body = try proposal.json(says: "") } catch {
            throw Failure("the proposal cannot be written: \(error)")
        }
        let says: String
        switch try remote.put(["governance"], json: Array(body.utf8)) {
        case .refused(let reason): throw Failure("the change is refused: \(reason)", .wrong)
        case .taken(let words): says = words ?? "which \(node.name) has no words for"
        }
        guard waiting.wait else {
            if json { return try Output.json(GovernResult(message, says, nil)) }
            return Output.line("Handed in change \(message.number): \(says.visible)")
        }
        let fate = try remote.change(message, from: size)
        if json {
            try Output.json(GovernResult(message, says, fate))
        } else {
            Output.line("Change \(message.number), \(says.visible): \(fate.text.visible)")
        }
        Output.flush()
        throw ExitCode(fate.status.rawValue)
    }
}
