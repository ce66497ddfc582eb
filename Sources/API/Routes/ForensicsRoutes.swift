// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Forensics
internal import Hosting
internal import Ledger
internal import NIOHTTP1
internal import Node
internal import Projections

/// What went wrong, and why things are as they are.
extension Routes {
    private struct Disputes: Encodable, Sendable {
        var disagreements: [DisputeView]
        /// What `to` is to be for the page before, where there may be one.
        var older: UInt64?
    }

    private struct Evidences: Encodable, Sendable {
        var evidence: [EvidenceView]
        var older: UInt64?
    }

    private struct Announcements: Encodable, Sendable {
        var announcements: [AnnouncementView]
        var older: UInt64?
    }

    private struct Pairs: Encodable, Sendable {
        var rounds: UInt64
        var pairsJudged: UInt64
        var pairs: [PairFinding]
        var limits: [String]
    }

    private struct Cases: Encodable, Sendable {
        struct Case: Encodable, Sendable {
            var name: String
            var height: UInt64
            var status: String
        }

        var cases: [Case]
    }

    private struct Judged: Encodable, Sendable {
        var verdict: String
        var detail: String?
        var circuit: String
        /// The SHA-256 of the verifying key.
        var verifyingKey: String
    }

    /// Disagreements, evidence, pairs, cases, verdicts and reasons.
    static func addForensics(to router: inout Router, _ desk: NodeDesk) {
        addDisputes(to: &router, desk)
        addAnnouncements(to: &router, desk)
        router.get("pairs") { request in
            _ = try Query(request, known: [])
            let (log, _) = try desk.log()
            let found = try await desk.folding.run {
                do throws(DisagreementError) { return try Disagreements.of(log, by: .pair) } catch {
                    throw APIError.failed("the pairs cannot be counted: \(error)")
                }
            }
            return try .json(
                Pairs(
                    rounds: found.rounds, pairsJudged: found.pairsJudged, pairs: found.pairs,
                    limits: found.limits))
        }
        router.get("cases") { request in
            _ = try Query(request, known: [])
            let store = CaseStore(home: desk.node.home.path, disk: POSIXDisk())
            let found = try await desk.reading.run {
                do throws(DiskError) { return try store.all() } catch {
                    throw APIError.failed("the cases cannot be listed: \(error)")
                }
            }
            let newest = found.suffix(Int(desk.limits.rowsMax)).map {
                Cases.Case(
                    name: $0.name, height: $0.height.rawValue, status: $0.status.rawValue)
            }
            return try .json(Cases(cases: newest))
        }
        router.get("requests/:id/proof") { request in
            _ = try Query(request, known: [])
            let history = try await history(request.parameter("id"), desk)
            return try .json(try await desk.reading.run { judge(history) })
        }
        router.get("why/:thing") { request in
            _ = try Query(request, known: [])
            return try .json(try await why(request.parameter("thing"), desk))
        }
    }

    private static func addDisputes(to router: inout Router, _ desk: NodeDesk) {
        router.get("disagreements") { request in
            let query = try Query(request, known: ["from", "to", "limit"])
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let page = try await desk.ask { views throws(ViewError) -> Disputes in
                guard let range = try range.entries(views) else {
                    return Disputes(disagreements: [])
                }
                let found = try views.disputes(range, newest: limit)
                return Disputes(
                    disagreements: found, older: older(found.map(\.entry), range, limit))
            }
            return try .json(page)
        }
        router.get("evidence") { request in
            let query = try Query(request, known: ["from", "to", "limit"])
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let page = try await desk.ask { views throws(ViewError) -> Evidences in
                guard let range = try range.entries(views) else { return Evidences(evidence: []) }
                let found = try views.evidence(range, newest: limit)
                return Evidences(evidence: found, older: older(found.map(\.entry), range, limit))
            }
            return try .json(page)
        }
    }

    private static func addAnnouncements(to router: inout Router, _ desk: NodeDesk) {
        router.get("announcements") { request in
            let query = try Query(request, known: ["from", "to", "limit"])
            let (range, limit) = (try query.range(), try query.limit(desk.limits))
            let page = try await desk.ask { views throws(ViewError) -> Announcements in
                guard let range = try range.entries(views) else {
                    return Announcements(announcements: [])
                }
                let found = try views.announcements(range, newest: limit)
                return Announcements(
                    announcements: found, older: older(found.map(\.entry), range, limit))
            }
            return try .json(page)
        }
    }

    private static func judge(_ history: RequestHistory) -> Judged {
        let circuit = history.circuit
        var judged = Judged(
            verdict: "unjudged", circuit: circuit.name,
            verifyingKey: Digest(hashing: circuit.verifyingKey).hex)
        switch history.verifyProof() {
        case .holds: judged.verdict = "holds"
        case .fails: judged.verdict = "fails"
        case .unjudged(let reason): judged.detail = reason
        }
        return judged
    }

    private static func why(_ name: String, _ desk: NodeDesk) async throws -> Explanation {
        guard name.utf8.count <= 96, let things = Thing.parse(name) else {
            throw APIError.wrong(
                "thing", "one of \(Thing.kinds.joined(separator: ", ")), a colon and a name")
        }
        let (log, _) = try desk.log()
        return try await desk.folding.run {
            do throws(WhyError) {
                return try Explanation.of(
                    things, in: log, path: "HOME", index: ProjectionsIndex(of: log))
            } catch {
                switch error {
                case .notFound: throw APIError.notFound("\(error)")
                case .ambiguous: throw APIError.wrong("thing", "\(error)", reason: "notAName")
                case .replay: throw APIError.failed("\(error)")
                }
            }
        }
    }
}
