// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Projections

/// The ledger that is meant, for those who sign for one that only a node has told them of.
struct LedgerPin: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Sign for this ledger only, 64 hexadecimal digits.",
            valueName: "id"))
    var ledgerID: String?

    /// Throws where the ledger that a node or a home keeps is another.
    func check(_ ledger: LedgerID, _ place: String) throws(Failure) {
        guard let ledgerID else { return }
        guard let wanted = Bytes32(hex: ledgerID) else {
            throw Failure("--ledger-id \(ledgerID) is not 64 hexadecimal digits")
        }
        guard LedgerID(Digest(wanted)) == ledger else {
            throw Failure("\(place) keeps the ledger \(ledger.hex), and not \(ledgerID)")
        }
    }
}

/// Hands messages in to a node over HTTP, and follows them.
struct RemoteSubmission {
    private struct Taken: Decodable {
        var id: String
        var state: String
        var says: String?
    }

    /// What a node answers to what was handed in.
    enum Answer {
        /// It has it; what it is in the node's words, where it has some.
        case taken(says: String?)
        /// It refuses it, and says why.
        case refused(String)
    }

    /// The longest that is waited between two attempts, in seconds.
    private static let againSecondsMax: UInt64 = 30

    let node: AskedNode
    let patienceSeconds: UInt64
    private let start = ContinuousClock.now

    init(_ node: AskedNode, patienceSeconds: UInt64) {
        self.node = node
        self.patienceSeconds = patienceSeconds
    }

    private var leftSeconds: UInt64 {
        let passed = UInt64(max(0, start.duration(to: .now) / .seconds(1)))
        return patienceSeconds - min(passed, patienceSeconds)
    }

    /// The ledger of the node: the hash of its first entry, which it sends.
    func ledger() throws(Failure) -> LedgerID {
        let first = try node.ask { node throws(ClientError) in
            try node.bytes(["entries", "0"], bytesMax: LogLimits.entryBytesMax)
        }
        return LedgerID(Digest(hashing: first))
    }

    /// The circuits of the node's ledger.
    func circuits() throws(Failure) -> [Circuit] {
        var circuits: [Circuit] = []
        for answer in try node.value(CircuitsAnswer.self, ["circuits"]).circuits {
            guard let circuit = answer.circuit else {
                throw Failure("\(node.name): circuit \(answer.name) is not what it is said to be")
            }
            circuits.append(circuit)
        }
        return circuits
    }

    // MARK: Handing in

    /// Hands one in; nil, or why the node refuses it. Waits where the node has too much to do.
    func put(_ path: [String], _ body: [UInt8], _ id: Digest) throws(Failure) -> String? {
        let answer = try put(path, body, id, type: "application/octet-stream")
        if case .refused(let reason) = answer { return reason }
        return nil
    }

    /// The same for JSON, whose identity the node tells.
    func put(_ path: [String], json body: [UInt8]) throws(Failure) -> Answer {
        try put(path, body, nil, type: "application/json")
    }

    private func put(
        _ path: [String], _ body: [UInt8], _ id: Digest?, type: String
    ) throws(Failure) -> Answer {
        while true {
            do throws(ClientError) {
                let taken = try node.node.post(Taken.self, path, body, contentType: type)
                guard id == nil || taken.id == id?.hex else {
                    throw .nonsense(
                        node.node.url, path: "/" + path.joined(separator: "/"),
                        problem: "it took \(taken.id), and another was handed in")
                }
                return .taken(says: taken.says)
            } catch {
                guard case .refused(_, let no) = error else { throw Failure("\(error)") }
                if no.status == 429 || no.status == 503, leftSeconds > 0 {
                    let wait = min(no.retryAfterSeconds ?? 1, Self.againSecondsMax, leftSeconds)
                    Output.pause(seconds: Double(max(1, wait)))
                    continue
                }
                // What people wrote by hand may be wrong for good; what this program made is not.
                guard [403, 422].contains(no.status) || (id == nil && no.status == 400) else {
                    throw Failure("\(error)")
                }
                return .refused(no.message)
            }
        }
    }

    // MARK: Following

    /// What became of requests, in the order given.
    func requests(_ ids: [Digest]) throws(Failure) -> [Fate] {
        var fates: [Fate] = []
        for id in ids {
            fates.append(
                try follow { node, seconds throws(ClientError) -> Fate? in
                    let row = try node.found(
                        RequestView.self, ["requests", id.hex], [("wait", "\(seconds)")],
                        waiting: Int64(seconds))
                    guard let row, row.outcome != "open" else { return nil }
                    return .decided(
                        outcome: row.outcome, reason: row.reason,
                        isYes: row.outcome == Outcome.approved.jsonName)
                })
        }
        return fates
    }

    /// What became of a job.
    func job(_ id: Digest) throws(Failure) -> Fate {
        try follow { node, _ throws(ClientError) -> Fate? in
            let row = try node.found(JobView.self, ["jobs", id.hex])
            guard let row, row.decided != nil else { return nil }
            return .decided(
                outcome: row.decision, reason: row.status,
                isYes: row.decision == JobDecision.agreed.jsonName)
        }
    }

    /// Waits until a change has taken its number, looking from an entry on.
    func change(_ message: GovernanceMessage, from first: UInt64) throws(Failure) -> Fate {
        var next = first
        return try follow { node, _ throws(ClientError) -> Fate? in
            let size = try node.status().size
            var entries = node.entries(from: next, to: size)
            while let entry = try entries.entry() {
                next = entry.index + 1
                guard case .governanceApproved(let approved) = entry.event,
                    approved.number == message.number
                else { continue }
                return approved.change == message.change
                    ? .decided(
                        outcome: Outcome.approved.jsonName, reason: "entry \(entry.index)",
                        isYes: true)
                    : .refused(
                        "another change took the number \(message.number), entry \(entry.index)")
            }
            return nil
        }
    }

    /// Looks until there is a fate or patience ends; the node may wait so many seconds itself.
    private func follow(
        _ look: (RemoteNode, UInt64) throws(ClientError) -> Fate?
    ) throws(Failure) -> Fate {
        while true {
            let left = leftSeconds
            do throws(ClientError) {
                if let fate = try look(node.node, min(left, 30)) { return fate }
            } catch {
                if case .refused(_, let no) = error, [403, 422].contains(no.status) {
                    return .refused(no.message)
                }
                guard error.isPassing, left > 0 else { throw Failure("\(error)") }
            }
            guard left > 0 else { return .unknown }
            Output.pause(seconds: 0.2)
        }
    }
}
