// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// Messages of one kind.
package struct TrafficCount: Codable, Equatable, Sendable {
    /// What they are.
    package let kind: String
    /// How many.
    package let messages: UInt64
    /// How large together.
    package let bytes: UInt64
}

/// A property of a run, and what of it does not hold.
package struct PropertyFinding: Codable, Equatable, Sendable {
    /// Its name.
    package let property: String
    /// What is wrong; empty where nothing is.
    package let violations: [String]
}

/// One line of the timeline.
package struct AccountLine: Codable, Equatable, Sendable {
    /// Virtual microseconds since the start.
    package let microseconds: UInt64
    /// The number of the event.
    package let event: UInt64
    /// What it is about.
    package let kind: String
    /// The node that it is about, where it is one.
    package let node: Int?
    /// What happened.
    package let text: String
}

/// What a run came to: the same for the same options, on any machine.
package struct Account: Codable, Equatable, Sendable {
    /// What was asked for, as a shell is given it.
    package var command: String
    /// Where all chance came from.
    package var seed: UInt64
    /// Whether the run came to its end, or to a violation.
    package var isWhole: Bool
    /// Events that happened.
    package var events: UInt64
    /// Virtual milliseconds.
    package var milliseconds: UInt64
    /// The nodes that lied, and how.
    package var liars: [String]
    /// Batches that were decided.
    package var heights: UInt64
    /// Entries of the ledger.
    package var entries: UInt64
    /// The root of the log after the last batch.
    package var root: String
    /// Requests that clients made.
    package var requests: UInt64
    /// Requests that were decided.
    package var decisions: UInt64
    /// Of those, approved.
    package var approved: UInt64
    /// Of those, rejected.
    package var rejected: UInt64
    /// Of those, timed out.
    package var timedOut: UInt64
    /// Requests that the rules refuse.
    package var refused: UInt64
    /// Milliseconds from submission until the first honest node had the decision: half took less.
    package var latencyMedian: UInt64
    /// And 99 of 100.
    package var latencyP99: UInt64
    /// All of them, in microseconds, ascending.
    package var latencies: [UInt64]
    /// Contradictions that honest nodes saw.
    package var contradictions: Int
    /// Contradictions that the ledger convicts of.
    package var convictions: Int
    /// Starts of nodes after the first.
    package var restarts: Int
    /// What was on the wire.
    package var traffic: [TrafficCount]
    /// Messages in all.
    package var messages: UInt64
    /// Bytes in all.
    package var bytes: UInt64
    /// Messages that were lost.
    package var lost: UInt64
    /// Each property, and what of it does not hold.
    package var verdicts: [PropertyFinding]
    /// Whom the fork convicts that ended the run; nil where there was none.
    package var fork: ForkAccount?
    /// What happened.
    package var timeline: [AccountLine]

    /// Whether every property holds.
    package var isRight: Bool { verdicts.allSatisfy(\.violations.isEmpty) }
    /// Messages for each batch.
    package var messagesPerHeight: UInt64 { messages / max(1, heights) }
    /// Messages for each decision.
    package var messagesPerDecision: UInt64 { messages / max(1, decisions) }
    /// Bytes for each decision.
    package var bytesPerDecision: UInt64 { bytes / max(1, decisions) }
}

extension Simulator {
    /// Says what the run came to.
    func account(isWhole: Bool) -> Account {
        let submissions = workload.submissions
        let latencies = submissions.compactMap { submission in
            submission.decided.map { $0.microseconds - submission.moment.microseconds }
        }.sorted()
        func count(_ outcome: Outcome) -> UInt64 {
            UInt64(submissions.count { $0.outcome == outcome })
        }
        let traffic = network.traffic
        let kinds = MessageKind.allCases.filter { traffic.messages[$0.rawValue] > 0 }
        let verdicts = Property.allCases.map { property in
            PropertyFinding(
                property: property.rawValue,
                violations: violations.filter { $0.property == property }.map(\.text))
        }
        return Account(
            command: options.command, seed: options.seed, isWhole: isWhole, events: events,
            milliseconds: now.milliseconds,
            liars: nodes.filter(\.isLiar).map {
                "\($0.number): \($0.names.joined(separator: ", "))"
            },
            heights: chain.height, entries: chain.state.size,
            root: chain.batches.last?.root.hex ?? "", requests: UInt64(submissions.count),
            decisions: UInt64(latencies.count), approved: count(.approved),
            rejected: count(.rejected), timedOut: count(.timedOut),
            refused: UInt64(submissions.count { isExcused($0.id) }),
            latencyMedian: Self.percentile(50, of: latencies) / 1000,
            latencyP99: Self.percentile(99, of: latencies) / 1000, latencies: latencies,
            contradictions: accountability.counts.seen,
            convictions: accountability.counts.convicted,
            restarts: nodes.reduce(0) { $0 + max(0, $1.life - 1) },
            traffic: kinds.map {
                TrafficCount(
                    kind: $0.name, messages: traffic.messages[$0.rawValue],
                    bytes: traffic.bytes[$0.rawValue])
            },
            messages: traffic.messageCount, bytes: traffic.byteCount, lost: traffic.lost,
            verdicts: verdicts, fork: traceFork(),
            timeline: timeline.entries.map {
                AccountLine(
                    microseconds: $0.moment.microseconds, event: $0.event, kind: $0.kind.rawValue,
                    node: $0.node, text: $0.text)
            })
    }

    /// The value that so many of 100 do not exceed; 0 of none.
    private static func percentile(_ part: Int, of sorted: [UInt64]) -> UInt64 {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, (sorted.count * part + 99) / 100 - 1)]
    }
}
