// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// One key of the configuration, for the people who write it.
package struct ConfigurationKey: Sendable, Equatable {
    /// The full name, such as `consensus.threshold`; `circuits.name` stands in each `[[circuits]]`.
    package let name: String
    /// What kind of value it takes.
    package let type: String
    /// What holds where it is absent.
    package let defaultText: String
    /// What it is for.
    package let meaning: String

    init(_ name: String, _ type: String, _ defaultText: String, _ meaning: String) {
        self.name = name
        self.type = type
        self.defaultText = defaultText
        self.meaning = meaning
    }
}

extension Configuration {
    /// Every key that a configuration may have, in the order in which it is written.
    package static let keys: [ConfigurationKey] = [
        ConfigurationKey(
            "node.validator", "the name of a validator", "written by `recount init`",
            "whose home the configuration stands in"),
        ConfigurationKey(
            "node.observer", "the name of an observer", "written by `recount init --observer`",
            "whose home it stands in, where that is one which follows and has no say"),
        ConfigurationKey(
            "node.log_level",
            "\"trace\", \"debug\", \"info\", \"notice\", \"warning\" or \"error\"",
            "info; trace with --json",
            "what recount node says, and all that weighs more; --log-level goes before it"),
        ConfigurationKey(
            "ledger.name", "text of 1 to 64 bytes", "\"recount.example/ledger\"",
            "where the ledger comes from"),
        ConfigurationKey(
            "consensus.threshold", "integer", "7",
            "T: approvals that approve a request; 3T > 2N must hold"),
        ConfigurationKey(
            "consensus.total_validators", "integer from 1 to 1000", "10",
            "N: the number of validators, and of [[validators]] where there are any"),
        ConfigurationKey(
            "consensus.verification_timeout", "seconds above 0, up to 86400", "30",
            "from the opening of a round to its deadline"),
        ConfigurationKey(
            "consensus.reputation_bounds", "[points, points]", "[100, 10000]",
            "lowest and highest reputation; 1000, the starting value, lies between them"),
        ConfigurationKey(
            "consensus.job_timeout", "seconds above 0, up to 86400", "30",
            "from the assignment of a compute job to its deadline, at most"),
        ConfigurationKey(
            "consensus.settlement_timeout", "seconds above 0, up to 86400", "30",
            "after which the next in rank submits a settlement"),
        ConfigurationKey(
            "consensus.unclosed_max", "integer from 1 to 100000", "10000",
            "rounds, jobs and settlements that may be unfinished at once"),
        ConfigurationKey(
            "consensus.refusals_per_minute", "integer from 1 to 100000", "10",
            "refused messages of one sender that the ledger records in a minute"),
        ConfigurationKey(
            "consensus.job_timeout_min", "seconds above 0, up to job_timeout", "5",
            "the least deadline that a compute job may ask for"),
        ConfigurationKey(
            "consensus.job_fuel_max", "integer from 1", "1000000000000",
            "fuel that a compute job may ask for"),
        ConfigurationKey(
            "consensus.job_memory_max", "integer from 1 to 4294967296", "1073741824",
            "bytes of memory that a compute job may ask for"),
        ConfigurationKey(
            "consensus.job_input_max", "integer from 0 to 67108864", "16777216",
            "bytes of a compute job's input"),
        ConfigurationKey(
            "consensus.job_module_max", "integer from 1 to 67108864", "4194304",
            "bytes of a compute job's module"),
        ConfigurationKey(
            "leader_selection.stake_weight", "decimal from 0 to 1", "0.7",
            "weight of stake; with reputation_weight it adds up to 1"),
        ConfigurationKey(
            "leader_selection.reputation_weight", "decimal from 0 to 1", "0.3",
            "weight of reputation"),
        ConfigurationKey(
            "leader_selection.normalisation", "\"share\" or \"raw\"", "\"share\"",
            "whether shares of the total are weighed, or the numbers as they are"),
        ConfigurationKey(
            "network.gossipsub_heartbeat", "seconds above 0, up to 3600", "1",
            "how often peers exchange what they have (recount node)"),
        ConfigurationKey(
            "network.peer_discovery", "\"mdns\", \"static\" or \"off\"", "\"mdns\"",
            "how peers are found: by multicast beside those listed, those listed alone, or not at"
                + " all: others dial this node"),
        ConfigurationKey(
            "network.max_connections", "integer from 1 to 10000", "50",
            "peers at once"),
        ConfigurationKey(
            "network.listen", "list of addresses such as \"/ip4/0.0.0.0/tcp/4100\"", "[]",
            "where the node listens"),
        ConfigurationKey(
            "network.peers", "list of addresses such as \"/ip4/192.0.2.1/tcp/4100/p2p/12D3...\"",
            "[]", "peers to which connections are kept up"),
        ConfigurationKey(
            "api.listen", "text such as \"127.0.0.1:5100\"", "nowhere",
            "where the node answers over HTTP (recount node), to whoever reaches the address;"
                + " recount init gives the validators this port and those that follow"),
        ConfigurationKey(
            "api.requests_per_second", "integer from 0 to 1000000", "1000",
            "requests over HTTP that one address may make in a second; 0 for as many as it likes"),
        ConfigurationKey(
            "api.nodes", "list of origins such as \"http://192.0.2.1:5100\"", "[]",
            "other nodes of the ledger: this node's console may read them to compare, and theirs"
                + " may read this node; recount init lists those on its own machine"),
        ConfigurationKey(
            "snapshots.entries", "integer from 1", "100000",
            "entries of the log between two snapshots of the state"),
        ConfigurationKey(
            "snapshots.kept", "integer from 1 to 1000", "2", "snapshots that stay"),
        ConfigurationKey(
            "checkpoints.seconds", "integer from 0 to 86400", "10",
            "seconds between two signed checkpoints; 0 for one at every sealed batch"),
        ConfigurationKey(
            "checkpoints.kept", "integer from 1 to 10000", "64", "checkpoints that stay"),
        ConfigurationKey(
            "compute.jobs_at_once", "integer from 1 to 256", "the number of cores",
            "compute jobs that run at once"),
        ConfigurationKey(
            "compute.memory", "integer from 65536 to 1099511627776", "1073741824",
            "bytes of memory of all compute jobs that run at once; one that may have more is"
                + " not run, and the validator abstains"),
        ConfigurationKey(
            "vault.balance", "integer from 0", "without limit",
            "what the vault may pay in all; a payment beyond it fails for good"),
        ConfigurationKey(
            "circuits.name", "text of 1 to 32 of a-z, 0-9, '-' and '.'", "must be given",
            "what requests call the circuit"),
        ConfigurationKey(
            "circuits.verifying_key", "path", "must be given",
            "the key as snarkjs writes it; relative to the configuration file"),
        ConfigurationKey(
            "circuits.public_inputs", "list of bindings", "must be given",
            "what each public input is: root, nullifier, amount, negated_amount, recipient,"
                + " external_data_hash, constant:<decimal> or free"),
        ConfigurationKey(
            "circuits.roots", "list of decimal texts", "[]",
            "the roots that requests may name"),
        ConfigurationKey(
            "validators.name", "text of 1 to 32 of a-z, 0-9, '-' and '.'",
            "must be given; validator-1 and so on where there is no [[validators]]",
            "what people call the validator, and its key file"),
        ConfigurationKey(
            "validators.stake", "integer from 0",
            "must be given; 1000 where there is no [[validators]]",
            "its stake, in the smallest unit"),
        ConfigurationKey(
            "submitters.name", "text of 1 to 32 of a-z, 0-9, '-' and '.'",
            "must be given; submitter where there is no [[submitters]]",
            "what people call the submitter, and its key file"),
        ConfigurationKey(
            "submitters.quota", "integer from 1 to 100000", "1000",
            "rounds and jobs that it may have undecided at once"),
    ]
}
