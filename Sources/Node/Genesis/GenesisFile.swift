// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// The first entry of a ledger, and what each party needs to lay out its home.
///
/// Borsh of `recount/genesis/v1`, the first entry, the configuration as TOML, the verifying keys
/// as JSON in the order of the circuits, the public files (validators, submitters, the bridge, each
/// in the order of the first entry), and the SHA-256 of everything before.
package struct GenesisFile: BorshCodable, Hashable, Sendable {
    /// The first entry.
    package let opened: LedgerOpened
    /// The configuration, nobody's yet.
    package let configuration: String
    /// The verifying keys as snarkjs writes them.
    package let circuits: [[UInt8]]
    /// Everybody whom the first entry names.
    package let parties: [PublicParty]

    /// Bytes of the longest file.
    package static let bytesMax = 64 << 20
    private static let domain = "recount/genesis/v1"

    /// Takes the fields in order; see `check`.
    package init(
        opened: LedgerOpened, configuration: String, circuits: [[UInt8]], parties: [PublicParty]
    ) {
        self.opened = opened
        self.configuration = configuration
        self.circuits = circuits
        self.parties = parties
    }

    /// The identity of the ledger.
    package var ledger: LedgerID {
        LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded))
    }

    private var summedBytes: [UInt8] {
        var writer = BorshWriter(domain: Self.domain)
        writer.write(opened)
        writer.write(configuration)
        writer.write(UInt32(circuits.count))
        for key in circuits { writer.write(key) }
        writer.write(parties)
        return writer.bytes
    }

    package func encode(to writer: inout BorshWriter) {
        let bytes = summedBytes
        writer.writeFixed(bytes)
        writer.write(Digest(hashing: bytes))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        guard try reader.text(of: "GenesisFile", bound: 32) == Self.domain else {
            throw .notCanonical(type: "GenesisFile", offset: start)
        }
        opened = try LedgerOpened(from: &reader)
        configuration = try reader.text(
            of: "GenesisFile.configuration", bound: NodeLimits.configurationBytesMax)
        let count = try reader.count(of: "GenesisFile.circuits", bound: Limits.circuitsMax)
        var keys: [[UInt8]] = []
        for _ in 0..<count {
            keys.append(
                try reader.blob(
                    of: "GenesisFile.circuits", bound: NodeLimits.verifyingKeyJSONBytesMax))
        }
        circuits = keys
        parties = try reader.list(bound: Limits.membersMax + Limits.submittersMax + 1)
        let place = reader.offset
        let sum = try reader.digest()
        guard sum == Digest(hashing: summedBytes) else {
            throw .notCanonical(type: "GenesisFile.sum", offset: place)
        }
    }

    /// Reads and checks a file.
    package static func load(path: String) throws(NodeError) -> GenesisFile {
        try read(try Files.read(path, max: bytesMax), path: path)
    }

    /// Reads and checks the bytes of the file at `path`.
    package static func read(_ bytes: [UInt8], path: String) throws(NodeError) -> GenesisFile {
        let file: GenesisFile
        do throws(DecodingError) { file = try GenesisFile(decoding: bytes) } catch {
            throw .cannot("\(path) is no genesis file, or is damaged: \(error); fetch it again")
        }
        _ = try file.check()
        return file
    }

    /// What a file of this path is to hold, which all parties can read.
    package func bytes(for path: String) throws(NodeError) -> [UInt8] {
        guard encoded.count <= Self.bytesMax else {
            throw .fileTooLong(path: path, max: Self.bytesMax)
        }
        return encoded
    }

    /// Writes it where nothing is; it is there whole or not at all.
    package func save(path: String) throws(NodeError) {
        let path = Files.absolute(path)
        try Files.writeWhole(bytes(for: path), to: path)
    }

    // MARK: Checking

    /// Checks that the parts say the same, and gives the circuits.
    ///
    /// In order: that the first entry opens a ledger, that the parties are those that it names,
    /// each file, that no key has two roles, and that configuration and circuits are its own.
    func check() throws(NodeError) -> CircuitFiles {
        do throws(Refusal) { _ = try BatchRun(opening: opened) } catch {
            throw .genesisRefused(error)
        }
        let named =
            opened.validators.map { (PublicParty.Role.validator, $0.name, $0.key) }
            + opened.submitters.map { (.submitter, $0.name, $0.key) }
            + [(.bridge, PublicParty.bridgeName, opened.bridge)]
        guard named.count == parties.count,
            zip(named, parties).allSatisfy({ $0 == ($1.role, $1.name, $1.key) })
        else {
            throw .cannot("the genesis file has public files of others than its first entry names")
        }
        for party in parties {
            if let fault = party.fault {
                throw .cannot("the public file of \(party.name) in the genesis file \(fault)")
            }
        }
        try Self.checkKeys(parties.map { ($0.name, $0) })
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(toml: self.configuration, folder: "/")
        } catch { throw .configuration(path: "the genesis file", error) }
        guard configuration.validators.map(\.name) == opened.validators.map(\.name),
            configuration.submitters.map(\.name) == opened.submitters.map(\.name)
        else { throw .configurationChanged(what: "a name of a party") }
        try FirstEntry.check(configuration, opened)
        guard circuits.count == configuration.circuits.count else {
            throw .configurationChanged(what: "[[circuits]]")
        }
        // By their bytes: no path that stands in the file is ever opened.
        let files = try CircuitFiles(configuration, keys: circuits)
        guard files.genesis == opened.circuits else {
            throw .configurationChanged(what: "[[circuits]]")
        }
        return files
    }

    /// Throws where a key, of the ledger or of a node, stands in two places.
    static func checkKeys(_ parties: [(label: String, party: PublicParty)]) throws(NodeError) {
        var holders: [PublicKey: String] = [:]
        for (label, party) in parties {
            let keys =
                [(party.key, "the key")]
                + (party.transport.map { [($0, "the transport key")] } ?? [])
            for (key, what) in keys {
                let holder = "\(what) of \(label)"
                if let other = holders.updateValue(holder, forKey: key) {
                    throw .cannot(
                        "\(holder) is \(other) too (\(key.hex)), and each needs one of its own;"
                            + " make new ones with `recount keygen`")
                }
            }
        }
    }
}
