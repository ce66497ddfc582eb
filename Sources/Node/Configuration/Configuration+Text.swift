// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

extension Configuration {
    /// The whole configuration as TOML, every key written out; reading it gives the same again.
    package var toml: String {
        func seconds(_ milliseconds: UInt64) -> String {
            Decimals.text(millionths: milliseconds * 1000)
        }
        func list(_ texts: [String]) -> String {
            "[\(texts.map(Self.quoted).joined(separator: ", "))]"
        }
        var lines: [String] = []
        var node: [String] = []
        if let validator { node.append("validator = \(Self.quoted(validator))") }
        if let observer { node.append("observer = \(Self.quoted(observer))") }
        if let logLevel { node.append("log_level = \(Self.quoted(logLevel))") }
        if !node.isEmpty { lines += ["[node]"] + node + [""] }
        lines += [
            "[ledger]",
            "name = \(Self.quoted(name))",
            "",
            "[consensus]",
            "threshold = \(parameters.threshold)",
            "total_validators = \(validators.count)",
            "verification_timeout = \(seconds(parameters.verificationMilliseconds))",
            "reputation_bounds = [\(parameters.reputationMin.rawValue / 1000),"
                + " \(parameters.reputationMax.rawValue / 1000)]",
            "job_timeout = \(seconds(parameters.jobMilliseconds))",
            "settlement_timeout = \(seconds(parameters.settlementMilliseconds))",
            "unclosed_max = \(parameters.unclosedMax)",
            "refusals_per_minute = \(parameters.refusalsPerMinute)",
            "job_timeout_min = \(seconds(parameters.jobMillisecondsMin))",
            "job_fuel_max = \(parameters.jobFuelMax)",
            "job_memory_max = \(parameters.jobMemoryBytesMax)",
            "job_input_max = \(parameters.jobInputBytesMax)",
            "job_module_max = \(parameters.jobModuleBytesMax)",
            "",
            "[leader_selection]",
            "stake_weight = \(Decimals.text(millionths: UInt64(parameters.stakeWeight)))",
            "reputation_weight ="
                + " \(Decimals.text(millionths: UInt64(parameters.reputationWeight)))",
            "normalisation = \(parameters.normalisation == .raw ? "\"raw\"" : "\"share\"")",
            "",
            "[network]",
            "gossipsub_heartbeat = \(seconds(network.gossipsubHeartbeatMilliseconds))",
            "peer_discovery = \(Self.quoted(network.peerDiscovery))",
            "max_connections = \(network.connectionsMax)",
            "listen = [\(network.listen.map(Self.quoted).joined(separator: ", "))]",
            "peers = [",
        ]
        lines += network.peers.map { "    \(Self.quoted($0))," }
        lines += [
            "]",
            "",
            "[api]",
        ]
        if let listen = api.listen { lines.append("listen = \(Self.quoted(listen))") }
        lines += [
            "requests_per_second = \(api.requestsPerSecond)",
            "nodes = [\(api.nodes.map(Self.quoted).joined(separator: ", "))]",
            "",
            "[snapshots]",
            "entries = \(keeping.snapshotEntries)",
            "kept = \(keeping.snapshotsKept)",
            "",
            "[checkpoints]",
            "seconds = \(keeping.checkpointSeconds)",
            "kept = \(keeping.checkpointsKept)",
            "",
            "[compute]",
        ]
        if let jobs = compute.jobsAtOnce { lines.append("jobs_at_once = \(jobs)") }
        lines.append("memory = \(compute.memoryBytes)")
        if let vaultBalance { lines += ["", "[vault]", "balance = \(vaultBalance)"] }
        for validator in validators {
            lines += [
                "", "[[validators]]", "name = \(Self.quoted(validator.name))",
                "stake = \(validator.stake)",
            ]
        }
        for submitter in submitters {
            lines += [
                "", "[[submitters]]", "name = \(Self.quoted(submitter.name))",
                "quota = \(submitter.quota)",
            ]
        }
        for circuit in circuits {
            lines += [
                "", "[[circuits]]", "name = \(Self.quoted(circuit.name))",
                "verifying_key = \(Self.quoted(circuit.verifyingKey))",
                "public_inputs = \(list(circuit.publicInputs.map(\.configurationName)))",
                "roots = \(list(circuit.roots))",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A basic string of TOML 1.0.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
