// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Projections

/// The options of commands that follow what they hand in.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Wait until it is decided, and say how.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "Give up waiting after so many seconds; 120 unless told.", valueName: "seconds"))
    var patience: UInt64?

    /// How long is waited.
    var patienceSeconds: UInt64 { patience ?? 120 }

    func validate() throws {
        if patience != nil, !wait { throw ValidationError("--patience goes with --wait") }
    }
}

/// What became of something that was handed in to a node.
enum Fate {
    /// It is decided: the outcome in the ledger's word, the reason where there is one, and whether
    /// that is what was asked for.
    case decided(outcome: String, reason: String?, isYes: Bool)
    /// The node refused it, for good.
    case refused(String)
    /// Nothing was heard of it for as long as there was patience.
    case unknown
}

/// Follows what was handed in to a node until it is decided.
struct Waiting {
    private static let tickSeconds = 0.1
    private static let restFactor = 3.0
    /// How long nothing happens until a person is told.
    private static let silentSeconds = 5.0

    let client: NodeClient
    let patienceSeconds: UInt64

    /// Waits for requests, in the order given.
    func requests(_ ids: [Digest]) throws(Failure) -> [Fate] {
        try follow(ids) { views, id throws(ViewError) in
            guard let row = try views.request(at: try views.request(called: id)),
                row.outcome != "open"
            else { return nil }
            return .decided(
                outcome: row.outcome, reason: row.reason,
                isYes: row.outcome == Outcome.approved.jsonName)
        }
    }

    /// Waits for jobs, in the order given.
    func jobs(_ ids: [Digest]) throws(Failure) -> [Fate] {
        try follow(ids) { views, id throws(ViewError) in
            guard let row = try views.job(at: try views.job(called: id)), row.decided != nil else {
                return nil
            }
            return .decided(
                outcome: row.decision, reason: row.status,
                isYes: row.decision == JobDecision.agreed.jsonName)
        }
    }

    /// Waits until a change has taken its number.
    func change(_ message: GovernanceMessage, _ id: Digest) throws(Failure) -> Fate {
        var next: UInt64 = 0
        return try poll([id]) { _ throws(Failure) in
            let log = try openLedger(client.ledgerDirectory)
            defer { next = log.size }
            for index in next..<log.size {
                let event: Event
                do { event = try Event(decoding: try log.entry(at: index)) } catch {
                    throw Failure("\(log.directory): entry \(index): \(error)")
                }
                guard case .governanceApproved(let approved) = event,
                    approved.number == message.number
                else { continue }
                return approved.change == message.change
                    ? .decided(
                        outcome: Outcome.approved.jsonName, reason: "entry \(index)", isYes: true)
                    : .refused("another change took the number \(message.number), entry \(index)")
            }
            return nil
        }[0]
    }

    private func follow(
        _ ids: [Digest],
        _ find: (LedgerViews, String) throws(ViewError) -> Fate?
    ) throws(Failure) -> [Fate] {
        var views: OpenedViews?
        var lastSize: UInt64?
        return try poll(ids) { id throws(Failure) in
            let log = try openLedger(client.ledgerDirectory)
            if log.size != lastSize || views == nil {
                views = try OpenedViews(log: log)
                lastSize = log.size
            }
            guard
                let fate = try views?.ask({ views throws(ViewError) -> Fate? in
                    do throws(ViewError) { return try find(views, id.hex) } catch {
                        guard case .notFound = error else { throw error }
                        return nil
                    }
                })
            else { return nil }
            return fate
        }
    }

    /// Looks again and again, until each has its fate or patience ends.
    private func poll(
        _ ids: [Digest], _ look: (Digest) throws(Failure) -> Fate?
    ) throws(Failure) -> [Fate] {
        var fates = [Fate?](repeating: nil, count: ids.count)
        let start = Date()
        var isTold = false
        while true {
            let begun = Date()
            for place in fates.indices where fates[place] == nil {
                fates[place] = try look(ids[place])
                guard fates[place] == nil else { continue }
                do throws(NodeError) {
                    fates[place] = try client.spool.refusal(of: ids[place]).map { .refused($0) }
                } catch { throw Failure("\(error)") }
            }
            if !fates.contains(where: { $0 == nil }) { return fates.compactMap { $0 } }
            let waited = Date().timeIntervalSince(start)
            if waited > Double(patienceSeconds) { return fates.map { $0 ?? .unknown } }
            if !isTold, waited > Self.silentSeconds {
                isTold = true
                let words =
                    try isTaken(ids, fates)
                    ? "it is under way"
                    : "no node takes it: recount run \(Place.network(client.home))"
                        + " --requests /dev/null starts them"
                Output.notice("waiting; \(words)")
            }
            let rest = max(Self.tickSeconds, Date().timeIntervalSince(begun) * Self.restFactor)
            Thread.sleep(forTimeInterval: rest)
        }
    }

    private func isTaken(_ ids: [Digest], _ fates: [Fate?]) throws(Failure) -> Bool {
        do throws(NodeError) {
            for place in ids.indices where fates[place] == nil {
                if try client.spool.holds(ids[place]) { return false }
            }
            return true
        } catch { throw Failure("\(error)") }
    }
}

extension Fate {
    /// For machines.
    struct Line: Encodable {
        var outcome: String
        var reason: String?
    }

    var line: Line {
        switch self {
        case .decided(let outcome, let reason, _): Line(outcome: outcome, reason: reason)
        case .refused(let reason): Line(outcome: "refused", reason: reason)
        case .unknown: Line(outcome: "unknown", reason: nil)
        }
    }

    /// For people.
    var text: String {
        switch self {
        case .decided(let outcome, let reason, _):
            outcome + (reason.map { " (\($0))" } ?? "")
        case .refused(let reason): "refused: \(reason)"
        case .unknown: "not decided yet"
        }
    }

    /// How a command ends that waited for it.
    var status: ExitStatus {
        switch self {
        case .decided(_, _, let isYes): isYes ? .good : .wrong
        case .refused: .wrong
        case .unknown: .unusable
        }
    }
}

extension [Fate] {
    /// How a command ends that waited for all of them: the worst counts.
    var status: ExitStatus {
        if contains(where: { $0.status == .unusable }) { return .unusable }
        return contains { $0.status == .wrong } ? .wrong : .good
    }
}
