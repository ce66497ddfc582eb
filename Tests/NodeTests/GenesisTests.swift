// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Network
import Node
import TestSupport
import Testing

/// Four validators, a submitter and the bridge, each with a home of its own.
struct ApartParties {
    let folder: TemporaryFolder
    let configuration: Configuration
    let files: [String]

    init() throws {
        folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.validators = Array(configuration.validators.prefix(4))
        configuration.parameters.threshold = 3
        self.configuration = configuration
        var files: [String] = []
        for entry in configuration.validators {
            files.append(try Self.make(folder, .validator, entry.name))
        }
        for entry in configuration.submitters {
            files.append(try Self.make(folder, .submitter, entry.name))
        }
        files.append(try Self.make(folder, .bridge, "bridge"))
        self.files = files
    }

    /// Makes the home of a party and gives the path of its public file.
    @discardableResult
    static func make(
        _ folder: TemporaryFolder, _ role: PublicParty.Role, _ name: String,
        at place: String? = nil
    ) throws -> String {
        let home = folder.file(place ?? name)
        let address = Multiaddr.tcp(.ip4(0x7F00_0001), TestPorts.reserve(1))
        _ = try PartyHome.make(
            role, named: name, at: home, listen: role == .submitter ? [] : [address],
            addresses: [], protection: .keyFile(path: nil))
        return "\(home)/\(name).public"
    }

    func collect(_ files: [String]? = nil, _ other: Configuration? = nil) throws -> GenesisFile {
        try GenesisFile.collect(
            other ?? configuration, publicFiles: files ?? self.files,
            startTime: try SystemClock().checked())
    }

    /// What is said where files cannot be collected.
    func refusal(_ files: [String]? = nil, _ other: Configuration? = nil) -> String {
        do {
            _ = try collect(files, other)
            return "nothing"
        } catch { return "\(error)" }
    }

    func accept(_ file: GenesisFile, _ name: String) throws {
        _ = try PartyHome.accept(file, at: folder.file(name), protection: .keyFile(path: nil))
    }

    func party(_ place: Int) throws -> PublicParty { try PublicParty.load(path: files[place]) }

    /// Writes a public file, whatever it says.
    func write(_ party: PublicParty, _ name: String) throws -> String {
        let path = folder.file(name)
        try Data(party.encoded).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// From keys that are made apart to one ledger.
@Suite("Homes made apart", .serialized)
struct GenesisTests {
    /// The same with something changed, signed by nobody anew.
    private static func changed(
        _ party: PublicParty, name: String? = nil, key: PublicKey? = nil,
        transport: PublicKey? = nil, role: PublicParty.Role? = nil
    ) -> PublicParty {
        PublicParty(
            role: role ?? party.role, name: name ?? party.name, key: key ?? party.key,
            transport: transport ?? party.transport, listen: party.listen,
            addresses: party.addresses, signature: party.signature)
    }

    @Test("four homes made apart hold one first entry, and their nodes reach each other")
    func together() async throws {
        let parties = try ApartParties()
        let made = try parties.collect(parties.files.reversed())
        let path = parties.folder.file("genesis.recount")
        try made.save(path: path)
        #expect(throws: NodeError.self) { try made.save(path: path) }
        let file = try GenesisFile.load(path: path)
        #expect(file == made)
        let names = parties.configuration.validators.map(\.name)
        let submitter = try #require(parties.configuration.submitters.first).name
        for name in names + [submitter, "bridge"] { try parties.accept(file, name) }
        let homes = try names.map { name in
            try NodeHome.open(at: parties.folder.file(name), protection: .keyFile(path: nil))
        }
        #expect(Set(homes.map(\.ledger)) == [file.ledger])
        #expect(Set(try homes.map { try Networks.entries($0).map(\.encoded) }).count == 1)
        #expect(homes.allSatisfy { $0.configuration.network.peers.count == 4 })
        let bridge = try BridgeHome.open(
            at: parties.folder.file("bridge"), protection: .keyFile(path: nil))
        #expect(bridge.ledger == file.ledger)
        try bridge.openVault().close()
        for name in names {
            #expect(throws: NodeError.self, "twice") { try parties.accept(file, name) }
        }
        var nodes: [NodeProcess] = []
        for home in homes {
            var options = NodeProcess.Options()
            options.node.followsProjections = false
            nodes.append(
                try await NodeProcess(
                    home, transportKey: try home.openTransportKey(.keyFile(path: nil)),
                    options: options, tell: { _ in }))
        }
        let request = try Self.request(homes[0], parties.folder.file(submitter))
        nodes[0].node?.submit(request)
        let end = ContinuousClock.now + .seconds(60)
        while !nodes.allSatisfy({ ($0.facts?.height ?? Height(0)) > Height(0) }) {
            try #require(ContinuousClock.now < end, "they do not agree on a batch")
            try await Task.sleep(for: .milliseconds(20))
        }
        for node in nodes { #expect(await node.stop() == nil) }
        let ledgers = try homes.map { try Networks.entries($0).map(\.encoded) }
        let shortest = ledgers.map(\.count).min() ?? 0
        #expect(shortest > 2 && Set(ledgers.map { $0.prefix(shortest) }).count == 1)
    }

    private static func request(_ home: NodeHome, _ submitter: String) throws -> Message {
        let signer = try SubmitterHome.open(at: submitter, protection: .keyFile(path: nil))
        let state = try NodeClient(home: home.path).state().state
        let reader = RequestReader(
            ledger: home.ledger, circuits: state.circuits.map(\.circuit), signers: [signer.named])
        return .request(try reader.read(line: Array(try Samples.lines()[0].utf8)).message)
    }

    @Test("what is not safe is refused with a sentence")
    func refusals() throws {
        let parties = try ApartParties()
        let files = parties.files
        let first = try parties.party(0)
        #expect(parties.refusal() == "nothing")
        for place in files.indices {
            var fewer = files
            fewer.remove(at: place)
            #expect(parties.refusal(fewer).contains("is missing"), "\(place)")
        }
        #expect(parties.refusal(files.dropLast()).contains("the bridge is missing"))
        let stranger = try ApartParties.make(parties.folder, .validator, "stranger")
        #expect(parties.refusal(files + [stranger]).contains("does not list"))
        // A listed name in another role is nobody who is listed.
        try FileManager.default.createDirectory(
            atPath: parties.folder.file("other"), withIntermediateDirectories: false)
        let other = try ApartParties.make(
            parties.folder, .submitter, first.name, at: "other/\(first.name)")
        #expect(parties.refusal(files.dropFirst() + [other]).contains("does not list"))
        #expect(parties.refusal(files + [other]).contains("both of \(first.name)"))
        #expect(parties.refusal(files + [files[1]]).contains("both of"))
        let second = try parties.party(1)
        for (party, words) in [
            (Self.changed(first, name: "validator-9"), "not signed"),
            (Self.changed(first, key: SigningKey().publicKey), "not signed"),
            (Self.changed(first, transport: second.transport), "not signed"),
            (Self.changed(first, key: PublicKey(.zero)), "no valid point"),
            (Self.changed(first, transport: PublicKey(.zero)), "no valid point"),
            (Self.changed(first, role: .submitter), "runs no node"),
            (Self.changed(first, role: .bridge), "no bridge may have"),
            (Self.changed(first, name: "transport"), "no validator may have"),
        ] {
            let path = try parties.write(party, "changed.public")
            #expect(parties.refusal([path] + files.dropFirst()).contains(words), "\(words)")
        }
        var unsafe = parties.configuration
        unsafe.parameters.threshold = 2
        #expect(parties.refusal(files, unsafe).contains("makes no ledger"))
    }

    @Test("one key in two places is refused")
    func sharedKeys() throws {
        let parties = try ApartParties()
        let bridge = try parties.party(parties.files.count - 1)
        let key = SigningKey()
        for transport in [try parties.party(1).transport, bridge.key, key.publicKey] {
            let party = PublicParty(
                role: .validator, name: try parties.party(0).name, key: key,
                transport: transport, listen: bridge.listen, addresses: bridge.addresses)
            let path = try parties.write(party, "shared.public")
            let words = parties.refusal([path] + parties.files.dropFirst())
            #expect(words.contains("each needs one of its own"), "\(words)")
        }
    }

    @Test("a home takes only a genesis file that has it as it is, and nothing half made stays")
    func acceptance() throws {
        let parties = try ApartParties()
        let file = try parties.collect()
        let name = parties.configuration.validators[0].name
        // Made anew after the files were collected.
        try ApartParties.make(parties.folder, .validator, name, at: "anew")
        #expect(throws: NodeError.self) { try parties.accept(file, "anew") }
        try ApartParties.make(parties.folder, .validator, "stranger")
        #expect(throws: NodeError.self) { try parties.accept(file, "stranger") }
        let lists = try ["anew", "stranger"].map { try Self.list(parties.folder.file($0)) }
        #expect(lists == [name, "stranger"].map { ["\($0).public", "keys"].sorted() })
        // A part of a home that no acceptance began is not touched.
        let home = parties.folder.file(name)
        let journal = "\(home)/journal"
        try FileManager.default.createDirectory(
            atPath: journal, withIntermediateDirectories: false)
        #expect(throws: NodeError.self) { try parties.accept(file, name) }
        #expect(FileManager.default.fileExists(atPath: journal))
        // One that was cut off is begun anew.
        try FileManager.default.createDirectory(
            atPath: "\(home)/accepting", withIntermediateDirectories: false)
        try parties.accept(file, name)
        #expect(
            try Self.list(home)
                == [
                    "circuits", "jobs", "journal", "keys", "ledger", "recount.toml",
                    "\(name).public",
                ].sorted())
    }

    private static func list(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("keys are made once, for names and addresses that can be used")
    func making() throws {
        let folder = try TemporaryFolder()
        try ApartParties.make(folder, .validator, "alice")
        #expect(throws: NodeError.self) { try ApartParties.make(folder, .validator, "alice") }
        for name in ["bridge", "unlock", "transport", "submitters", "", "A", "../x", ".x"] {
            #expect(throws: NodeError.self, "\(name)") {
                try ApartParties.make(folder, .validator, name, at: "new")
            }
        }
        #expect(throws: NodeError.self) {
            try ApartParties.make(folder, .submitter, "bob", at: "new")
        }
        let any = Multiaddr.tcp(.ip4(0), 4100)
        let own = Multiaddr.tcp(.ip4(0x7F00_0001), 4100)
        let named = own.with(PeerID(SigningKey().publicKey))
        for (listen, reached) in [
            ([], []), ([any], []), ([any], [any]), ([named], []), ([], [own]),
            ([own], [.tcp(.ip4(1), 0)]), ([Multiaddr](repeating: own, count: 17), []),
        ] as [([Multiaddr], [Multiaddr])] {
            #expect(throws: NodeError.self, "\(listen) \(reached)") {
                try PartyHome.make(
                    .validator, named: "carol", at: folder.file("new"), listen: listen,
                    addresses: reached, protection: .keyFile(path: nil))
            }
        }
        #expect(try Self.list(folder.path) == ["alice"])
    }

    @Test("bytes that are changed are refused, or are another value's")
    func bytes() throws {
        let parties = try ApartParties()
        let party = try parties.party(0)
        let genesis = try parties.collect().encoded
        var random = SplitMix64(seed: 41)
        for length in party.encoded.indices {
            #expect(throws: DecodingError.self) {
                try PublicParty(decoding: Array(party.encoded[..<length]))
            }
        }
        for _ in 0..<2_000 {
            var flipped = party.encoded
            flipped[Int(random.next() % UInt64(flipped.count))] ^= 1 << UInt8(random.next() % 8)
            let noise = (0..<Int(random.next() % 200)).map { _ in
                UInt8(truncatingIfNeeded: random.next())
            }
            let head = Int(random.next() % UInt64(party.encoded.count))
            for bytes in [flipped, Array(party.encoded[..<head]) + noise] {
                do throws(DecodingError) {
                    let read = try PublicParty(decoding: bytes)
                    #expect(read.encoded == bytes && read.fault != nil)
                } catch {}
            }
        }
        for _ in 0..<200 {
            var bytes = genesis
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            #expect(throws: DecodingError.self) { try GenesisFile(decoding: bytes) }
            let head = Int(random.next() % UInt64(genesis.count))
            #expect(throws: DecodingError.self) {
                try GenesisFile(decoding: Array(genesis[..<head]) + [255, 255, 255, 255])
            }
        }
    }
}
