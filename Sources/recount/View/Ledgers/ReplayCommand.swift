// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Forensics
import Ledger

/// `recount replay`.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold a ledger again and print the state at an entry or a time.",
        discussion: """
            Signatures and derived events are not checked; that is what audit does.
            Where the last entry seals a batch the roots are those that it states,
            elsewhere those of the state. A snapshot beside the ledger is where the
            fold starts, if its contents give the roots that the log states there;
            --whole starts at the first entry.

              recount replay home
              recount replay home --to 512
              recount replay home --to 2026-01-01T12:00:00Z

            Times are UTC: 2026-01-01, or 2026-01-01T12:00:00Z, or with milliseconds.
            They take in the batches of that time or before. Exit codes: 0, or 2 where
            there is no such state.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(help: "The last entry to be applied, or a time.")
    var to: String?

    @Flag(help: "Ask no snapshots, and fold all of the log.")
    var whole = false

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let target = try Self.target(to)
        let log = try openLedger(ledger)
        let state: LedgerState
        do throws(ReplayError) {
            let start =
                whole
                ? LedgerState() : StateBefore.start(of: log, to: target, disk: POSIXDisk())
            state = try Replay.state(of: log, at: target, from: start)
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
        let summary = StateSummary(state, sealed: try Self.seal(of: state, in: log))
        if json { return try Output.json(summary) }
        summary.print()
    }

    /// The last entry of a state, where it seals a batch.
    private static func seal(
        of state: LedgerState, in log: EventLog
    ) throws(Failure) -> BatchSealed? {
        guard state.size > 0 else { return nil }
        do throws(ReadingError) {
            var last = EntryReader(log, from: state.size - 1, to: state.size)
            guard case .batchSealed(let sealed)? = try last.entry()?.event else { return nil }
            return sealed
        } catch {
            throw Failure("\(log.directory): \(error)")
        }
    }

    private static func target(_ text: String?) throws(Failure) -> ReplayTarget {
        guard let text else { return .end }
        if let entry = UInt64(plain: text) { return .entry(entry) }
        if let time = UTC.time(text) { return .time(time) }
        throw Failure(
            "--to \(text) is neither an entry nor a time; write 512, 2026-01-01 or"
                + " 2026-01-01T12:00:00Z")
    }
}

/// A state as people and machines read it.
private struct StateSummary: Encodable {
    struct ValidatorLine: Encodable {
        var validator: Int
        var name: String
        var key: String
        var stake: UInt64
        var reputation: UInt64
        var isMember: Bool
    }

    struct RoundLine: Encodable {
        var entry: UInt64
        var requestID: String
        var approvals: Int
        var rejections: Int
        var abstentions: Int
        var threshold: Int
        var deadline: UInt64
        var isDecided: Bool
    }

    struct Component: Encodable {
        var name: String
        var root: String
    }

    var ledgerID: String
    var name: String
    var size: UInt64
    var height: UInt64
    var time: UInt64
    var isBatchOpen: Bool
    var stateRoot: String
    var components: [Component]
    var validators: [ValidatorLine]
    var openRounds: [RoundLine]
    var openJobs: [UInt64]
    var pendingSettlements: [UInt64]
    var decidedRequests: Int
    var nullifiers: Int
    var convictions: Int
    var circuits: [String]
    var submitters: [String]

    /// A seal states the roots of the state before it.
    init(_ state: LedgerState, sealed: BatchSealed?) {
        let roots = sealed?.components ?? state.componentRoots()
        ledgerID = state.ledger.hex
        name = state.name
        size = state.size
        height = state.height.rawValue
        time = state.time.rawValue
        isBatchOpen = state.isBatchOpen
        stateRoot = StateRoot.combined(roots).hex
        components = zip(StateComponent.allCases, roots).map {
            Component(name: $0.label, root: $1.hex)
        }
        validators = state.validators.enumerated().map { index, validator in
            ValidatorLine(
                validator: index, name: validator.name, key: validator.key.hex,
                stake: validator.stake.rawValue, reputation: validator.reputation.rawValue,
                isMember: validator.isMember)
        }
        openRounds = state.openRounds.compactMap { state.openRound(at: $0) }.map { round in
            let tally = round.tally
            return RoundLine(
                entry: round.entry.rawValue, requestID: round.id.hex, approvals: tally.approvals,
                rejections: tally.rejections, abstentions: tally.abstentions,
                threshold: round.threshold, deadline: round.opened.deadline.rawValue,
                isDecided: round.decided != nil)
        }
        openJobs = state.openJobs.map(\.rawValue)
        pendingSettlements = state.pendingSettlements.map(\.rawValue)
        decidedRequests = state.decidedCount
        nullifiers = state.nullifierCount
        convictions = state.convictionCount
        circuits = state.circuits.map(\.circuit.name)
        submitters = state.submitters.map(\.name)
    }

    func print() {
        var list = Listing()
        list.add("ledger", ledgerID)
        list.add("name", name)
        list.add("size", Text.count(size, "entry", "entries"))
        list.add("height", "\(height)\(isBatchOpen ? ", its batch is open" : "")")
        list.add("time", UTC.text(Time(time)))
        list.add("state root", stateRoot)
        for component in components { list.add("  \(component.name)", component.root) }
        list.add("requests", "\(decidedRequests) decided, \(openRounds.count) rounds open")
        list.add("jobs open", "\(openJobs.count)")
        list.add("settlements due", "\(pendingSettlements.count)")
        list.add("nullifiers", "\(nullifiers)")
        list.add("convictions", "\(convictions)")
        list.add("circuits", circuits.joined(separator: ", "))
        list.add("submitters", submitters.joined(separator: ", "))
        list.print()
        Output.line()
        var table = Table(
            ("validator", .right), ("name", .left), ("key", .left), ("stake", .right),
            ("reputation", .right), ("", .left))
        for line in validators {
            table.add(
                "\(line.validator)", line.name, line.key.prefix(16) + "…", "\(line.stake)",
                UTC.points(Reputation(line.reputation)), line.isMember ? "" : "left")
        }
        table.print()
        guard !openRounds.isEmpty else { return }
        Output.line()
        var rounds = Table(
            ("entry", .right), ("request", .left), ("approve", .right), ("reject", .right),
            ("abstain", .right), ("T", .right), ("deadline", .left))
        for round in openRounds {
            rounds.add(
                "\(round.entry)", round.requestID.prefix(16) + "…", "\(round.approvals)",
                "\(round.rejections)", "\(round.abstentions)", "\(round.threshold)",
                UTC.text(Time(round.deadline)) + (round.isDecided ? " (decided)" : ""))
        }
        rounds.print()
    }
}
