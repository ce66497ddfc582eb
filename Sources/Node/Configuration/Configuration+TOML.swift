// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Foundation
internal import Ledger
internal import Network

extension Configuration {
    /// Reads a configuration file.
    package static func load(path: String) throws(NodeError) -> Configuration {
        let bytes = try Files.read(path, max: NodeLimits.configurationBytesMax)
        do throws(ConfigurationError) {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
            let folder = (Files.absolute(path) as NSString).deletingLastPathComponent
            return try Configuration(toml: text, folder: folder)
        } catch {
            throw .configuration(path: path, error)
        }
    }

    /// Reads a configuration; relative paths in it start at `folder`.
    ///
    /// Checks, in order: text, TOML, names of sections and keys, then each section in the order of
    /// `keys`, then what the sections say of each other.
    package init(toml text: String, folder: String) throws(ConfigurationError) {
        guard text.utf8.count <= NodeLimits.configurationBytesMax else {
            throw .tooLong(max: NodeLimits.configurationBytesMax)
        }
        guard !text.utf8.contains(0) else { throw .notText }
        let root = try Self.parse(text)
        let sections = Self.sections
        for key in root.keys.sorted() where !sections.contains(key) {
            throw .unknownKey(key, suggestion: Spelling.suggestion(for: key, among: sections))
        }
        self = .standard
        if let reader = try Self.section("node", root) { try readNode(reader) }
        if let reader = try Self.section("ledger", root) { try readLedger(reader) }
        var count = 10
        if let reader = try Self.section("consensus", root) { count = try readConsensus(reader) }
        if let reader = try Self.section("leader_selection", root) { try readLeader(reader) }
        if let reader = try Self.section("network", root) { try readNetwork(reader) }
        if let reader = try Self.section("api", root) { try readAPI(reader) }
        if let reader = try Self.section("snapshots", root) { try readSnapshots(reader) }
        if let reader = try Self.section("checkpoints", root) { try readCheckpoints(reader) }
        if let reader = try Self.section("compute", root) { try readCompute(reader) }
        if let reader = try Self.section("vault", root) {
            vaultBalance = try reader.integer("balance", 0...UInt64(Int64.max))
        }
        circuits = try Self.sections("circuits", root).map {
            reader throws(ConfigurationError) in try Self.circuit(reader, folder: folder)
        }
        let listed = try Self.sections("validators", root).map(Self.validator)
        let submitters = try Self.sections("submitters", root).map(Self.submitter)
        if root["submitters"] != nil { self.submitters = submitters }
        if root["validators"] != nil {
            guard listed.count == count else {
                throw .validatorCount(stated: count, listed: listed.count)
            }
            validators = listed
        } else {
            validators = Self.standardValidators(count)
        }
        try check()
    }

    private static let sections = [
        "node", "ledger", "consensus", "leader_selection", "network", "api", "snapshots",
        "checkpoints", "compute", "vault", "circuits", "validators", "submitters",
    ]

    private static func parse(_ text: String) throws(ConfigurationError) -> Table {
        do throws(TOMLProblem) { return try TOMLReader.read(Array(text.utf8)) } catch {
            throw .notTOML(error.words, line: error.place.line, column: error.place.column)
        }
    }

    /// A table of TOML: values by their names.
    typealias Table = [String: TOMLValue]

    private static func section(
        _ name: String, _ root: Table
    ) throws(ConfigurationError) -> ConfigurationReader? {
        guard let value = root[name] else { return nil }
        guard case .table(let table) = value else {
            throw .wrongType(
                name, expected: "a section, [\(name)]",
                found: value.word)
        }
        return try ConfigurationReader(table, section: name)
    }

    private static func sections(
        _ name: String, _ root: Table
    ) throws(ConfigurationError) -> [ConfigurationReader] {
        guard let value = root[name] else { return [] }
        guard case .array(let array) = value else {
            throw .wrongType(
                name, expected: "a list of sections, [[\(name)]]",
                found: value.word)
        }
        var readers: [ConfigurationReader] = []
        for element in array {
            guard case .table(let table) = element else {
                throw .wrongType(
                    "\(name)[\(readers.count)]", expected: "a section, [[\(name)]]",
                    found: element.word)
            }
            readers.append(try ConfigurationReader(table, section: name))
        }
        return readers
    }

    // MARK: Sections

    private mutating func readLedger(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let name = try reader.text("name") {
            guard (1...Limits.nameBytesMax).contains(name.utf8.count) else {
                throw .wrongValue(
                    "ledger.name", value: "\"\(name.prefix(80))\"",
                    wanted: "1 to \(Limits.nameBytesMax) bytes are wanted")
            }
            self.name = name
        }
    }

    private mutating func readNode(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let name = try reader.text("validator") {
            validator = try Self.fileName(name, "node.validator")
        }
        logLevel = try reader.word("log_level", Self.logLevels)
        guard let name = try reader.text("observer") else { return }
        guard validator == nil else {
            throw .wrongValue(
                "node.observer", value: "\"\(name)\"", wanted: "nothing beside node.validator")
        }
        observer = try Self.fileName(name, "node.observer")
    }

    /// Returns `total_validators`.
    private mutating func readConsensus(
        _ reader: ConfigurationReader
    ) throws(ConfigurationError) -> Int {
        if let threshold = try reader.integer("threshold", 0...UInt64(UInt32.max)) {
            parameters.threshold = UInt32(threshold)
        }
        let count = try reader.integer("total_validators", 1...UInt64(Limits.membersMax)) ?? 10
        let day = Limits.timeoutMillisecondsMax / 1000
        if let value = try reader.seconds("verification_timeout", max: day) {
            parameters.verificationMilliseconds = value
        }
        if let (low, high) = try reader.pair("reputation_bounds") {
            let start = Limits.reputationAtJoining.rawValue / 1000
            guard low <= start, high >= start, high <= Limits.reputationMax.rawValue / 1000 else {
                throw .reputationBounds(low: low, high: high)
            }
            parameters.reputationMin = Reputation(low * 1000)
            parameters.reputationMax = Reputation(high * 1000)
        }
        if let value = try reader.seconds("job_timeout", max: day) {
            parameters.jobMilliseconds = value
        }
        if let value = try reader.seconds("settlement_timeout", max: day) {
            parameters.settlementMilliseconds = value
        }
        let bound = UInt64(Limits.unclosedMax)
        if let value = try reader.integer("unclosed_max", 1...bound) {
            parameters.unclosedMax = UInt32(value)
        }
        if let value = try reader.integer("refusals_per_minute", 1...bound) {
            parameters.refusalsPerMinute = UInt32(value)
        }
        try readJobBounds(reader)
        return Int(count)
    }

    private mutating func readJobBounds(
        _ reader: ConfigurationReader
    ) throws(ConfigurationError) {
        if let value = try reader.seconds(
            "job_timeout_min", max: Limits.timeoutMillisecondsMax / 1000)
        {
            parameters.jobMillisecondsMin = value
        }
        if let value = try reader.integer("job_fuel_max", 1...UInt64(Int64.max)) {
            parameters.jobFuelMax = value
        }
        if let value = try reader.integer("job_memory_max", 1...Limits.jobMemoryBytesMax) {
            parameters.jobMemoryBytesMax = value
        }
        if let value = try reader.integer("job_input_max", 0...Limits.jobInputBytesMax) {
            parameters.jobInputBytesMax = value
        }
        if let value = try reader.integer("job_module_max", 1...Limits.jobModuleBytesMax) {
            parameters.jobModuleBytesMax = value
        }
    }

    private mutating func readLeader(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let value = try reader.millionths("stake_weight", max: 1_000_000) {
            parameters.stakeWeight = UInt32(value)
        }
        if let value = try reader.millionths("reputation_weight", max: 1_000_000) {
            parameters.reputationWeight = UInt32(value)
        }
        if let word = try reader.word("normalisation", ["share", "raw"]) {
            parameters.normalisation = word == "raw" ? .raw : .share
        }
    }

    private mutating func readNetwork(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let value = try reader.seconds("gossipsub_heartbeat", max: 3600) {
            network.gossipsubHeartbeatMilliseconds = value
        }
        if let word = try reader.word("peer_discovery", ["mdns", "static", "off"]) {
            network.peerDiscovery = word
        }
        if let value = try reader.integer("max_connections", 1...10_000) {
            network.connectionsMax = UInt32(value)
        }
        network.listen = try addresses("listen", reader, named: false)
        network.peers = try addresses("peers", reader, named: true)
    }

    /// Multiaddrs over TCP; those of peers end with the peer's name.
    private func addresses(
        _ key: String, _ reader: ConfigurationReader, named: Bool
    ) throws(ConfigurationError) -> [String] {
        let texts = try reader.texts(key) ?? []
        let wanted =
            named
            ? "an address such as /ip4/192.0.2.1/tcp/4100/p2p/12D3KooW..."
            : "an address such as /ip4/0.0.0.0/tcp/4100"
        for text in texts {
            let address: Multiaddr?
            do throws(MultiaddrError) { address = try Multiaddr(text: text) } catch {
                address = nil
            }
            guard let address, address.tcp != nil, (address.peer != nil) == named else {
                throw .wrongValue("network.\(key)", value: "\"\(text)\"", wanted: wanted)
            }
        }
        return texts
    }

    private mutating func readAPI(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let text = try reader.text("listen") {
            guard HostPort(text) != nil else {
                throw .wrongValue(
                    "api.listen", value: "\"\(text.prefix(80))\"",
                    wanted: "an address and a port are wanted, such as 127.0.0.1:5100")
            }
            api.listen = text
        }
        if let value = try reader.integer("requests_per_second", 0...1_000_000) {
            api.requestsPerSecond = UInt32(value)
        }
        let nodes = try reader.texts("nodes") ?? []
        guard nodes.count <= Configuration.API.nodesMax else {
            throw .wrongValue(
                "api.nodes", value: "\(nodes.count) of them",
                wanted: "at most \(Configuration.API.nodesMax) are wanted")
        }
        for node in nodes where !WebOrigin.isOne(node) {
            throw .wrongValue(
                "api.nodes", value: "\"\(node.prefix(80))\"",
                wanted: "origins are wanted, such as http://192.0.2.1:5100")
        }
        api.nodes = nodes
    }

    private mutating func readSnapshots(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let value = try reader.integer("entries", 1...UInt64(Int64.max)) {
            keeping.snapshotEntries = value
        }
        if let value = try reader.integer("kept", 1...1000) { keeping.snapshotsKept = value }
    }

    private mutating func readCheckpoints(
        _ reader: ConfigurationReader
    ) throws(ConfigurationError) {
        if let value = try reader.integer("seconds", 0...86_400) {
            keeping.checkpointSeconds = value
        }
        if let value = try reader.integer("kept", 1...10_000) { keeping.checkpointsKept = value }
    }

    private mutating func readCompute(_ reader: ConfigurationReader) throws(ConfigurationError) {
        if let value = try reader.integer("jobs_at_once", 1...256) {
            compute.jobsAtOnce = UInt32(value)
        }
        if let value = try reader.integer("memory", 65_536...(1 << 40)) {
            compute.memoryBytes = value
        }
    }

    private static func circuit(
        _ reader: ConfigurationReader, folder: String
    ) throws(ConfigurationError) -> CircuitEntry {
        let name = try reader.requiredText("name")
        guard PartyName.isValid(name) else {
            throw .wrongValue(
                "circuits.name", value: "\"\(name.prefix(80))\"",
                wanted: "1 to \(Limits.partyNameBytesMax) of a-z, 0-9, '-' and '.' are wanted")
        }
        let path = try reader.requiredText("verifying_key")
        guard let words = try reader.texts("public_inputs") else {
            throw .missing("circuits.public_inputs")
        }
        var bindings: [InputBinding] = []
        for word in words { bindings.append(try binding(word)) }
        let roots = try reader.texts("roots") ?? []
        for root in roots where FieldText.bytes(decimal: root) == nil {
            throw .wrongValue(
                "circuits.roots", value: "\"\(root.prefix(100))\"",
                wanted: "a decimal number below the group order is wanted")
        }
        return CircuitEntry(
            name: name, verifyingKey: path.hasPrefix("/") ? path : "\(folder)/\(path)",
            publicInputs: bindings, roots: roots)
    }

    private static func binding(_ word: String) throws(ConfigurationError) -> InputBinding {
        let simple: [InputBinding] = [
            .root, .nullifier, .amount, .negatedAmount, .recipient, .externalDataHash, .free,
        ]
        if let found = simple.first(where: { $0.configurationName == word }) { return found }
        if word.hasPrefix("constant:"),
            let value = FieldText.bytes(decimal: word.dropFirst("constant:".count))
        {
            return .constant(value)
        }
        let known = simple.map(\.configurationName) + ["constant:<decimal>"]
        throw .wrongValue(
            "circuits.public_inputs", value: "\"\(word.prefix(100))\"",
            wanted: "one of \(known.joined(separator: ", ")) is wanted"
                + Spelling.suggestion(for: word, among: known))
    }

    private static func validator(
        _ reader: ConfigurationReader
    ) throws(ConfigurationError) -> ValidatorEntry {
        let name = try fileName(reader.requiredText("name"), "validators.name")
        guard let stake = try reader.integer("stake", 0...UInt64(Int64.max)) else {
            throw .missing("validators.stake")
        }
        return ValidatorEntry(name: name, stake: stake)
    }

    private static func submitter(
        _ reader: ConfigurationReader
    ) throws(ConfigurationError) -> SubmitterEntry {
        let name = try fileName(reader.requiredText("name"), "submitters.name")
        let quota = try reader.integer("quota", 1...UInt64(Limits.unclosedMax))
        return SubmitterEntry(name: name, quota: quota.map { UInt32($0) } ?? standardQuota)
    }

    /// A name that is safe as the name of a file.
    static func fileName(
        _ name: String, _ key: String
    ) throws(ConfigurationError) -> String {
        guard PartyName.isValid(name), !name.hasPrefix("."), name != "unlock", name != "bridge"
        else {
            throw .wrongValue(
                key, value: "\"\(name.prefix(80))\"",
                wanted: "1 to \(Limits.partyNameBytesMax) of a-z, 0-9, '-' and '.' are wanted,"
                    + " no '.' first, and neither unlock nor bridge")
        }
        return name
    }

    // MARK: What the sections say of each other

    private func check() throws(ConfigurationError) {
        let threshold = parameters.threshold
        guard Parameters.isSafe(threshold: threshold, of: validators.count) else {
            throw .unsafeThreshold(
                threshold: UInt64(threshold), validators: validators.count,
                smallestSafe: Self.smallestSafeThreshold(of: validators.count))
        }
        guard parameters.stakeWeight + parameters.reputationWeight == 1_000_000 else {
            throw .weights(
                stake: parameters.stakeWeight, reputation: parameters.reputationWeight)
        }
        try Self.checkNames(circuits.map(\.name), "circuits.name")
        try Self.checkNames(validators.map(\.name), "validators.name")
        // Both have a key file of their name.
        try Self.checkNames(
            validators.map(\.name) + submitters.map(\.name), "submitters.name")
        var total: UInt64 = 0
        for validator in validators {
            let (sum, overflow) = total.addingReportingOverflow(validator.stake)
            guard !overflow else { throw .stakeTotal }
            total = sum
        }
        guard total > 0 else { throw .stakeTotal }
    }

    private static func checkNames(_ names: [String], _ key: String) throws(ConfigurationError) {
        var seen: Set<[UInt8]> = []
        for name in names where !seen.insert(Array(name.lowercased().utf8)).inserted {
            throw .duplicateName(key, name: name)
        }
    }
}
