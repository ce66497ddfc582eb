// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
package import Ledger

/// What a node is made from: the numbers of the rules, and how it runs.
package struct Configuration: Sendable, Equatable {
    /// A circuit to be registered in the first entry.
    package struct CircuitEntry: Sendable, Equatable {
        /// What requests call it.
        package var name: String
        /// The path of its verifying key; absolute once it is read from a file.
        package var verifyingKey: String
        /// What each public input is bound to.
        package var publicInputs: [InputBinding]
        /// The roots, in decimal.
        package var roots: [String]
    }

    /// A validator of the first entry.
    package struct ValidatorEntry: Sendable, Equatable {
        /// What people call it.
        package var name: String
        /// Its stake.
        package var stake: UInt64
    }

    /// A submitter of the first entry.
    package struct SubmitterEntry: Sendable, Equatable {
        /// What people call it.
        package var name: String
        /// Rounds and jobs that it may have undecided at once.
        package var quota: UInt32
    }

    /// How a node that is a process of its own meets the others. It can be changed at any time.
    package struct Network: Sendable, Equatable {
        /// How often peers exchange what they have, in milliseconds.
        package var gossipsubHeartbeatMilliseconds: UInt64
        /// How peers are found.
        package var peerDiscovery: String
        /// Peers at once.
        package var connectionsMax: UInt32
        /// Where the node listens: multiaddrs, as text.
        package var listen: [String] = []
        /// Peers to which connections are kept up: multiaddrs that end with the peer's name.
        package var peers: [String] = []
    }

    /// How a node answers programs over HTTP. It can be changed at any time.
    package struct API: Sendable, Equatable {
        /// Where it listens: `127.0.0.1:5100`; nil for nowhere.
        package var listen: String?
        /// Requests that one address may make in a second; zero for as many as it likes.
        package var requestsPerSecond: UInt32 = 1000
        /// Origins of other nodes of the ledger: the console of this node may read them, and theirs
        /// may read this one.
        package var nodes: [String] = []
        /// Origins that may be listed.
        package static let nodesMax = 32
    }

    /// What a node keeps beside the log. It can be changed at any time.
    package struct Keeping: Sendable, Equatable {
        /// Entries between two snapshots.
        package var snapshotEntries = NodeLimits.snapshotEntries
        /// Snapshots that stay.
        package var snapshotsKept = NodeLimits.snapshotsKept
        /// Seconds between two checkpoints; zero for one at every sealed batch.
        package var checkpointSeconds = NodeLimits.checkpointSeconds
        /// Checkpoints that stay.
        package var checkpointsKept = NodeLimits.checkpointsKept
    }

    /// How compute jobs are run. It can be changed at any time.
    package struct ComputeEntry: Sendable, Equatable {
        /// Jobs at once; nil for as many as there are cores.
        package var jobsAtOnce: UInt32?
        /// Bytes of memory of all jobs that run at once.
        package var memoryBytes: UInt64 = EngineLimits.runningBytesDefault

        /// What the runner takes.
        package var runnerOptions: JobRunnerOptions {
            var options = JobRunnerOptions(memoryBytes: memoryBytes)
            if let jobsAtOnce { options.jobsAtOnce = Int(jobsAtOnce) }
            return options
        }
    }

    /// The validator whose home the configuration stands in; nil where it is nobody's yet.
    package var validator: String?
    /// The observer whose home it stands in, where it is one's.
    package var observer: String?
    /// What the node says of itself, and all that weighs more; nil where the program decides.
    package var logLevel: String?
    /// Where the ledger comes from.
    package var name: String
    /// The parameters of the first entry.
    package var parameters: Parameters
    /// How a node meets the others.
    package var network: Network
    /// How a node answers over HTTP.
    package var api = API()
    /// What is kept beside the log.
    package var keeping = Keeping()
    /// How compute jobs are run.
    package var compute = ComputeEntry()
    /// What the vault may pay in all; nil for no limit.
    package var vaultBalance: UInt64?
    /// The circuits, by index.
    package var circuits: [CircuitEntry]
    /// The validators, by index.
    package var validators: [ValidatorEntry]
    /// The submitters, by index.
    package var submitters: [SubmitterEntry]

    /// The levels of what a node says, the most talkative first.
    package static let logLevels = ["trace", "debug", "info", "notice", "warning", "error"]

    /// The stake of each validator where none is listed.
    package static let standardStake: UInt64 = 1000
    /// The quota of a submitter that states none.
    package static let standardQuota: UInt32 = 1000

    /// All defaults: ten validators of equal stake, one submitter, no circuit.
    package static let standard = Configuration(
        name: "recount.example/ledger", parameters: .standard,
        network: Network(
            gossipsubHeartbeatMilliseconds: 1000, peerDiscovery: "mdns", connectionsMax: 50),
        vaultBalance: nil, circuits: [], validators: standardValidators(10),
        submitters: [SubmitterEntry(name: "submitter", quota: standardQuota)])

    /// Validators `validator-1` and so on, of equal stake.
    static func standardValidators(_ count: Int) -> [ValidatorEntry] {
        (0..<count).map { ValidatorEntry(name: "validator-\($0 + 1)", stake: standardStake) }
    }

    /// The smallest threshold that is safe among so many validators.
    package static func smallestSafeThreshold(of count: Int) -> Int { 2 * count / 3 + 1 }
}

extension InputBinding {
    /// What a configuration calls the binding.
    package var configurationName: String {
        switch self {
        case .root: "root"
        case .nullifier: "nullifier"
        case .amount: "amount"
        case .negatedAmount: "negated_amount"
        case .recipient: "recipient"
        case .externalDataHash: "external_data_hash"
        case .constant(let value): "constant:\(FieldText.decimal(value))"
        case .free: "free"
        }
    }
}
