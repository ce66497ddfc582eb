// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import NIOHTTP1
internal import Node

extension Routes {
    private struct Health: Encodable {
        let alive = true
    }

    private struct Ready: Encodable {
        let ready: Bool
        let reasons: [String]
    }

    private struct Status: Encodable {
        var name: String
        var ledger: String
        var version: String
        var height: UInt64
        var size: UInt64
        var root: String?
        var time: UInt64
        var openRounds: Int
        var openJobs: Int
        var settlements: Int
        var nextDue: UInt64?
        var checkpointSize: UInt64
        var isMember: Bool
        var isJoining: Bool
        var validators: Int
        var threshold: UInt32
        var reachable: Int
    }

    /// Whether the node lives, whether it takes part, and where it stands.
    static func addHealth(to router: inout Router, _ desk: NodeDesk) {
        router.get("health") { _ in try .json(Health()) }
        router.get("ready") { _ in
            let reasons = try await unreadiness(desk)
            return try .json(
                Ready(ready: reasons.isEmpty, reasons: reasons),
                reasons.isEmpty ? .ok : .serviceUnavailable)
        }
        router.get("status") { _ in
            let facts = desk.node.facts
            let office = try await Office(desk)
            return try .json(
                Status(
                    name: desk.node.name, ledger: desk.node.home.ledger.hex,
                    version: NodeLimits.programVersion, height: facts.height.rawValue,
                    size: facts.size, root: facts.root?.hex, time: facts.time.rawValue,
                    openRounds: facts.openRounds, openJobs: facts.openJobs,
                    settlements: facts.settlements, nextDue: facts.nextDue?.rawValue,
                    checkpointSize: facts.checkpointSize, isMember: facts.isMember,
                    isJoining: facts.isJoining, validators: office.members,
                    threshold: office.threshold,
                    reachable: office.reachable))
        }
    }

    /// The validators in office: how many, how many of them decide, and can be reached.
    private struct Office: Sendable {
        var members = 0
        var threshold: UInt32 = 0
        /// The node's own included.
        var reachable = 0

        init(_ desk: NodeDesk) async throws {
            var keys = Set(desk.parties())
            keys.insert(desk.node.home.key.publicKey)
            self = try await desk.state { [keys] state in Office(state, keys) }
        }

        private init(_ state: LedgerState, _ known: Set<PublicKey>) {
            members = state.members.count
            threshold = state.parameters.threshold
            reachable = state.members.count { member in
                state.validator(member).map { known.contains($0.key) } ?? false
            }
        }
    }

    /// Why the node does not take part as it should; nothing where it does.
    static func unreadiness(_ desk: NodeDesk) async throws -> [String] {
        let facts = desk.node.facts
        if desk.node.ended.isOver { return ["the node has ended"] }
        if let stopped = facts.stopped { return [stopped] }
        if facts.isJoining { return ["joining: it waits for a snapshot to start from"] }
        var reasons: [String] = []
        if facts.root == nil { reasons.append("backfilling: it lacks older entries of the log") }
        if !facts.isMember, !desk.node.home.isObserver {
            reasons.append("not a member: the ledger does not list it, or no longer")
        }
        if let problem = desk.feed.projectionsProblem {
            reasons.append("the projections follow the log no more: \(problem)")
        }
        let office = try await Office(desk)
        if office.reachable < Int(office.threshold) {
            reasons.append(
                "it reaches \(office.reachable) validators, itself included, and"
                    + " \(office.threshold) decide")
        }
        if let due = facts.nextDue {
            let now = SystemClock().now().rawValue
            if now > due.rawValue, now - due.rawValue > lateMilliseconds {
                reasons.append(
                    "behind: a deadline passed \((now - due.rawValue) / 1000) seconds ago, and no"
                        + " batch closes it")
            }
        }
        return reasons
    }

    /// How late the batch that closes a round may be.
    private static let lateMilliseconds: UInt64 = 10_000
}
