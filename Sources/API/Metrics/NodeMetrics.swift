// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Ledger
package import Telemetry

/// Every metric that a node serves, in the order in which it serves them.
package enum NodeMetrics {
    /// The registry of a node.
    package static func registry() -> MetricRegistry { MetricRegistry(families) }

    /// The list.
    package static let families =
        node + ledger + validators + proofs + queues + network + disk + api + projections + process
        + ProcessLog.families

    /// Upper bounds of durations, in seconds.
    static let seconds = MetricFamily.Kind.histogram(
        Durations.boundsMicroseconds.map { Double($0) / 1e6 })

    /// Peers that are told of; a node has no more unless its configuration says so.
    private static let peersMax = 1_024
    private static let membersMax = Limits.membersMax

    private static let node = [
        MetricFamily(
            "recount_build_info", .gauge,
            "Always 1: the version of the program, the ledger, and who the node is.",
            labels: ["version", "ledger", "node"]),
        MetricFamily(
            "recount_node_running", .gauge, "1 while the node runs, 0 once it has ended."),
        MetricFamily(
            "recount_node_answers", .gauge,
            "1 if the thread that agrees answered the scrape in time; without it what it alone"
                + " knows is absent."),
        MetricFamily(
            "recount_member", .gauge, "1 if the node's validator is a member of the ledger."),
        MetricFamily("recount_observer", .gauge, "1 if the node is an observer."),
        MetricFamily(
            "recount_joining", .gauge, "1 while it waits for a snapshot to start from."),
        MetricFamily("recount_backfilling", .gauge, "1 while it lacks older entries of the log."),
        MetricFamily(
            "recount_silent", .gauge, "1 while it says nothing since its journal was lost."),
    ]

    private static let ledger = [
        MetricFamily("recount_height", .gauge, "The number of the last batch."),
        MetricFamily("recount_round", .gauge, "The round of the batch that is being agreed on."),
        MetricFamily("recount_ledger_entries", .gauge, "Entries of the ledger."),
        MetricFamily("recount_batch_age_seconds", .gauge, "Time since that of the last batch."),
        MetricFamily(
            "recount_overdue_seconds", .gauge,
            "Time since the deadline of a round or job that no batch has closed yet; else 0."),
        MetricFamily("recount_batches_total", .counter, "Batches since the node was started."),
        MetricFamily("recount_open_rounds", .gauge, "Rounds that are open."),
        MetricFamily("recount_open_jobs", .gauge, "Jobs that are open."),
        MetricFamily(
            "recount_pending_settlements", .gauge, "Payments that are ordered and not reported."),
        MetricFamily(
            "recount_decisions_total", .counter,
            "Requests decided since the node was started, by outcome.", labels: ["outcome"],
            seriesMax: 3),
        MetricFamily(
            "recount_job_decisions_total", .counter,
            "Jobs decided since the node was started, by decision.", labels: ["decision"],
            seriesMax: 3),
        MetricFamily(
            "recount_recorded_refusals_total", .counter,
            "Refused messages that the ledger recorded since the node was started."),
        MetricFamily(
            "recount_convictions", .gauge,
            "Contradictions that validators were convicted of, from the first batch on."),
        MetricFamily(
            "recount_checkpoint_entries", .gauge,
            "Entries under the newest checkpoint that the node keeps, signed by T validators."),
        MetricFamily(
            "recount_mark_height", .gauge,
            "The last height divisible by 16 that was committed since the node was started."),
        MetricFamily(
            "recount_mark_fingerprint", .gauge,
            "48 bits of the root of the log at recount_mark_height: equal where ledgers are one."),
    ]

    private static let validators = [
        MetricFamily("recount_members", .gauge, "Validators in office."),
        MetricFamily("recount_threshold", .gauge, "How many of them decide."),
        MetricFamily(
            "recount_members_reached", .gauge, "Those that the node reaches, itself included."),
        MetricFamily(
            "recount_reputation_points", .gauge, "Reputation, by validator in office.",
            labels: ["validator"], seriesMax: membersMax),
        MetricFamily(
            "recount_stake", .gauge, "Stake in its smallest unit, by validator in office.",
            labels: ["validator"], seriesMax: membersMax),
        MetricFamily(
            "recount_votes_total", .counter,
            "Votes that the ledger recorded since the node was started, by validator in office.",
            labels: ["validator", "vote"], seriesMax: 3 * membersMax),
        MetricFamily(
            "recount_missed_votes_total", .counter,
            "Rounds and jobs closed since the node was started without a word of the validator.",
            labels: ["validator"], seriesMax: membersMax),
        MetricFamily(
            "recount_incorrect_votes_total", .counter,
            "Votes and results since the node was started that the outcome proved wrong.",
            labels: ["validator"], seriesMax: membersMax),
        MetricFamily(
            "recount_equivocations_total", .counter,
            "Contradictions since the node was started that convicted the validator.",
            labels: ["validator"], seriesMax: membersMax),
    ]

    private static let proofs = [
        MetricFamily(
            "recount_proofs_total", .counter,
            "Proofs that the node judged since it was started, by its verdict.",
            labels: ["verdict"], seriesMax: 3),
        MetricFamily(
            "recount_proof_seconds", seconds,
            "Time that a thread took for a proof, its share where several were verified together."),
    ]

    private static let queues = [
        MetricFamily(
            "recount_queue_length", .gauge, "What waits, by queue.", labels: ["queue"],
            seriesMax: 16),
        MetricFamily(
            "recount_queue_length_max", .gauge, "How much may wait, by queue.", labels: ["queue"],
            seriesMax: 16),
        MetricFamily(
            "recount_inbox_dropped_total", .counter,
            "Messages of peers that were dropped for want of room."),
    ]

    private static let network = [
        MetricFamily("recount_peers", .gauge, "Peers that are connected."),
        MetricFamily(
            "recount_peer_info", .gauge, "Always 1: the party that a peer speaks for.",
            labels: ["peer", "party"], seriesMax: peersMax),
        MetricFamily(
            "recount_peer_score", .gauge, "What gossip thinks of a peer.", labels: ["peer"],
            seriesMax: peersMax),
        MetricFamily(
            "recount_peer_bytes_total", .counter,
            "Bytes on the socket of a peer since it is connected.", labels: ["peer", "direction"],
            seriesMax: 2 * peersMax),
        MetricFamily(
            "recount_peer_queue_bytes", .gauge, "Bytes that wait to be sent to a peer.",
            labels: ["peer", "queue"], seriesMax: 2 * peersMax),
        MetricFamily(
            "recount_peer_queue_bytes_max", .gauge, "Bytes that may wait for one peer.",
            labels: ["queue"], seriesMax: 2),
        MetricFamily(
            "recount_gossip_topic_peers", .gauge, "Peers in a topic.", labels: ["topic"],
            seriesMax: 16),
        MetricFamily(
            "recount_gossip_mesh_peers", .gauge, "Peers in the mesh of a topic.",
            labels: ["topic"], seriesMax: 16),
        MetricFamily(
            "recount_topic_bytes_total", .counter,
            "Bytes of messages of a topic: each copy sent or received, what the node published, and"
                + " what was delivered for the first time.",
            labels: ["topic", "direction"], seriesMax: 64),
        MetricFamily(
            "recount_topic_messages_total", .counter, "The same in messages.",
            labels: ["topic", "direction"], seriesMax: 64),
        MetricFamily(
            "recount_protocol_bytes_total", .counter, "Bytes of messages to one peer, by protocol.",
            labels: ["protocol", "direction"], seriesMax: 16),
        MetricFamily(
            "recount_gossip_control_bytes_total", .counter, "Bytes of gossip about gossip.",
            labels: ["direction"], seriesMax: 2),
        MetricFamily(
            "recount_network_bytes_total", .counter, "Bytes on the sockets of all peers.",
            labels: ["direction"], seriesMax: 2),
    ]

    private static let disk = [
        MetricFamily(
            "recount_disk_sync_seconds", seconds,
            "Time of a sync of the log, the journal and what goes with them.")
    ]

    private static let api = [
        MetricFamily("recount_api_connections", .gauge, "Connections over HTTP."),
        MetricFamily("recount_api_connections_max", .gauge, "How many there may be."),
        MetricFamily(
            "recount_api_connections_refused_total", .counter,
            "Connections that were turned away for want of room."),
        MetricFamily(
            "recount_api_responses_total", .counter, "Responses, by status.", labels: ["status"],
            seriesMax: 32),
        MetricFamily(
            "recount_api_response_seconds", seconds,
            "Time from a request that was read to its response, waits for a decision included."),
    ]

    private static let projections = [
        MetricFamily("recount_projections_entries", .gauge, "Entries that the projections hold."),
        MetricFamily(
            "recount_projections_lag_entries", .gauge,
            "Entries of the ledger that the projections do not hold yet."),
        MetricFamily(
            "recount_projections_stopped", .gauge, "1 once they follow the log no more."),
    ]

    private static let process = [
        MetricFamily("recount_process_resident_memory_bytes", .gauge, "Memory of the process."),
        MetricFamily("recount_process_open_files", .gauge, "Descriptors that are open."),
        MetricFamily("recount_process_open_files_max", .gauge, "How many may be."),
        MetricFamily("recount_process_threads", .gauge, "Threads of the process."),
        MetricFamily(
            "recount_process_cpu_seconds_total", .counter, "Processor time of the process."),
        MetricFamily(
            "recount_process_start_time_seconds", .gauge,
            "When the process began, in seconds since 1970 UTC."),
    ]
}
