// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
package import Ledger
internal import Network
package import Node
package import Telemetry

/// What the parts of a node say of themselves, as samples of its metrics.
package enum NodeSamples {
    static func ofNode(_ node: ValidatorNode, answers: Bool) -> [MetricSample] {
        let proofs = node.proofs
        return [
            MetricSample(
                "recount_build_info", [NodeLimits.programVersion, node.home.ledger.hex, node.name],
                1),
            MetricSample("recount_node_running", [], !node.ended.isOver),
            MetricSample("recount_node_answers", [], answers),
            MetricSample("recount_observer", [], node.home.isObserver),
            MetricSample("recount_inbox_dropped_total", [], node.droppedMessages),
            MetricSample("recount_proof_seconds", [], proofs.durations.value),
            MetricSample("recount_disk_sync_seconds", [], node.syncs.value.value),
        ]
            + Vote.allCases.map { vote in
                MetricSample(
                    "recount_proofs_total", [vote.jsonName], proofs.verdicts[vote, default: 0])
            }
    }

    /// What a node tells of itself without being asked, at a time.
    package static func ofFacts(_ facts: NodeFacts, now: Time) -> [MetricSample] {
        [
            MetricSample("recount_member", [], facts.isMember),
            MetricSample("recount_joining", [], facts.isJoining),
            MetricSample("recount_backfilling", [], facts.root == nil && !facts.isJoining),
            MetricSample("recount_height", [], facts.height.rawValue),
            MetricSample("recount_ledger_entries", [], facts.size),
            MetricSample(
                "recount_batch_age_seconds", [], .milliseconds(now.since(facts.time))),
            MetricSample(
                "recount_overdue_seconds", [],
                .milliseconds(facts.nextDue.map { now.since($0) } ?? 0)),
            MetricSample("recount_open_rounds", [], facts.openRounds),
            MetricSample("recount_open_jobs", [], facts.openJobs),
            MetricSample("recount_pending_settlements", [], facts.settlements),
            MetricSample("recount_checkpoint_entries", [], facts.checkpointSize),
        ]
    }

    // MARK: The node's thread

    static func ofReading(_ reading: NodeReading, reached: Set<PublicKey>) -> [MetricSample] {
        var samples = [
            MetricSample("recount_round", [], reading.round),
            MetricSample("recount_silent", [], reading.isSilent),
            MetricSample("recount_convictions", [], reading.convictions),
            MetricSample("recount_members", [], reading.members.count),
            MetricSample("recount_threshold", [], reading.threshold),
            MetricSample(
                "recount_members_reached", [], reading.members.count { reached.contains($0.key) }),
        ]
        samples += ofCounts(reading.counts)
        for member in reading.members { samples += ofMember(member) }
        if let projections = reading.projections {
            samples += [
                MetricSample("recount_projections_entries", [], projections.entries),
                MetricSample("recount_projections_lag_entries", [], projections.behind),
                MetricSample("recount_projections_stopped", [], projections.isStopped),
            ]
        }
        return samples
    }

    private static func ofCounts(_ counts: NodeCounts) -> [MetricSample] {
        var samples = [
            MetricSample("recount_batches_total", [], counts.batches),
            MetricSample("recount_recorded_refusals_total", [], counts.refusals),
        ]
        for outcome in [Outcome.approved, .rejected, .timedOut] {
            samples.append(
                MetricSample(
                    "recount_decisions_total", [outcome.jsonName],
                    counts.outcomes[outcome, default: 0]))
        }
        for decision in [JobDecision.agreed, .disagreed, .timedOut] {
            samples.append(
                MetricSample(
                    "recount_job_decisions_total", [decision.jsonName],
                    counts.jobs[decision, default: 0]))
        }
        if let mark = counts.mark {
            samples.append(MetricSample("recount_mark_height", [], mark.height.rawValue))
            samples.append(MetricSample("recount_mark_fingerprint", [], mark.fingerprint))
        }
        return samples
    }

    private static func ofMember(_ member: NodeReading.Member) -> [MetricSample] {
        let (name, counts) = (member.name, member.counts)
        let points = Double(member.reputation.rawValue) / 1_000
        return [
            MetricSample("recount_reputation_points", [name], .number(points)),
            MetricSample("recount_stake", [name], member.stake.rawValue),
            MetricSample("recount_missed_votes_total", [name], counts.missed),
            MetricSample("recount_incorrect_votes_total", [name], counts.incorrect),
            MetricSample("recount_equivocations_total", [name], counts.equivocations),
        ]
            + Vote.allCases.map { vote in
                MetricSample(
                    "recount_votes_total", [name, vote.jsonName], counts.votes[vote, default: 0])
            }
    }

    static func ofQueues(_ queues: [NodeReading.Queue]) -> [MetricSample] {
        queues.flatMap { queue in
            [
                MetricSample("recount_queue_length", [queue.name], queue.count),
                MetricSample("recount_queue_length_max", [queue.name], queue.max),
            ]
        }
    }

    // MARK: The network

    static func ofNetwork(
        _ reading: NetworkReading, _ names: [PeerID: String]
    ) -> [MetricSample] {
        var samples = [
            MetricSample("recount_peers", [], reading.peers.count),
            MetricSample("recount_peer_queue_bytes_max", ["gossip"], reading.gossipBytesMax),
            MetricSample("recount_peer_queue_bytes_max", ["messages"], reading.messageBytesMax),
        ]
        for topic in reading.topics {
            let name = short(topic.topic)
            samples.append(MetricSample("recount_gossip_topic_peers", [name], topic.peers))
            samples.append(MetricSample("recount_gossip_mesh_peers", [name], topic.mesh))
        }
        for peer in reading.peers { samples += ofPeer(peer, names[peer.peer] ?? "") }
        return samples + ofTraffic(reading.traffic)
    }

    private static func ofPeer(_ row: NetworkReading.OfPeer, _ party: String) -> [MetricSample] {
        let peer = row.peer.description
        let score = Double(row.score.millionths) / 1e6
        return [
            MetricSample("recount_peer_info", [peer, party], 1),
            MetricSample("recount_peer_score", [peer], .number(score)),
            MetricSample("recount_peer_bytes_total", [peer, "sent"], row.sentBytes),
            MetricSample("recount_peer_bytes_total", [peer, "received"], row.receivedBytes),
            MetricSample("recount_peer_queue_bytes", [peer, "gossip"], row.gossipBytes),
            MetricSample("recount_peer_queue_bytes", [peer, "messages"], row.messageBytes),
        ]
    }

    private static func ofTraffic(_ traffic: Traffic) -> [MetricSample] {
        var samples: [MetricSample] = []
        for (topic, line) in traffic.topics {
            let name = short(topic)
            for (direction, count) in [
                ("sent", line.sent), ("received", line.received), ("published", line.published),
                ("delivered", line.delivered),
            ] {
                let labels = [name, direction]
                samples.append(MetricSample("recount_topic_bytes_total", labels, count.bytes))
                samples.append(
                    MetricSample("recount_topic_messages_total", labels, count.messages))
            }
        }
        for (name, line) in traffic.protocols {
            samples += both("recount_protocol_bytes_total", [name], line)
        }
        samples += both("recount_gossip_control_bytes_total", [], traffic.control)
        return samples + both("recount_network_bytes_total", [], traffic.wire)
    }

    private static func both(
        _ name: String, _ labels: [String], _ line: Traffic.Line
    ) -> [MetricSample] {
        [
            MetricSample(name, labels + ["sent"], line.sent.bytes),
            MetricSample(name, labels + ["received"], line.received.bytes),
        ]
    }

    /// The last part of the name of a topic, which tells those of a ledger apart.
    private static func short(_ topic: Topic) -> String {
        topic.description.split(separator: "/").last.map(String.init) ?? ""
    }

    // MARK: The API

    static func ofConnections(_ connections: Connections) -> [MetricSample] {
        [
            MetricSample("recount_api_connections", [], connections.count),
            MetricSample("recount_api_connections_max", [], connections.max),
            MetricSample("recount_api_connections_refused_total", [], connections.refused),
        ]
    }
}

extension MetricValue {
    /// A time in seconds.
    static func milliseconds(_ count: UInt64) -> MetricValue { .number(Double(count) / 1_000) }
}

extension Durations {
    /// The same as a distribution in seconds, with the bounds of `NodeMetrics.seconds`.
    var value: MetricValue {
        .distribution(counts: counts, sum: Double(sumNanoseconds) / 1e9)
    }
}

extension Time {
    /// Milliseconds since another time; none where that is later.
    fileprivate func since(_ other: Time) -> UInt64 { rawValue - min(rawValue, other.rawValue) }
}
