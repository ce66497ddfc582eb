// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import NIOHTTP1
internal import Node
internal import Projections

/// What a person sees first of a node, in one answer.
private struct Overview: Encodable, Sendable {
    /// A validator in office.
    struct Member: Encodable, Sendable {
        var validator: UInt64?
        var name: String
        var stake: UInt64
        var reputation: UInt64
        var isReached: Bool
        var isSelf: Bool
    }

    /// How full something is.
    struct Queue: Encodable, Sendable {
        var name: String
        var count: Int
        var max: Int
    }

    /// How far the projections came.
    struct Followed: Encodable, Sendable {
        var entries: UInt64
        var behind: UInt64
        var isStopped: Bool
        var problem: String?
    }

    var name: String
    var ledger: String
    var version: String
    /// The clock of the node, in milliseconds since 1970 UTC.
    var now: UInt64
    var height: UInt64
    var size: UInt64
    var root: String?
    var time: UInt64
    var round: UInt32
    var isSilent: Bool
    var isMember: Bool
    var isObserver: Bool
    var isJoining: Bool
    var threshold: UInt32
    var openRounds: Int
    var openJobs: Int
    var settlements: Int
    var nextDue: UInt64?
    var convictions: Int
    var checkpointSize: UInt64
    var members: [Member]
    var queues: [Queue]
    /// Absent where they do not follow at all.
    var projections: Followed?
    /// Why the node does not take part as it should; empty where it does.
    var reasons: [String]
    /// Origins of other nodes, to compare with.
    var nodes: [String] = []
}

/// The kinds of entries.
private struct Kinds: Encodable, Sendable {
    /// One kind.
    struct Kind: Encodable, Sendable {
        var tag: UInt8
        var kind: String
        /// Whether the rules derive it, and nobody said it.
        var isDerived: Bool
    }

    var kinds: [Kind]
}

private struct Search: Encodable, Sendable {
    var found: [FoundThing]
}

extension Routes {
    /// `GET /overview`, `GET /totals`, `GET /kinds` and `GET /search`.
    static func addOverview(
        to router: inout Router, _ desk: NodeDesk, _ nodes: [String]
    ) {
        router.get("overview") { request in
            _ = try Query(request, known: [])
            var overview = try await overview(desk)
            overview.nodes = nodes
            return try .json(overview)
        }
        router.get("totals") { request in
            _ = try Query(request, known: [])
            return try .json(
                try await desk.ask(isWide: true) { views throws(ViewError) in
                    try views.totals()
                })
        }
        router.get("kinds") { request in
            _ = try Query(request, known: [])
            let kinds = EventType.allCases.map {
                Kinds.Kind(tag: $0.rawValue, kind: $0.jsonName, isDerived: $0.isDerived)
            }
            return try .json(Kinds(kinds: kinds))
        }
        router.get("search") { request in
            let text = try Query(request, known: ["name"]).text("name") ?? ""
            guard (1...64).contains(text.utf8.count) else {
                throw APIError.wrong("name", "1 to 64 bytes are wanted")
            }
            return try .json(
                try await desk.ask { views throws(ViewError) in
                    Search(found: try views.search(text))
                })
        }
    }

    private static func overview(_ desk: NodeDesk) async throws -> Overview {
        let node = desk.node
        let (facts, reading) = (node.facts, try await desk.reading())
        var reached = Set(desk.parties())
        reached.insert(node.home.key.publicKey)
        let numbers = try await desk.state { state in
            Dictionary(
                state.members.compactMap { index in
                    state.validator(index).map { ($0.key, UInt64(index.rawValue)) }
                }, uniquingKeysWith: { first, _ in first })
        }
        return Overview(
            name: node.name, ledger: node.home.ledger.hex, version: NodeLimits.programVersion,
            now: SystemClock().now().rawValue, height: facts.height.rawValue, size: facts.size,
            root: facts.root?.hex, time: facts.time.rawValue, round: reading.round,
            isSilent: reading.isSilent, isMember: facts.isMember,
            isObserver: node.home.isObserver, isJoining: facts.isJoining,
            threshold: reading.threshold, openRounds: facts.openRounds,
            openJobs: facts.openJobs, settlements: facts.settlements,
            nextDue: facts.nextDue?.rawValue, convictions: reading.convictions,
            checkpointSize: facts.checkpointSize,
            members: reading.members.map { member in
                Overview.Member(
                    validator: numbers[member.key], name: member.name,
                    stake: member.stake.rawValue, reputation: member.reputation.rawValue,
                    isReached: reached.contains(member.key),
                    isSelf: member.key == node.home.key.publicKey)
            },
            queues: (node.queues + reading.queues).map {
                Overview.Queue(name: $0.name, count: $0.count, max: $0.max)
            },
            projections: reading.projections.map {
                Overview.Followed(
                    entries: $0.entries, behind: $0.behind, isStopped: $0.isStopped,
                    problem: desk.feed.projectionsProblem)
            },
            reasons: try await unreadiness(desk))
    }
}
