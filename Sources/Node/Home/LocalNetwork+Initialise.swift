// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Hosting
package import Ledger

extension LocalNetwork {
    /// Makes a local network: the homes of the configured validators, of the bridge and of the
    /// submitters, each with its own new key, and the same batch 0 in each validator's ledger.
    ///
    /// Everything is made under a temporary name beside `path` and renamed at the end, so that the
    /// folder is there whole or not at all. An existing folder is refused unless it is empty. A key
    /// file that is named and absent is made, with sixty-four random hexadecimal digits.
    /// - Parameter file: Where the configuration stands, as errors say.
    package static func initialise(
        configuration: Configuration, of file: String = "the configuration", at path: String,
        protection: HomeProtection, startTime: Time,
        portsFrom: UInt16 = LocalPeers.standardPort
    ) throws(NodeError) -> LocalNetwork {
        let path = Files.absolute(path)
        if case .passphrase(let text) = protection, text.count == 0 { throw .emptyPassphrase }
        let circuits = try check(configuration, file)
        try makeWhole(path) { (folder) throws(NodeError) in
            try build(configuration, circuits, in: folder, protection, startTime, portsFrom)
        }
        return try open(at: path, protection: protection)
    }

    /// Throws what `initialise` would throw of a configuration, and makes nothing.
    ///
    /// Checks, in order: names that are taken, the verifying keys and what their public inputs are
    /// bound to, the addresses of the validators, and that a ledger can begin like this.
    /// - Parameter file: Where the configuration stands, as errors say.
    package static func check(
        _ configuration: Configuration, of file: String
    ) throws(NodeError) { _ = try check(configuration, file) }

    private static func check(
        _ configuration: Configuration, _ file: String
    ) throws(NodeError) -> CircuitFiles {
        try checkReserved(configuration, file)
        let circuits = try CircuitFiles(configuration, of: file)
        if let text = configuration.api.listen {
            _ = try apiAddress(text, configuration.validators.count - 1)
        }
        // The keys are nobody's: what a ledger may begin with does not depend on them.
        func keys(_ count: Int) -> [PublicKey] { (0..<count).map { _ in SigningKey().publicKey } }
        let opened = firstEntry(
            configuration, circuits.genesis, validators: keys(configuration.validators.count),
            submitters: keys(configuration.submitters.count), bridge: keys(1)[0], Time(1))
        do throws(Refusal) { _ = try BatchRun(opening: opened) } catch {
            throw .genesisRefused(error)
        }
        return circuits
    }

    /// Makes a folder under a temporary name beside `path`, renamed once `body` has filled it.
    /// An existing folder is refused, before anything else, unless it is empty.
    static func makeWhole(
        _ path: String, _ body: (String) throws(NodeError) -> Void
    ) throws(NodeError) {
        guard try isFree(path) else { throw .homeExists(path: path) }
        let temporary = "\(path).new-\(randomBytes(6).hex)"
        do throws(NodeError) {
            try Files.makeFolder(temporary, isSecret: true)
            try body(temporary)
            try Files.syncFolder(temporary)
            if Files.exists(path) { Files.discard(path) }
            try Files.onDisk { () throws(DiskError) in
                try POSIXDisk().rename(temporary, to: path)
                try POSIXDisk().syncDirectory((path as NSString).deletingLastPathComponent)
            }
        } catch {
            Files.discard(temporary)
            throw error
        }
    }

    private static func isFree(_ path: String) throws(NodeError) -> Bool {
        guard Files.exists(path) else { return true }
        do throws(DiskError) {
            return try POSIXDisk().list(path).isEmpty
        } catch .failed {
            // A file, or a folder of somebody else.
            return false
        } catch {
            throw .disk(error)
        }
    }

    private static func checkReserved(
        _ configuration: Configuration, _ file: String
    ) throws(NodeError) {
        let named =
            configuration.validators.map { ("validators.name", $0.name) }
            + configuration.submitters.map { ("submitters.name", $0.name) }
        for (key, name) in named where PublicParty.reservedNames.contains(name) {
            throw .configuration(
                path: file,
                .wrongValue(
                    key, value: "\"\(name)\"",
                    wanted: "a folder or key of that name stands beside those of the parties"))
        }
    }

    private static func build(
        _ configuration: Configuration, _ circuits: CircuitFiles, in folder: String,
        _ protection: HomeProtection, _ startTime: Time, _ portsFrom: UInt16
    ) throws(NodeError) {
        var keys: [SigningKey] = []
        var peers = LocalPeers(portsFrom: portsFrom)
        for entry in configuration.validators {
            let home = "\(folder)/\(entry.name)"
            try makeHome(home, circuits)
            let made = try KeyFolder(home: home).create(
                [entry.name, KeyFolder.transportName], protection)
            keys.append(made[0])
            peers.add(home, made[1].publicKey)
        }
        var submitters: [SigningKey] = []
        try Files.makeFolder(submittersFolder(folder), isSecret: true)
        for entry in configuration.submitters {
            let home = submitterFolder(folder, entry.name)
            try Files.makeFolder(home, isSecret: true)
            submitters += try KeyFolder(home: home).create([entry.name], protection)
            try Files.syncFolder(home)
        }
        try Files.syncFolder(submittersFolder(folder))
        let bridge = bridgeFolder(folder)
        try makeHome(bridge, circuits)
        let bridgeKeys = try KeyFolder(home: bridge).create(
            [PublicParty.bridgeName, KeyFolder.transportName], protection)
        let bridgeKey = bridgeKeys[0]
        peers.add(bridge, bridgeKeys[1].publicKey)
        for (place, entry) in configuration.validators.enumerated() {
            let home = "\(folder)/\(entry.name)"
            try writeConfiguration(
                circuits, validator: entry.name, network: peers.network(of: home),
                api: try api(configuration, place), to: home)
        }
        try writeConfiguration(
            circuits, validator: nil, network: peers.network(of: bridge), to: bridge)
        let opened = firstEntry(
            configuration, circuits.genesis, validators: keys.map(\.publicKey),
            submitters: submitters.map(\.publicKey), bridge: bridgeKey.publicKey, startTime)
        for entry in configuration.validators {
            try finishHome("\(folder)/\(entry.name)", opened)
        }
        let ledger = LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded))
        try Vault.create(
            path: BridgeHome.vaultFile(bridge), opened: opened, ledger: ledger,
            balance: configuration.vaultBalance, key: bridgeKey
        ).close()
        try Files.syncFolder(bridge)
    }

    /// The folder of a validator, or of the bridge, with its circuits.
    static func makeHome(_ home: String, _ circuits: CircuitFiles) throws(NodeError) {
        try Files.makeFolder(home, isSecret: true)
        try circuits.write(to: home)
    }

    /// How the validator of a place answers over HTTP, and who is beside it; nil where nobody does.
    private static func api(
        _ configuration: Configuration, _ place: Int
    ) throws(NodeError) -> (listen: String, nodes: [String])? {
        guard let text = configuration.api.listen else { return nil }
        var nodes: [String] = []
        for other in configuration.validators.indices where other != place {
            guard nodes.count < Configuration.API.nodesMax else { break }
            let origin = "http://\(try apiAddress(text, other))"
            if WebOrigin.isOne(origin) { nodes.append(origin) }
        }
        return (try apiAddress(text, place), nodes)
    }

    /// Where a validator answers over HTTP: the first at the address that the configuration
    /// names, the others on the ports that follow.
    private static func apiAddress(_ text: String, _ place: Int) throws(NodeError) -> String {
        guard let first = HostPort(text), first.port > 0,
            let port = UInt16(exactly: Int(first.port) + place)
        else {
            throw .cannot(
                "api.listen \(text) leaves no port for each validator; name the first of as many"
                    + " as there are validators")
        }
        return HostPort(host: first.host, port: port).description
    }

    /// Writes the configuration of a home.
    static func writeConfiguration(
        _ circuits: CircuitFiles, validator: String?, observer: String? = nil,
        network: (listen: [String], peers: [String]),
        api: (listen: String, nodes: [String])? = nil, to home: String
    ) throws(NodeError) {
        var copy = circuits.configuration
        copy.api.listen = api?.listen
        copy.api.nodes = api?.nodes ?? []
        copy.validator = validator
        copy.observer = observer
        copy.network.listen = network.listen
        copy.network.peers = network.peers
        try Files.write(Array(copy.toml.utf8), to: NodeHome.configurationFile(home))
    }

    /// The ledger of batch 0 alone, an empty journal and an empty spool, in a validator's home.
    static func finishHome(_ home: String, _ opened: LedgerOpened) throws(NodeError) {
        do throws(HostError) {
            try ReplicaHost.create(directory: home, disk: POSIXDisk(), opened: opened)
        } catch { throw .host(path: home, error) }
        try Files.makeFolder(NodeHome.spoolFolder(home), isSecret: true)
        try Files.syncFolder(home)
    }

    /// The first entry; keys in the order of the configuration.
    static func firstEntry(
        _ configuration: Configuration, _ circuits: [GenesisCircuit], validators: [PublicKey],
        submitters: [PublicKey], bridge: PublicKey, _ startTime: Time
    ) -> LedgerOpened {
        LedgerOpened(
            name: configuration.name, parameters: configuration.parameters,
            validators: zip(configuration.validators, validators).map { entry, key in
                GenesisValidator(key: key, name: entry.name, stake: Stake(entry.stake))
            },
            submitters: zip(configuration.submitters, submitters).map { entry, key in
                GenesisSubmitter(key: key, name: entry.name, quota: entry.quota)
            },
            bridge: bridge, circuits: circuits, time: startTime)
    }
}
